// Transforms the products of products.wgsl back to the outputs of a 3x3 convolution, adds the bias, and may add another map.
// winograd_map.wgsl describes the method and how tiles are counted. An invocation transforms four tiles that lie side by side, of an output.
//
// Output j of six numbers m along an axis is the sum of p^j m over the places, whose points p are 0, 1, -1, 2 and -2; the last place stands
// for infinity and has a part in the last output only.
//
// Twin: nodes/gpstoken/src/kernels/winograd.rs, and convolution.wgsl for all four shaders together.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> products: array<vec4<f32>>;           // [S, P, F]
@group(0) @binding(1) var<storage, read_write> bias: array<{{ number }}>;            // [O]
@group(0) @binding(2) var<storage, read_write> residual: array<vec4<{{ number }}>>;  // [B, O, H, W / 4]; any tensor if it is not added
@group(0) @binding(3) var<storage, read_write> result: array<vec4<{{ number }}>>;    // [B, O, H, W / 4]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;
// sizes: O, H, W, F, first four, P, 6 or the 5 places along an axis that are kept, 1 to add the residual or 0

const POINTS = array<f32, 5>(0.0, 1.0, -1.0, 2.0, -2.0);

// Transforms the places of a row to four outputs, for each of four tiles: a column for each output, a row for each tile.
fn row_of(first: u32, stride: u32, left_out: u32) -> mat4x4<f32> {
    let m0 = products[first];
    let m1 = products[first + stride];
    var m2 = vec4<f32>();
    if left_out == 0u {
        m2 = products[first + 2u * stride];
    }
    let m3 = products[first + (3u - left_out) * stride];
    let m4 = products[first + (4u - left_out) * stride];
    let m5 = products[first + (5u - left_out) * stride];
    let near = m1 + m2;
    let near_odd = m1 - m2;
    let far = m3 + m4;
    let far_odd = m3 - m4;
    return mat4x4<f32>(m0 + near + far, near_odd + 2.0 * far_odd, near + 4.0 * far, near_odd + 8.0 * far_odd + m5);
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let at = workgroup.x * 256u + me;
    let output = at / sizes[3];
    if output >= sizes[0] {
        return;
    }
    let places = sizes[6];
    let left_out = 6u - places;
    let stride = sizes[5] * sizes[3];
    var row0 = mat4x4<f32>();
    var row1 = mat4x4<f32>();
    var row2 = mat4x4<f32>();
    var row3 = mat4x4<f32>();
    for (var y = 0u; y < places; y++) {
        let row = row_of(at + y * places * stride, stride, left_out);
        var powers = vec4<f32>(0.0, 0.0, 0.0, 1.0);
        if y + 1u < places {
            let point = POINTS[select(y, y + left_out, y >= 2u)];
            powers = vec4<f32>(1.0, point, point * point, point * point * point);
        }
        row0 += powers.x * row;
        row1 += powers.y * row;
        row2 += powers.z * row;
        row3 += powers.w * row;
    }

    let across = (sizes[2] + 15u) / 16u;
    let down = (sizes[1] + 3u) / 4u;
    let four = sizes[4] + at % sizes[3];
    let picture = four / (across * down);
    let first_row = four / across % down * 4u;
    let first_column = four % across * 4u;
    let width = sizes[2] / 4u;
    // Both loops move numbers instead of an index, as in winograd_map.wgsl.
    for (var y = first_row; y < min(first_row + 4u, sizes[1]); y++) {
        var fours = transpose(row0);
        for (var x = first_column; x < min(first_column + 4u, width); x++) {
            let place = ((picture * sizes[0] + output) * sizes[1] + y) * width + x;
            var four = fours[0] + f32(bias[output]);
            if sizes[7] != 0u {
                four += vec4<f32>(residual[place]);
            }
            result[place] = vec4<{{ number }}>(four);
            fours = mat4x4<f32>(fours[1], fours[2], fours[3], fours[0]);
        }
        row0 = row1;
        row1 = row2;
        row2 = row3;
    }
}
