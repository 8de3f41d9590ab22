// A convolution that keeps the size of a map, or of the map with each pixel doubled, with zeros around the border. It may add another map
// to its result. It is the product of
// the weights, [outputs, inputs x taps], and the numbers under the kernel, [inputs x taps, pixels], which the shader reads from the map
// on demand.
//
// A workgroup of 256 invocations computes 4 R outputs of 2048 / R pixels of a picture. Workgroup memory holds R columns of the weights and
// R rows of the other factor at a time. An invocation sums 4 outputs of 8 pixels. Sums are in f32 for any number type, and always in the
// same order.
//
// Twins: burn's convolution, and nodes/gpstoken/src/kernels/convolution.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16. {{ side }}: the kernel's side, an odd number.
// {{ rows }}: R, which is 4, 8 or 16. {{ scale }}: 1, or 2 for a map with doubled pixels.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> map: array<{{ number }}>;     // [B, I, H / scale, W / scale]
@group(0) @binding(1) var<storage, read_write> weight: array<{{ number }}>;  // [O, I, side, side]
@group(0) @binding(2) var<storage, read_write> bias: array<{{ number }}>;    // [O]
@group(0) @binding(3) var<storage, read_write> result: array<{{ number }}>;  // [B, O, H, W]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;            // I, O, H, W, 1 to add the residual or 0
@group(0) @binding(5) var<storage, read_write> residual: array<{{ number }}>; // [B, O, H, W]; any tensor if it is not added

const SIDE: u32 = {{ side }}u;
const TAPS: u32 = SIDE * SIDE;
const SCALE: i32 = {{ scale }};
// Outputs and pixels of a workgroup, in groups of four and eight.
const ROWS: u32 = {{ rows }}u;
const COLUMNS: u32 = 256u / ROWS;
const DEPTH: u32 = ROWS;
const OUTPUTS: u32 = 4u * ROWS;
const PIXELS: u32 = 8u * COLUMNS;
const FOURS: u32 = PIXELS / 4u;

var<workgroup> weights: array<vec4<f32>, DEPTH * ROWS>;  // [DEPTH, OUTPUTS]
var<workgroup> pixels: array<vec4<f32>, DEPTH * FOURS>;  // [DEPTH, PIXELS]

// The weights that invocation `me` loads from the columns from `k` on: one column of four outputs. Zeros beyond the last column.
fn weights_of(me: u32, first_output: u32, k: u32) -> vec4<f32> {
    let depth = sizes[0] * TAPS;
    let column = k + me % DEPTH;
    let output = first_output + me / DEPTH * 4u;
    var four = vec4<f32>();
    if me < DEPTH * ROWS && column < depth {
        for (var i = 0u; i < 4u; i++) {
            if output + i < sizes[1] {
                four[i] = f32(weight[(output + i) * depth + column]);
            }
        }
    }
    return four;
}

// Row `k` of the other factor at four pixels with the places `x` and `y`, on the maps that begin at `start`. Zeros beyond the last row.
fn pixels_at(start: u32, x: vec4<i32>, y: vec4<i32>, k: u32) -> vec4<f32> {
    let channel = k / TAPS;
    let tap = k % TAPS;
    let reach = vec4<i32>(i32(SIDE / 2u));
    let size = vec2<i32>(i32(sizes[3]), i32(sizes[2]));
    let columns = x + i32(tap % SIDE) - reach;
    let rows = y + i32(tap / SIDE) - reach;
    var four = vec4<f32>();
    if channel < sizes[0] {
        let plane = start + channel * (sizes[2] * sizes[3] / u32(SCALE * SCALE));
        for (var i = 0u; i < 4u; i++) {
            if columns[i] >= 0 && columns[i] < size.x && rows[i] >= 0 && rows[i] < size.y {
                four[i] = f32(map[plane + u32(rows[i] / SCALE * (size.x / SCALE) + columns[i] / SCALE)]);
            }
        }
    }
    return four;
}

