// Transforms the weights of a 3x3 convolution to the places of winograd_map.wgsl, whose comment describes the method. An invocation
// transforms the nine weights of an output and an input.
//
// Twin: nodes/gpstoken/src/kernels/winograd.rs, and convolution.wgsl for all four shaders together.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> weight: array<{{ number }}>;  // [O, I, 3, 3]
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;      // [S, I, P], zeros beyond the last output
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;            // I, O, P, 6 or the 5 places along an axis that are kept

// Transforms three weights along an axis to six places.
fn spread(a: f32, b: f32, c: f32) -> array<f32, 6> {
    let ends = -(a + c) / 6.0;
    let near = a / 24.0 + c / 6.0;
    return array<f32, 6>(a / 4.0, ends - b / 6.0, ends + b / 6.0, near + b / 12.0, near - b / 12.0, c);
}

fn turned(d: array<f32, 6>) -> array<f32, 6> {
    return array<f32, 6>(d[1], d[2], d[3], d[4], d[5], d[0]);
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let at = workgroup.x * 256u + me;
    let input = at / sizes[2];
    let output = at % sizes[2];
    if input >= sizes[0] {
        return;
    }
    var taps: array<f32, 9>;
    if output < sizes[1] {
        for (var i = 0u; i < 9u; i++) {
            taps[i] = f32(weight[(output * sizes[0] + input) * 9u + i]);
        }
    }
    var left = spread(taps[0], taps[3], taps[6]);
    var middle = spread(taps[1], taps[4], taps[7]);
    var right = spread(taps[2], taps[5], taps[8]);
    let left_out = 6u - sizes[3];
    let stride = sizes[0] * sizes[2];
    var to = at;
    for (var y = input; y != input + 6u; y++) { // begins as the loops of winograd_map.wgsl do
        if left_out == 0u || y != input + 2u {
            let places = spread(left[0], middle[0], right[0]);
            transformed[to] = places[0];
            transformed[to + stride] = places[1];
            if left_out == 0u {
                transformed[to + 2u * stride] = places[2];
            }
            transformed[to + (3u - left_out) * stride] = places[3];
            transformed[to + (4u - left_out) * stride] = places[4];
            transformed[to + (5u - left_out) * stride] = places[5];
            to += sizes[3] * stride;
        }
        left = turned(left);
        middle = turned(middle);
        right = turned(right);
    }
}
