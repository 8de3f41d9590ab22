// The sum of two tensors, of which the second may be shorter and is repeated, then SiLU if wanted. An invocation computes a number, in f32
// for any number type.
//
// Twin: burn's operations.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> a: array<{{ number }}>;       // [N]
@group(0) @binding(1) var<storage, read_write> b: array<{{ number }}>;       // [P]
@group(0) @binding(2) var<storage, read_write> result: array<{{ number }}>;  // [N]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;            // N, P, 1 for SiLU or 0

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    if at >= sizes[0] {
        return;
    }
    var value = f32(a[at]) + f32(b[at % sizes[1]]);
    if sizes[2] != 0u {
        value /= 1.0 + exp(-value);
    }
    result[at] = {{ number }}(value);
}
