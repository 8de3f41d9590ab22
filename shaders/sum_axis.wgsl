// Sums along an axis, or of parts of it. A part has every P-th number of the axis, so that neighbouring invocations load neighbouring numbers. An
// invocation sums a part, from its first number to the last.
//
// Twin: burn's sum along an axis.
@group(0) @binding(0) var<storage, read_write> x: array<f32>;       // [A, N, B]
@group(0) @binding(1) var<storage, read_write> result: array<f32>;  // [A, P, B]
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;   // A, N, B, P

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    if at >= sizes[0] * sizes[3] * sizes[2] {
        return;
    }
    let part = at / sizes[2] % sizes[3];
    let start = at / sizes[2] / sizes[3] * sizes[1] * sizes[2] + at % sizes[2];
    var sum = 0.0;
    for (var i = part; i < sizes[1]; i += sizes[3]) {
        sum += x[start + i * sizes[2]];
    }
    result[at] = sum;
}
