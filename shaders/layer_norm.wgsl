// Normalisation of tokens: (x - mean) / sqrt(variance + epsilon) * scale + shift, with a scale and a shift for each number of a token, or
// with those of adaLN, where a condition gives each picture a shift and a scale - 1 (Peebles and Xie 2023, section 3.2).
//
// A workgroup of 64 invocations computes a token. The mean comes first, then the deviations from it. Sums are in f32 for any number type,
// and always in the same order.
//
// Twins: burn's operations, and nodes/gpstoken/src/kernels/tokens.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> x: array<{{ number }}>;       // [N, K]
@group(0) @binding(1) var<storage, read_write> scale: array<{{ number }}>;   // [K], or the conditions
@group(0) @binding(2) var<storage, read_write> shift: array<{{ number }}>;   // [K], or the conditions
@group(0) @binding(3) var<storage, read_write> result: array<{{ number }}>;  // [N, K]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;            // N, K, epsilon, rows of a condition, its stride, first scale, first shift
// Rows of a condition are 0 for scales and shifts that all tokens share.

var<workgroup> sums: array<f32, 64>;

// The sum of a number of every invocation, in pairs.
fn sum_of_all(me: u32, number: f32) -> f32 {
    workgroupBarrier(); // all invocations have read the previous sum
    sums[me] = number;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if me < half {
            sums[me] += sums[me + half];
        }
    }
    workgroupBarrier();
    return sums[0];
}

@compute @workgroup_size(64, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let row = workgroup.y * workgroups.x + workgroup.x;
    if row >= sizes[0] {
        return;
    }
    let width = sizes[1];
    let start = row * width;
    var sum = 0.0;
    for (var i = me; i < width; i += 64u) {
        sum += f32(x[start + i]);
    }
    let mean = sum_of_all(me, sum) / f32(width);
    var squares = 0.0;
    for (var i = me; i < width; i += 64u) {
        let deviation = f32(x[start + i]) - mean;
        squares += deviation * deviation;
    }
    let deviation = sqrt(sum_of_all(me, squares) / f32(width) + bitcast<f32>(sizes[2]));
    var condition = 0u;
    var more = 0.0;
    if sizes[3] != 0u {
        condition = row / sizes[3] * sizes[4];
        more = 1.0;
    }
    for (var i = me; i < width; i += 64u) {
        let normalised = (f32(x[start + i]) - mean) / deviation;
        let factor = f32(scale[condition + sizes[5] + i]) + more;
        result[start + i] = {{ number }}(normalised * factor + f32(shift[condition + sizes[6] + i]));
    }
}
