// Group normalisation: (x - mean) / deviation * scale + shift, then SiLU if wanted. With several tiles, means and deviations are enlarged
// to the map's size (GPSToken, section 3.4): bicubic interpolation between the tiles' centres, with a = -0.75 and repeated outer values.
//
// A workgroup of 256 invocations computes 1,024 pixels of a channel.
//
// Twins: burn's operations, and nodes/gpstoken/src/kernels/group_norm.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16. {{ tiled }}: 0 for one tile, or 1. A
// software adapter computes both sides of a branch, so the interpolation must not be behind one.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> map: array<{{ number }}>;     // [B, C, H, W]
@group(0) @binding(1) var<storage, read_write> moments: array<f32>;          // [B, groups, rows, columns, 2]: mean, deviation
@group(0) @binding(2) var<storage, read_write> scale: array<{{ number }}>;   // [C]
@group(0) @binding(3) var<storage, read_write> shift: array<{{ number }}>;   // [C]
@group(0) @binding(4) var<storage, read_write> result: array<{{ number }}>;  // [B, C, H, W]
@group(0) @binding(5) var<storage, read_write> sizes: array<u32>;            // B C, C, channels of a group, H, W, rows, columns, 1 for SiLU or 0

const TILED: u32 = {{ tiled }}u;

struct Taps {
    indices: vec4<u32>,
    weights: vec4<f32>,
}

// The four values, of `count` in a row, between which pixel `i` of `length` lies, with their weights. The place is a quotient of integers,
// so its fraction is as exact as a number can be.
fn taps(i: u32, length: u32, count: u32) -> Taps {
    let above = i32((2u * i + 1u) * count) - i32(length);
    let below = i32(2u * length);
    var whole = above / below;
    if above < whole * below {
        whole -= 1;
    }
    let t = f32(above - whole * below) / f32(below);
    let u = 1.0 - t;
    let near = vec2<f32>((1.25 * t - 2.25) * t * t + 1.0, (1.25 * u - 2.25) * u * u + 1.0);
    let far = vec2<f32>(
        ((-0.75 * (t + 1.0) + 3.75) * (t + 1.0) - 6.0) * (t + 1.0) + 3.0,
        ((-0.75 * (u + 1.0) + 3.75) * (u + 1.0) - 6.0) * (u + 1.0) + 3.0,
    );
    let indices = vec4<i32>(whole) + vec4<i32>(-1, 0, 1, 2);
    return Taps(
        vec4<u32>(clamp(indices, vec4<i32>(0), vec4<i32>(i32(count) - 1))),
        vec4<f32>(far.x, near.x, near.y, far.y),
    );
}

// Mean and deviation at a pixel, from the moments that begin at `start`.
fn moments_at(start: u32, pixel: u32) -> vec2<f32> {
    let columns = sizes[6];
    if TILED == 0u {
        return vec2<f32>(moments[start], moments[start + 1u]);
    }
    let across = taps(pixel % sizes[4], sizes[4], columns);
    let down = taps(pixel / sizes[4], sizes[3], sizes[5]);
    var sum = vec2<f32>();
    for (var i = 0u; i < 4u; i++) {
        var of_row = vec2<f32>();
        for (var j = 0u; j < 4u; j++) {
            let at = start + 2u * (down.indices[i] * columns + across.indices[j]);
            of_row += across.weights[j] * vec2<f32>(moments[at], moments[at + 1u]);
        }
        sum += down.weights[i] * of_row;
    }
    return sum;
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = workgroup.y * workgroups.x + workgroup.x;
    let places = sizes[3] * sizes[4];
    let chunks = (places + 1023u) / 1024u;
    let plane = at / chunks;
    if plane >= sizes[0] {
        return;
    }
    let start = plane / sizes[2] * sizes[5] * sizes[6] * 2u;
    let factor = f32(scale[plane % sizes[1]]);
    let term = f32(shift[plane % sizes[1]]);
    for (var i = 0u; i < 4u; i++) {
        let pixel = at % chunks * 1024u + i * 256u + me;
        if pixel < places {
            let moment = moments_at(start, pixel);
            var value = (f32(map[plane * places + pixel]) - moment.x) / moment.y * factor + term;
            if sizes[7] != 0u {
                value /= 1.0 + exp(-value);
            }
            result[plane * places + pixel] = {{ number }}(value);
        }
    }
}
