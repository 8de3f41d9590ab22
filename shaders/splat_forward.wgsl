// Splats tokens onto a map: each token adds its texture, weighted by its gaussian, to the pixels of its box (GPSToken, section 3.1).
//
// A workgroup computes a tile of 8 x 8 pixels for a slab of channels of a picture. It processes 256 tokens at a time: each invocation checks
// whether one of them reaches the tile, and the workgroup lists these tokens in their order, so that sums are equal in every run. Then it
// adds the listed tokens, 32 at a time, whose weights for the 64 pixels are in workgroup memory.
//
// Twin on the processor: nodes/gpstoken/src/splat/splat_forward.rs.
//
// {{ accumulators }}: the number of sums of an invocation. A slab has at most 4 times as many channels.

// The shader reads numbers as bits if NaN and infinity matter, because WGSL may assume that floats are neither.
@group(0) @binding(0) var<storage, read_write> gaussians: array<u32>; // f32 [B, N, 5]: sigma_x, sigma_y, rho, x, y
@group(0) @binding(1) var<storage, read_write> textures: array<f32>;  // [B, N, C]
@group(0) @binding(2) var<storage, read_write> map: array<f32>;       // [B, C, H, W]
@group(0) @binding(3) var<storage, read_write> places: array<f32>;    // [W + H]: the places of columns and rows, -1..1
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;     // B, N, C, W, H, bits of the support

const SIDE: u32 = 8u;
const PIXELS: u32 = 64u;
const THREADS: u32 = 256u;
const GROUPS: u32 = 4u;
const CHUNK: u32 = 32u;
const ACCUMULATORS: u32 = {{ accumulators }}u;
const SLAB: u32 = ACCUMULATORS * GROUPS;

var<workgroup> counts: array<u32, THREADS>;
var<workgroup> listed: array<u32, THREADS>;
var<workgroup> weights: array<f32, CHUNK * PIXELS>;
var<workgroup> slab: array<f32, CHUNK * SLAB>;

struct Token {
    usable: bool,
    sigma: vec2<f32>,
    rho: f32,
    centre: vec2<f32>,
}

fn is_finite(bits: u32) -> bool {
    return (bits & 0x7f800000u) != 0x7f800000u;
}

// Whether a number is zero or too small to be a normal number.
fn is_tiny(bits: u32) -> bool {
    return (bits & 0x7f800000u) == 0u;
}

