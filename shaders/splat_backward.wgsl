// The gradients of splat_forward.wgsl: computes the gradients of gaussians and textures from the gradient of the map.
//
// A workgroup computes one token of a picture. Its 64 invocations share the pixels of the token's box, and add up their sums at the end. With
// X = dx / sigma_x, Y = dy / sigma_y, q = 1 / (1 - rho^2), the weight w and t = w <gradient, texture> of a pixel:
//   texture: sum of w gradient          rho: q sum of t (X Y - rho q (X^2 - 2 rho X Y + Y^2))
//   x: q / sigma_x sum of t (X - rho Y)   sigma_x: q / sigma_x sum of t X (X - rho Y)   y and sigma_y alike
// No gradient passes through the border of the box, as in the authors' code.
//
// Twin on the processor: nodes/gpstoken/src/splat/splat_backward.rs.
//
// {{ channels }}: the channels of a texture.

@group(0) @binding(0) var<storage, read_write> gaussians: array<u32>;         // f32 [B, N, 5]: sigma_x, sigma_y, rho, x, y
@group(0) @binding(1) var<storage, read_write> textures: array<f32>;          // [B, N, C]
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;          // [B, C, H, W], the gradient of the map
@group(0) @binding(3) var<storage, read_write> gaussian_gradient: array<f32>; // [B, N, 5]
@group(0) @binding(4) var<storage, read_write> texture_gradient: array<f32>;  // [B, N, C]
@group(0) @binding(5) var<storage, read_write> places: array<f32>;            // [W + H]: the places of columns and rows, -1..1
@group(0) @binding(6) var<storage, read_write> sizes: array<u32>;             // B, N, C, W, H, bits of the support

const THREADS: u32 = 64u;
const CHANNELS: u32 = {{ channels }}u;

var<workgroup> partial: array<f32, THREADS>;

fn is_finite(bits: u32) -> bool {
    return (bits & 0x7f800000u) != 0x7f800000u;
}

fn is_tiny(bits: u32) -> bool {
    return (bits & 0x7f800000u) == 0u;
}

// The index of the first of places[start..start + count], which are ascending, with place - centre >= bound. Returns count if there is none.
fn first_at_least(start: u32, count: u32, centre: f32, bound: f32) -> u32 {
    var low = 0u;
    var high = count;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (places[start + middle] - centre < bound) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// The index of the first place with place - centre > bound.
fn first_above(start: u32, count: u32, centre: f32, bound: f32) -> u32 {
    var low = 0u;
    var high = count;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (places[start + middle] - centre <= bound) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// The sum over the workgroup, always in the same order.
fn total(thread: u32, value: f32) -> f32 {
    partial[thread] = value;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            partial[thread] += partial[thread + half];
        }
        workgroupBarrier();
    }
    let sum = partial[0];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let count = sizes[1];
    let width = sizes[3];
    let height = sizes[4];
    let support = bitcast<f32>(sizes[5]);
    let index = group.x;
    let batch = group.y;
    if (index >= count || batch >= sizes[0]) {
        return; // all invocations of the workgroup return together
    }
    let at = (batch * count + index) * 5u;
    let bits = array<u32, 5>(gaussians[at], gaussians[at + 1u], gaussians[at + 2u], gaussians[at + 3u], gaussians[at + 4u]);
    let finite = is_finite(bits[0]) && is_finite(bits[1]) && is_finite(bits[2]) && is_finite(bits[3]) && is_finite(bits[4]);
    let positive = (bits[0] >> 31u) == 0u && (bits[1] >> 31u) == 0u && !is_tiny(bits[0]) && !is_tiny(bits[1]);
    let usable = finite && positive && (bits[2] & 0x7fffffffu) < 0x3f800000u;
    let sigma = vec2<f32>(bitcast<f32>(bits[0]), bitcast<f32>(bits[1]));
    let rho = bitcast<f32>(bits[2]);
    let centre = vec2<f32>(bitcast<f32>(bits[3]), bitcast<f32>(bits[4]));
    let reach = support * sigma;

    // The token's box. It is empty if the token can't be splatted.
    var left = 0u;
    var right = 0u;
    var top = 0u;
    var bottom = 0u;
    if (usable) {
        left = first_at_least(0u, width, centre.x, -reach.x);
        right = first_above(0u, width, centre.x, reach.x);
        top = first_at_least(width, height, centre.y, -reach.y);
        bottom = first_above(width, height, centre.y, reach.y);
    }
    let box_width = max(right, left) - left;
    let pixels = box_width * (max(bottom, top) - top);
    let q = 1.0 / ((1.0 - rho) * (1.0 + rho));

    var of_texture: array<f32, CHANNELS>;
    for (var c = 0u; c < CHANNELS; c++) {
        of_texture[c] = 0.0;
    }
    var of_x = 0.0;
    var of_y = 0.0;
    var of_sigma_x = 0.0;
    var of_sigma_y = 0.0;
    var of_rho = 0.0;
    for (var i = thread; i < pixels; i += THREADS) {
        let column = left + i % box_width;
        let row = top + i / box_width;
        let X = (places[column] - centre.x) / sigma.x;
        let Y = (places[width + row] - centre.y) / sigma.y;
        let slant = X - rho * Y;
        let other_slant = Y - rho * X;
        let weight = exp(-0.5 * (slant * slant * q + Y * Y));
        var product = 0.0;
        for (var c = 0u; c < CHANNELS; c++) {
            let of_map = gradient[((batch * CHANNELS + c) * height + row) * width + column];
            of_texture[c] += weight * of_map;
            product += of_map * textures[(batch * count + index) * CHANNELS + c];
        }
        let t = weight * product;
        of_x += t * slant;
        of_y += t * other_slant;
        of_sigma_x += t * X * slant;
        of_sigma_y += t * Y * other_slant;
        of_rho += t * (X * Y - rho * q * (slant * slant + Y * Y / q));
    }

    for (var c = 0u; c < CHANNELS; c++) {
        let sum = total(thread, of_texture[c]);
        if (thread == 0u) {
            texture_gradient[(batch * count + index) * CHANNELS + c] = sum;
        }
    }
    let sums = array<f32, 5>(
        total(thread, of_sigma_x),
        total(thread, of_sigma_y),
        total(thread, of_rho),
        total(thread, of_x),
        total(thread, of_y),
    );
    if (thread == 0u) {
        // A sigma that is not a number would turn 0 into NaN. The division by sigma comes last, so that a tiny sigma keeps 0 at 0.
        gaussian_gradient[at] = select(0.0, q * sums[0] / sigma.x, usable);
        gaussian_gradient[at + 1u] = select(0.0, q * sums[1] / sigma.y, usable);
        gaussian_gradient[at + 2u] = select(0.0, q * sums[2], usable);
        gaussian_gradient[at + 3u] = select(0.0, q * sums[3] / sigma.x, usable);
        gaussian_gradient[at + 4u] = select(0.0, q * sums[4] / sigma.y, usable);
    }
}
