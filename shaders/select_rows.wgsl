// Rows of a table, by their numbers. An invocation copies a number.
//
// Twin: burn's operation.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> table: array<{{ number }}>;   // [R, K]
@group(0) @binding(1) var<storage, read_write> result: array<{{ number }}>;  // [N, K]
@group(0) @binding(2) var<storage, read_write> rows: array<u32>;             // [N], each below R
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;            // N, K

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    if at < sizes[0] * sizes[1] {
        result[at] = table[rows[at / sizes[1]] * sizes[1] + at % sizes[1]];
    }
}
