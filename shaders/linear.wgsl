// A linear layer, x W^T + b, and what follows it (linear_follows.wgsl, whose text comes after this one).
//
// A workgroup of 256 invocations computes 32 rows of x and 64 outputs. Workgroup memory holds 32 columns of both factors at a time. An
// invocation sums 2 rows by 4 outputs. Sums are in f32 for any number type, and always in the same order.
//
// Twins: burn's product, and nodes/gpstoken/src/kernels/tokens.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> x: array<{{ number }}>;       // [N, K]
@group(0) @binding(1) var<storage, read_write> weight: array<{{ number }}>;  // [O, K]
@group(0) @binding(2) var<storage, read_write> bias: array<{{ number }}>;    // [O]
@group(0) @binding(3) var<storage, read_write> result: array<{{ number }}>;  // [N, O]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;            // N, K, O, and what linear_follows.wgsl reads

const ROWS: u32 = 32u;
const OUTPUTS: u32 = 64u;
// The number of columns in fours, plus one, so that the rows of workgroup memory begin in different banks.
const FOURS: u32 = 8u;
const STRIDE: u32 = FOURS + 1u;

var<workgroup> rows: array<vec4<f32>, ROWS * STRIDE>;        // [ROWS, STRIDE]
var<workgroup> weights: array<vec4<f32>, OUTPUTS * STRIDE>;  // [OUTPUTS, STRIDE]

// Four numbers of a row of x. Zeros beyond the last number.
fn row_at(row: u32, column: u32) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if row < sizes[0] && column + i < sizes[1] {
            four[i] = f32(x[row * sizes[1] + column + i]);
        }
    }
    return four;
}

// Four weights of an output. Zeros beyond the last weight.
fn weights_at(output: u32, column: u32) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if output < sizes[2] && column + i < sizes[1] {
            four[i] = f32(weight[output * sizes[1] + column + i]);
        }
    }
    return four;
}

// The sums of a row for four outputs at a distance of 16.
fn write(row: u32, output: u32, sums: vec4<f32>) {
    var left = sums;
    for (var at = output; at < min(output + 64u, sizes[2]); at += 16u) {
        result[row * sizes[2] + at] = {{ number }}(follow(left.x + f32(bias[at]), row, at));
        left = left.yzwx;
    }
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups of rows are counted along x and y, because each axis has a limit.
    let first_row = (workgroup.y * workgroups.x + workgroup.x) * ROWS;
    let first_output = workgroup.z * OUTPUTS;

    // This invocation loads four numbers of a row of x and four weights of each of two outputs into workgroup memory.
    let brought = me / FOURS;
    let four = me % FOURS;

    // This invocation sums the rows `line` and `line + 16` for the outputs `column`, `column + 16`, `column + 32` and `column + 48`.
    let line = me / 16u;
    let column = me % 16u;
    let to_weights = (column - line) * STRIDE;
    var upper = vec4<f32>();
    var lower = vec4<f32>();

    // Each pass loads numbers for the next one while it sums those of the last, so the first one sums nothing.
    for (var k = 0u; k < sizes[1] + 4u * FOURS; k += 4u * FOURS) {
        let new_row = row_at(first_row + brought, k + 4u * four);
        let new_near = weights_at(first_output + brought, k + 4u * four);
        let new_far = weights_at(first_output + 32u + brought, k + 4u * four);
        if k > 0u {
            // The loop begins at a number that is known at run time, so lavapipe does not unroll it (README.md).
            for (var i = line * STRIDE; i != line * STRIDE + FOURS; i++) {
                let a = rows[i];
                let b = rows[i + 16u * STRIDE];
                let w0 = weights[i + to_weights];
                let w1 = weights[i + to_weights + 16u * STRIDE];
                let w2 = weights[i + to_weights + 32u * STRIDE];
                let w3 = weights[i + to_weights + 48u * STRIDE];
                upper += vec4<f32>(dot(a, w0), dot(a, w1), dot(a, w2), dot(a, w3));
                lower += vec4<f32>(dot(b, w0), dot(b, w1), dot(b, w2), dot(b, w3));
            }
        }
        workgroupBarrier(); // all invocations have used the previous numbers
        rows[brought * STRIDE + four] = new_row;
        weights[brought * STRIDE + four] = new_near;
        weights[(32u + brought) * STRIDE + four] = new_far;
        workgroupBarrier();
    }
    // Moves sums instead of calling twice: a call is compiled again in each place, and what follows a layer is long.
    for (var row = first_row + line; row < min(first_row + ROWS, sizes[0]); row += 16u) {
        write(row, first_output + column, upper);
        upper = lower;
    }
}
