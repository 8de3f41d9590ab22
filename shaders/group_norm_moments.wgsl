// Mean and deviation of each tile of each group, from the means and squared deviations of its parts:
// the squared deviations from the whole mean are those from a part's mean, plus the part's count times the square of the means' difference.
//
// An invocation computes a tile of a group. The order of the sums is fixed.
//
// Twins: burn's operations, and nodes/gpstoken/src/kernels/group_norm.rs on the processor.
@group(0) @binding(0) var<storage, read_write> parts: array<f32>;    // [B, groups, rows, columns, parts, 2]: mean, squared deviations
@group(0) @binding(1) var<storage, read_write> moments: array<f32>;  // [B, groups, rows, columns, 2]: mean, deviation
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;    // B groups tiles, parts, numbers of a part, numbers of the last part, epsilon's place
// Epsilon's place: 0 for sqrt(variance + epsilon), 1 for sqrt(variance) + epsilon.

const EPSILON: f32 = 1e-6;

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let at = (workgroup.y * workgroups.x + workgroup.x) * 64u + me;
    if at >= sizes[0] {
        return;
    }
    let count = sizes[1];
    let each = f32(sizes[2]);
    let last = f32(sizes[3]);
    let total = each * f32(count - 1u) + last;
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
        sum += parts[2u * (at * count + i)] * (select(each, last, i == count - 1u) / total);
    }
    var squares = 0.0;
    for (var i = 0u; i < count; i++) {
        let difference = parts[2u * (at * count + i)] - sum;
        squares += parts[2u * (at * count + i) + 1u] + select(each, last, i == count - 1u) * difference * difference;
    }
    let variance = squares / total;
    moments[2u * at] = sum;
    moments[2u * at + 1u] = select(sqrt(variance) + EPSILON, sqrt(variance + EPSILON), sizes[4] == 0u);
}
