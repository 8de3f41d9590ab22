// Gaussians, multiplied by scales and moved by offsets: from the coordinates of a tile to those of the canvas, or back. An invocation
// computes a number.
//
// Twin: burn's operations.
@group(0) @binding(0) var<storage, read_write> gaussians: array<f32>;  // [N]
@group(0) @binding(1) var<storage, read_write> result: array<f32>;     // [N]
@group(0) @binding(2) var<storage, read_write> scales: array<f32>;     // [P], repeated
@group(0) @binding(3) var<storage, read_write> offsets: array<f32>;    // [P], repeated
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;      // N, P

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    if at < sizes[0] {
        result[at] = gaussians[at] * scales[at % sizes[1]] + offsets[at % sizes[1]];
    }
}
