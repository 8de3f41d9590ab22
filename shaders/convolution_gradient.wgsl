// The gradient of a convolution's weights, in parts: each part sums some rows of the pictures, and sum_axis.wgsl sums the parts. A weight's
// gradient is the sum over all pixels of the gradient there times the number of the map that the weight multiplies there.
//
// An invocation sums the weights between an input and four outputs for the rows of a part. It moves along each row and keeps the numbers
// under the kernel, so it loads a column of them and four gradients for each pixel. Sums are always in the same order.
//
// Twin: burn's gradient, and nodes/gpstoken/src/kernels/convolution_backward.rs on the processor.
//
// {{ side }}: the kernel's side, 1 or 3. {{ scale }}: 1, or 2 for a map with doubled pixels.
@group(0) @binding(0) var<storage, read_write> map: array<f32>;       // [B, I, H / scale, W / scale]
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;  // [B, O, H, W]
@group(0) @binding(2) var<storage, read_write> result: array<f32>;    // [parts, O, I, side, side]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;     // B, I, O, H, W, rows of a part

const SIDE: u32 = {{ side }}u;
const TAPS: u32 = SIDE * SIDE;
const SCALE: u32 = {{ scale }}u;

// A number of the map, or of the enlarged map, whose rows begin at `start`. Zero outside, where a place before the first is a large number.
fn number_at(start: u32, row: u32, column: u32) -> f32 {
    if row >= sizes[3] || column >= sizes[4] {
        return 0.0;
    }
    return map[start + row / SCALE * (sizes[4] / SCALE) + column / SCALE];
}

// The numbers of three rows around `row`, or of that row alone in the middle.
fn column_at(start: u32, row: u32, column: u32) -> vec3<f32> {
    var numbers = vec3<f32>(0.0, number_at(start, row, column), 0.0);
    if SIDE == 3u {
        numbers.x = number_at(start, row - 1u, column);
        numbers.z = number_at(start, row + 1u, column);
    }
    return numbers;
}

// A gradient of an output. Zero beyond the last output.
fn gradient_at(output: u32, at: u32) -> f32 {
    var number = 0.0;
    if output < sizes[2] {
        number = gradient[at];
    }
    return number;
}

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let at = workgroup.x * 64u + me;
    let input = at % sizes[1];
    let output = at / sizes[1] * 4u;
    if output >= sizes[2] {
        return;
    }
    let places = sizes[3] * sizes[4];
    let first = workgroup.y * sizes[5];
    // The sums of four outputs for each tap: rows of the kernel, and columns within them.
    var upper = mat3x4<f32>();
    var middle = mat3x4<f32>();
    var lower = mat3x4<f32>();
    for (var line = first; line < min(first + sizes[5], sizes[0] * sizes[3]); line++) {
        let picture = line / sizes[3];
        let row = line % sizes[3];
        let start = (picture * sizes[1] + input) * (places / (SCALE * SCALE));
        let of_outputs = (picture * sizes[2] + output) * places + row * sizes[4];
        var left = vec3<f32>();
        var centre = column_at(start, row, 0u);
        for (var column = 0u; column < sizes[4]; column++) {
            var right = vec3<f32>();
            if SIDE == 3u {
                right = column_at(start, row, column + 1u);
            } else {
                centre = column_at(start, row, column);
            }
            let pixel = of_outputs + column;
            let four = vec4<f32>(
                gradient_at(output, pixel),
                gradient_at(output + 1u, pixel + places),
                gradient_at(output + 2u, pixel + 2u * places),
                gradient_at(output + 3u, pixel + 3u * places),
            );
            middle[1] += centre.y * four;
            if SIDE == 3u {
                upper[0] += left.x * four;
                upper[1] += centre.x * four;
                upper[2] += right.x * four;
                middle[0] += left.y * four;
                middle[2] += right.y * four;
                lower[0] += left.z * four;
                lower[1] += centre.z * four;
                lower[2] += right.z * four;
                left = centre;
                centre = right;
            }
        }
    }
    var to = ((workgroup.y * sizes[2] + output) * sizes[1] + input) * TAPS;
    for (var o = output; o < min(output + 4u, sizes[2]); o++) {
        if SIDE == 3u {
            result[to] = upper[0].x;
            result[to + 1u] = upper[1].x;
            result[to + 2u] = upper[2].x;
            result[to + 3u] = middle[0].x;
            result[to + 4u] = middle[1].x;
            result[to + 5u] = middle[2].x;
            result[to + 6u] = lower[0].x;
            result[to + 7u] = lower[1].x;
            result[to + 8u] = lower[2].x;
        } else {
            result[to] = middle[1].x;
        }
        to += sizes[1] * TAPS;
        // Moves numbers instead of an index, as in winograd_map.wgsl.
        upper = mat3x4<f32>(upper[0].yzwx, upper[1].yzwx, upper[2].yzwx);
        middle = mat3x4<f32>(middle[0].yzwx, middle[1].yzwx, middle[2].yzwx);
        lower = mat3x4<f32>(lower[0].yzwx, lower[1].yzwx, lower[2].yzwx);
    }
}