fn token_at(at: u32) -> Token {
    let bits = array<u32, 5>(gaussians[at], gaussians[at + 1u], gaussians[at + 2u], gaussians[at + 3u], gaussians[at + 4u]);
    let finite = is_finite(bits[0]) && is_finite(bits[1]) && is_finite(bits[2]) && is_finite(bits[3]) && is_finite(bits[4]);
    let positive = (bits[0] >> 31u) == 0u && (bits[1] >> 31u) == 0u && !is_tiny(bits[0]) && !is_tiny(bits[1]);
    let slanted = (bits[2] & 0x7fffffffu) < 0x3f800000u; // |rho| < 1
    var token: Token;
    token.usable = finite && positive && slanted;
    token.sigma = vec2<f32>(bitcast<f32>(bits[0]), bitcast<f32>(bits[1]));
    token.rho = bitcast<f32>(bits[2]);
    token.centre = vec2<f32>(bitcast<f32>(bits[3]), bitcast<f32>(bits[4]));
    return token;
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let count = sizes[1];
    let channels = sizes[2];
    let width = sizes[3];
    let height = sizes[4];
    let support = bitcast<f32>(sizes[5]);

    let across = (width + SIDE - 1u) / SIDE;
    let slabs = (channels + SLAB - 1u) / SLAB;
    let tile_x = (group.x % across) * SIDE;
    let tile_y = (group.x / across) * SIDE;
    let first_channel = (group.y % slabs) * SLAB;
    let batch = group.y / slabs;
    if (tile_y >= height || batch >= sizes[0]) {
        return; // all invocations of the workgroup return together
    }

    // The places of the tile's outer pixels.
    let low = vec2<f32>(places[tile_x], places[width + tile_y]);
    let high = vec2<f32>(places[min(tile_x + SIDE, width) - 1u], places[width + min(tile_y + SIDE, height) - 1u]);
    // This invocation's pixel, kept on the map, and its channels: group, group + 4, ...
    let pixel = thread % PIXELS;
    let column = min(tile_x + pixel % SIDE, width - 1u);
    let row = min(tile_y + pixel / SIDE, height - 1u);
    let own_group = thread / PIXELS;

    var sums: array<f32, ACCUMULATORS>;
    for (var k = 0u; k < ACCUMULATORS; k++) {
        sums[k] = 0.0;
    }

    for (var first = 0u; first < count; first += THREADS) {
        // Checks whether this invocation's token reaches the tile.
        var reaches = 0u;
        if (first + thread < count) {
            let token = token_at((batch * count + first + thread) * 5u);
            let reach = support * token.sigma;
            let before = all(low - token.centre <= reach);
            let after = all(high - token.centre >= -reach);
            reaches = select(0u, 1u, token.usable && before && after);
        }
        // Counts the reaching tokens up to this one: a running sum.
        counts[thread] = reaches;
        workgroupBarrier();
        for (var step = 1u; step < THREADS; step *= 2u) {
            var sum = counts[thread];
            if (thread >= step) {
                sum += counts[thread - step];
            }
            workgroupBarrier();
            counts[thread] = sum;
            workgroupBarrier();
        }
        if (reaches == 1u) {
            listed[counts[thread] - 1u] = batch * count + first + thread;
        }
        workgroupBarrier();
        let reaching = workgroupUniformLoad(&counts[THREADS - 1u]);

        for (var start = 0u; start < reaching; start += CHUNK) {
            let chunk = min(CHUNK, reaching - start);
            for (var i = thread; i < chunk * SLAB; i += THREADS) {
                let channel = first_channel + i % SLAB;
                var value = 0.0;
                if (channel < channels) {
                    value = textures[listed[start + i / SLAB] * channels + channel];
                }
                slab[i] = value;
            }
            for (var i = thread; i < chunk * PIXELS; i += THREADS) {
                // With strides of 256 the pixel, i % 64, stays the same for this invocation.
                let token = token_at(listed[start + i / PIXELS] * 5u);
                let d = vec2<f32>(places[column], places[width + row]) - token.centre;
                let reach = support * token.sigma;
                let inside = all(d >= -reach) && all(d <= reach);
                let scaled = select(vec2<f32>(0.0, 0.0), d / token.sigma, vec2<bool>(inside, inside));
                // X^2 - 2 rho X Y + Y^2 = (X - rho Y)^2 + (1 - rho^2) Y^2. The right side avoids cancellation.
                let slant = scaled.x - token.rho * scaled.y;
                let spread = (1.0 - token.rho) * (1.0 + token.rho);
                let exponent = -0.5 * (slant * slant / spread + scaled.y * scaled.y);
                weights[i] = select(0.0, exp(exponent), inside);
            }
            workgroupBarrier();
            for (var i = 0u; i < chunk; i++) {
                let weight = weights[i * PIXELS + pixel];
                for (var k = 0u; k < ACCUMULATORS; k++) {
                    sums[k] += weight * slab[i * SLAB + k * GROUPS + own_group];
                }
            }
            workgroupBarrier();
        }
    }

    if (tile_x + pixel % SIDE < width && tile_y + pixel / SIDE < height) {
        for (var k = 0u; k < ACCUMULATORS; k++) {
            let channel = first_channel + k * GROUPS + own_group;
            if (channel < channels) {
                map[((batch * channels + channel) * height + row) * width + column] = sums[k];
            }
        }
    }
}