fn write(picture: u32, output: u32, first_pixel: u32, sums: vec4<f32>) {
    let places = sizes[2] * sizes[3];
    var left = sums;
    // Moves numbers instead of an index, as in winograd_map.wgsl.
    for (var pixel = first_pixel; pixel < min(first_pixel + 4u, places); pixel++) {
        let at = (picture * sizes[1] + output) * places + pixel;
        var value = left.x + f32(bias[output]);
        if sizes[4] != 0u {
            value += f32(residual[at]);
        }
        result[at] = {{ number }}(value);
        left = left.yzwx;
    }
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    let places = sizes[2] * sizes[3];
    // Workgroups of pixels are counted along x and y, because each axis has a limit.
    let first_pixel = (workgroup.y * workgroups.x + workgroup.x) * PIXELS;
    let parts = (sizes[1] + OUTPUTS - 1u) / OUTPUTS;
    let picture = workgroup.z / parts;
    let first_output = workgroup.z % parts * OUTPUTS;
    let start = picture * sizes[0] * (places / u32(SCALE * SCALE));

    // This invocation loads two rows of 4 pixels into workgroup memory. The first invocations also load a column of the weights of 4 outputs.
    let upper = me / FOURS;
    let lower = upper + DEPTH / 2u;
    let four = me % FOURS;
    let brought = first_pixel + four * 4u;
    let at = vec4<u32>(brought, brought + 1u, brought + 2u, brought + 3u);
    let x = vec4<i32>(at % vec4<u32>(sizes[3]));
    let y = vec4<i32>(at / vec4<u32>(sizes[3])); // outside the map for pixels beyond the last

    // This invocation sums 4 outputs of the 4 pixels at `column`, counted in fours, and of the 4 pixels half a workgroup later.
    let row = me / COLUMNS;
    let column = me % COLUMNS;
    var near0 = vec4<f32>();
    var near1 = vec4<f32>();
    var near2 = vec4<f32>();
    var near3 = vec4<f32>();
    var far0 = vec4<f32>();
    var far1 = vec4<f32>();
    var far2 = vec4<f32>();
    var far3 = vec4<f32>();

    var new_weights = weights_of(me, first_output, 0u);
    var new_upper = pixels_at(start, x, y, upper);
    var new_lower = pixels_at(start, x, y, lower);
    let depth = sizes[0] * TAPS;
    for (var k = 0u; k < depth; k += DEPTH) {
        workgroupBarrier(); // all invocations have used the previous numbers
        if me < DEPTH * ROWS {
            weights[me % DEPTH * ROWS + me / DEPTH] = new_weights;
        }
        pixels[upper * FOURS + four] = new_upper;
        pixels[lower * FOURS + four] = new_lower;
        workgroupBarrier();
        // Loads the next numbers while the current ones are summed.
        new_weights = weights_of(me, first_output, k + DEPTH);
        new_upper = pixels_at(start, x, y, k + DEPTH + upper);
        new_lower = pixels_at(start, x, y, k + DEPTH + lower);
        for (var i = 0u; i < DEPTH; i++) {
            let w = weights[i * ROWS + row];
            let near = pixels[i * FOURS + column];
            let far = pixels[i * FOURS + COLUMNS + column];
            near0 += w.x * near;
            near1 += w.y * near;
            near2 += w.z * near;
            near3 += w.w * near;
            far0 += w.x * far;
            far1 += w.y * far;
            far2 += w.z * far;
            far3 += w.w * far;
        }
    }

    let own_output = first_output + row * 4u;
    let pixel = first_pixel + column * 4u;
    // Moves sums instead of calling eight times: a call is compiled again in each place.
    for (var output = own_output; output < min(own_output + 4u, sizes[1]); output++) {
        write(picture, output, pixel, near0);
        write(picture, output, pixel + 4u * COLUMNS, far0);
        near0 = near1;
        near1 = near2;
        near2 = near3;
        far0 = far1;
        far1 = far2;
        far2 = far3;
    }
}
