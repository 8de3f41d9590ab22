// A convolution on a card's matrix units. It keeps the size of a map, or of the map with each pixel doubled, with zeros around the border.
// Numbers are in half precision, sums in f32. It is the product of the weights, [outputs, inputs x taps], and the numbers under the kernel,
// [inputs x taps, pixels], which the shader reads from the map on demand.
//
// A subgroup sums 2 by 4 matrices of MATRIX x MATRIX, so 2 MATRIX outputs of 4 MATRIX pixels. A workgroup has DOWN x ACROSS subgroups.
// Workgroup memory holds 16 channels of one tap at a time, so a pixel's place is worked out once for all of them, and all taps of these
// channels follow, while their numbers are in the cache. Every element is inside workgroup memory, because matrices are loaded without a
// check of bounds: zeros stand for what is outside the map and the weights. Sums go to workgroup memory in f32 first; the bias and the
// conversion follow.
//
// Twin: convolution.wgsl.
//
// {{ enable }}: the directive that enables f16. {{ side }}: the kernel's side, an odd number. {{ scale }}: 1, or 2 for a map with doubled
// pixels. {{ matrix }}: MATRIX, 8 or 16. {{ lanes }}: the number of invocations in a subgroup. {{ down }}, {{ across }}: subgroups of a
// workgroup along the outputs and along the pixels. {{ threads }}: the product of the last three.
{{ enable }}
enable wgpu_cooperative_matrix;
@group(0) @binding(0) var<storage, read_write> map: array<f16>;     // [B, I, H / scale, W / scale]
@group(0) @binding(1) var<storage, read_write> weight: array<f16>;  // [O, I, side, side]
@group(0) @binding(2) var<storage, read_write> bias: array<f16>;    // [O]
@group(0) @binding(3) var<storage, read_write> result: array<f16>;  // [B, O, H, W]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;   // I, O, H, W, 1 to add the residual or 0
@group(0) @binding(5) var<storage, read_write> residual: array<f16>; // [B, O, H, W]; any tensor if it is not added

alias Left = coop_mat{{ matrix }}x{{ matrix }}<f16, A>;
alias Right = coop_mat{{ matrix }}x{{ matrix }}<f16, B>;
alias Sums = coop_mat{{ matrix }}x{{ matrix }}<f32, C>;

const SIDE: u32 = {{ side }}u;
const TAPS: u32 = SIDE * SIDE;
const SCALE: i32 = {{ scale }};
const MATRIX: u32 = {{ matrix }}u;
const LANES: u32 = {{ lanes }}u;
const DOWN: u32 = {{ down }}u;
const ACROSS: u32 = {{ across }}u;
const THREADS: u32 = {{ threads }}u;
const DEPTH: u32 = 16u;
const OUTPUTS: u32 = 2u * MATRIX * DOWN;
const PIXELS: u32 = 4u * MATRIX * ACROSS;
// Eight numbers more, so that eight rows of workgroup memory begin in different banks and 16 bytes are aligned.
const WEIGHT_STRIDE: u32 = DEPTH + 8u;
const PIXEL_STRIDE: u32 = PIXELS + 8u;
// Pixels that all invocations load at once, and how many channels of them.
const PIXELS_AT_ONCE: u32 = min(PIXELS, THREADS);
const CHANNELS_AT_ONCE: u32 = THREADS / PIXELS_AT_ONCE;

var<workgroup> weights: array<f16, OUTPUTS * WEIGHT_STRIDE>;       // [OUTPUTS, WEIGHT_STRIDE]
var<workgroup> pixels: array<f16, DEPTH * PIXEL_STRIDE>;           // [DEPTH, PIXEL_STRIDE]
var<workgroup> sums: array<f32, DOWN * ACROSS * MATRIX * MATRIX>;  // [subgroups, MATRIX, MATRIX]

// Loads the weights of DEPTH channels from `first_channel` on at a tap into workgroup memory.
fn load_weights(me: u32, first_output: u32, first_channel: u32, tap: u32) {
    for (var i = me; i < OUTPUTS * DEPTH; i += THREADS) {
        let output = first_output + i / DEPTH;
        let channel = first_channel + i % DEPTH;
        var number = f16();
        if output < sizes[1] && channel < sizes[0] {
            number = weight[(output * sizes[0] + channel) * TAPS + tap];
        }
        weights[i / DEPTH * WEIGHT_STRIDE + i % DEPTH] = number;
    }
}

// Loads what is under a tap of the kernel in DEPTH channels from `first_channel` on into workgroup memory.
fn load_pixels(me: u32, picture: u32, first_pixel: u32, first_channel: u32, tap: u32) {
    let size = vec2<i32>(i32(sizes[3]), i32(sizes[2]));
    let plane = sizes[2] * sizes[3] / u32(SCALE * SCALE);
    let reach = i32(SIDE / 2u);
    for (var pixel = me % PIXELS_AT_ONCE; pixel < PIXELS; pixel += PIXELS_AT_ONCE) {
        // The row is outside the map for pixels beyond the last.
        let column = i32((first_pixel + pixel) % sizes[3]) + i32(tap % SIDE) - reach;
        let row = i32((first_pixel + pixel) / sizes[3]) + i32(tap / SIDE) - reach;
        let inside = column >= 0 && column < size.x && row >= 0 && row < size.y;
        let at = u32(row / SCALE * (size.x / SCALE) + column / SCALE);
        for (var i = me / PIXELS_AT_ONCE; i < DEPTH; i += CHANNELS_AT_ONCE) {
            let channel = first_channel + i;
            var number = f16();
            if inside && channel < sizes[0] {
                number = map[(picture * sizes[0] + channel) * plane + at];
            }
            pixels[i * PIXEL_STRIDE + pixel] = number;
        }
    }
}

