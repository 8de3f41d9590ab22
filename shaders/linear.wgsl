// A linear layer, x W^T + b, and what follows it: an activation, a product with a gate, and the addition of a residual.
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
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;            // N, K, O, activation, P, G, stride of gates, first gate
@group(0) @binding(5) var<storage, read_write> residual: array<{{ number }}>;  // [P, O], added to each P rows; any tensor for P = 0
@group(0) @binding(6) var<storage, read_write> gates: array<{{ number }}>;   // G rows share O gates; any tensor for G = 0

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

// The error function, a quotient of polynomials within a few units of the last place, with the factors of kernels/tokens.rs.
fn error_function(value: f32) -> f32 {
    let x = clamp(value, -4.0, 4.0);
    let s = x * x;
    var above = -2.7261423e-10;
    above = above * s + 2.7706814e-8;
    above = above * s - 2.101024e-6;
    above = above * s - 5.6925064e-5;
    above = above * s - 7.3499064e-4;
    above = above * s - 2.9546e-3;
    above = above * s - 1.6096033e-2;
    var below = -1.4566072e-5;
    below = below * s - 2.1337405e-4;
    below = below * s - 1.682827e-3;
    below = below * s - 7.373329e-3;
    below = below * s - 1.4264739e-2;
    return x * above / below;
}

fn activate(x: f32) -> f32 {
    switch sizes[3] {
        // GELU: x (1 + erf(x / sqrt 2)) / 2
        case 1u: {
            return 0.5 * x * (1.0 + error_function(x * 0.70710677));
        }
        // GELU with a hyperbolic tangent, x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3), which equals x sigmoid(2 u)
        case 2u: {
            return x / (1.0 + exp(-1.5957691 * (x + 0.044715 * x * x * x)));
        }
        // SiLU: x sigmoid(x)
        case 3u: {
            return x / (1.0 + exp(-x));
        }
        default: {
            return x;
        }
    }
}

// The sums of a row for four outputs at a distance of 16.
fn write(row: u32, output: u32, sums: vec4<f32>) {
    if row >= sizes[0] {
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        let at = output + 16u * i;
        if at < sizes[2] {
            var value = activate(sums[i] + f32(bias[at]));
            if sizes[5] != 0u {
                value *= f32(gates[row / sizes[5] * sizes[6] + sizes[7] + at]);
            }
            if sizes[4] != 0u {
                value += f32(residual[row % sizes[4] * sizes[2] + at]);
            }
            result[row * sizes[2] + at] = {{ number }}(value);
        }
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
    var upper = vec4<f32>();
    var lower = vec4<f32>();

    var new_row = row_at(first_row + brought, four * 4u);
    var new_near = weights_at(first_output + brought, four * 4u);
    var new_far = weights_at(first_output + 32u + brought, four * 4u);
    for (var k = 0u; k < sizes[1]; k += 4u * FOURS) {
        workgroupBarrier(); // all invocations have used the previous numbers
        rows[brought * STRIDE + four] = new_row;
        weights[brought * STRIDE + four] = new_near;
        weights[(32u + brought) * STRIDE + four] = new_far;
        workgroupBarrier();
        // Loads the next numbers while the current ones are summed.
        let next = k + 4u * (FOURS + four);
        new_row = row_at(first_row + brought, next);
        new_near = weights_at(first_output + brought, next);
        new_far = weights_at(first_output + 32u + brought, next);
        for (var i = 0u; i < FOURS; i++) {
            let a = rows[line * STRIDE + i];
            let b = rows[(16u + line) * STRIDE + i];
            let w0 = weights[column * STRIDE + i];
            let w1 = weights[(16u + column) * STRIDE + i];
            let w2 = weights[(32u + column) * STRIDE + i];
            let w3 = weights[(48u + column) * STRIDE + i];
            upper += vec4<f32>(dot(a, w0), dot(a, w1), dot(a, w2), dot(a, w3));
            lower += vec4<f32>(dot(b, w0), dot(b, w1), dot(b, w2), dot(b, w3));
        }
    }
    write(first_row + line, first_output + column, upper);
    write(first_row + 16u + line, first_output + column, lower);
}
