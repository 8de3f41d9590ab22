// The sums of parts, number by number, from the first part to the last. An invocation computes a number.
//
// Twin: burn's sum along an axis.
@group(0) @binding(0) var<storage, read_write> parts: array<f32>;   // [P, N]
@group(0) @binding(1) var<storage, read_write> result: array<f32>;  // [N]
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;   // P, N

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    if at >= sizes[1] {
        return;
    }
    var sum = 0.0;
    for (var part = 0u; part < sizes[0]; part++) {
        sum += parts[part * sizes[1] + at];
    }
    result[at] = sum;
}
