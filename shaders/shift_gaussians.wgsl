// Gaussians, shifted in unbounded space (GPSToken, section 3.3): each sigma is a logit, and rho, x and y are logits of p = (1 + v) / 2. With
// q = 1 - p, the shifted number is sigmoid(logit(p) + d) = p / (p + q exp(-d)), which needs no logarithm. An invocation computes a number.
//
// Twins: burn's operations, and nodes/gpstoken/src/tokenizer/transformer.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> gaussians: array<f32>;       // [N, 5]: sigma x, sigma y, rho, x, y
@group(0) @binding(1) var<storage, read_write> delta: array<{{ number }}>;  // [N, 5]
@group(0) @binding(2) var<storage, read_write> result: array<f32>;          // [N, 5]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;           // 5 N, the bits of NaN

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
    let value = gaussians[at];
    // A number outside its range has no logit, as on the processor. WGSL has no literal for NaN.
    let least = select(-1.0, 0.0, at % 5u < 2u);
    if value < least || value > 1.0 {
        result[at] = bitcast<f32>(sizes[1]);
        return;
    }
    // Beyond 80 the result is 0 or 1 (-1 or 1) in f32, and the exponential stays finite.
    let factor = exp(-clamp(f32(delta[at]), -80.0, 80.0));
    if at % 5u < 2u {
        result[at] = value / (value + (1.0 - value) * factor);
    } else {
        let above = 0.5 * (1.0 + value);
        let below = 0.5 * (1.0 - value) * factor;
        result[at] = (above - below) / (above + below);
    }
}
