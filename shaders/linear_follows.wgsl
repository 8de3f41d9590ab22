// What follows a linear layer: an activation, a product with a gate, and the addition of a residual. linear.wgsl and linear_cooperative.wgsl
// call `follow`; `sizes` is theirs: its numbers from the fourth on are the activation, P, G, the stride of the gates and the first gate.
@group(0) @binding(5) var<storage, read_write> residual: array<{{ number }}>;  // [P, O], added to each P rows; any tensor for P = 0
@group(0) @binding(6) var<storage, read_write> gates: array<{{ number }}>;   // G rows share O gates; any tensor for G = 0

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

// A number of the layer's result, for a row and an output.
fn follow(number: f32, row: u32, output: u32) -> f32 {
    var value = activate(number);
    if sizes[5] != 0u {
        value *= f32(gates[row / sizes[5] * sizes[6] + sizes[7] + output]);
    }
    if sizes[4] != 0u {
        value += f32(residual[row % sizes[4] * sizes[2] + output]);
    }
    return value;
}