// Writes the matrix that this subgroup stored at `slot` of workgroup memory: the sums of the outputs from `output` on at the pixels from
// `pixel` on.
fn write(slot: u32, lane: u32, picture: u32, output: u32, pixel: u32) {
    let places = sizes[2] * sizes[3];
    workgroupBarrier(); // all invocations of the subgroup have stored
    for (var i = lane; i < MATRIX * MATRIX; i += LANES) {
        let row = output + i / MATRIX;
        let at = pixel + i % MATRIX;
        if row < sizes[1] && at < places {
            let place = (picture * sizes[1] + row) * places + at;
            var value = sums[slot + i] + f32(bias[row]);
            if sizes[4] != 0u {
                value += f32(residual[place]);
            }
            result[place] = f16(value);
        }
    }
    workgroupBarrier(); // the slot is free again
}

@compute @workgroup_size({{ threads }}, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    // Workgroups of pixels are counted along x and y, because each axis has a limit.
    let first_pixel = (workgroup.y * workgroups.x + workgroup.x) * PIXELS;
    let parts = (sizes[1] + OUTPUTS - 1u) / OUTPUTS;
    let picture = workgroup.z / parts;
    let first_output = workgroup.z % parts * OUTPUTS;

    // This subgroup sums the outputs from `output` on at the pixels from `pixel` on, counted from the workgroup's first.
    let output = subgroup / ACROSS % DOWN * 2u * MATRIX;
    let pixel = subgroup % ACROSS * 4u * MATRIX;
    var sums00 = Sums();
    var sums01 = Sums();
    var sums02 = Sums();
    var sums03 = Sums();
    var sums10 = Sums();
    var sums11 = Sums();
    var sums12 = Sums();
    var sums13 = Sums();

    for (var channel = 0u; channel < sizes[0]; channel += DEPTH) {
        for (var tap = 0u; tap < TAPS; tap++) {
            workgroupBarrier(); // all subgroups have used the previous numbers
            load_weights(me, first_output, channel, tap);
            load_pixels(me, picture, first_pixel, channel, tap);
            workgroupBarrier();
            for (var i = 0u; i < DEPTH; i += MATRIX) {
                let a0 = coopLoadT<Left>(&weights[output * WEIGHT_STRIDE + i], WEIGHT_STRIDE);
                let a1 = coopLoadT<Left>(&weights[(output + MATRIX) * WEIGHT_STRIDE + i], WEIGHT_STRIDE);
                let b0 = coopLoadT<Right>(&pixels[i * PIXEL_STRIDE + pixel], PIXEL_STRIDE);
                let b1 = coopLoadT<Right>(&pixels[i * PIXEL_STRIDE + pixel + MATRIX], PIXEL_STRIDE);
                let b2 = coopLoadT<Right>(&pixels[i * PIXEL_STRIDE + pixel + 2u * MATRIX], PIXEL_STRIDE);
                let b3 = coopLoadT<Right>(&pixels[i * PIXEL_STRIDE + pixel + 3u * MATRIX], PIXEL_STRIDE);
                sums00 = coopMultiplyAdd(a0, b0, sums00);
                sums01 = coopMultiplyAdd(a0, b1, sums01);
                sums02 = coopMultiplyAdd(a0, b2, sums02);
                sums03 = coopMultiplyAdd(a0, b3, sums03);
                sums10 = coopMultiplyAdd(a1, b0, sums10);
                sums11 = coopMultiplyAdd(a1, b1, sums11);
                sums12 = coopMultiplyAdd(a1, b2, sums12);
                sums13 = coopMultiplyAdd(a1, b3, sums13);
            }
        }
    }

    let slot = subgroup % (DOWN * ACROSS) * MATRIX * MATRIX;
    let upper = first_output + output;
    let lower = upper + MATRIX;
    let left = first_pixel + pixel;
    coopStoreT(sums00, &sums[slot], MATRIX);
    write(slot, lane, picture, upper, left);
    coopStoreT(sums01, &sums[slot], MATRIX);
    write(slot, lane, picture, upper, left + MATRIX);
    coopStoreT(sums02, &sums[slot], MATRIX);
    write(slot, lane, picture, upper, left + 2u * MATRIX);
    coopStoreT(sums03, &sums[slot], MATRIX);
    write(slot, lane, picture, upper, left + 3u * MATRIX);
    coopStoreT(sums10, &sums[slot], MATRIX);
    write(slot, lane, picture, lower, left);
    coopStoreT(sums11, &sums[slot], MATRIX);
    write(slot, lane, picture, lower, left + MATRIX);
    coopStoreT(sums12, &sums[slot], MATRIX);
    write(slot, lane, picture, lower, left + 2u * MATRIX);
    coopStoreT(sums13, &sums[slot], MATRIX);
    write(slot, lane, picture, lower, left + 3u * MATRIX);
}
