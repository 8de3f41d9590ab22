// The first of the shaders for Winograd's F(4x4, 3x3), which computes sixteen outputs of a 3x3 convolution from 36 multiplications for each
// channel instead of 144 (Lavin and Gray, arXiv:1509.09308). It transforms the pixels of a map. A tile depends on 6x6 pixels, which begin
// one before its 4x4 outputs, with zeros around the border. Their transform has numbers at 6x6 places. products.wgsl multiplies these by the
// weights that winograd_weights.wgsl transforms, place by place, and winograd_result.wgsl transforms the products back.
//
// If every pixel of the map appears twice along both axes, the third place along an axis is zero and left out: it is 4 d1 - 4 d2 - d3 + d4,
// and d1 = d2, d3 = d4. So S places are kept: 36, or 25.
//
// An invocation transforms four tiles that lie side by side, of a channel, so it loads and stores four numbers at a time. Tiles are counted
// in fours: along a row of tiles, whose last four may lie partly outside the map, then down the picture, then over the pictures. A
// launch transforms F fours from a first one on, so that the numbers of a large map need not be in memory at once.
//
// Twin: nodes/gpstoken/src/kernels/winograd.rs, and convolution.wgsl for all four shaders together.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16. {{ scale }}: 1, or 2 for a map with doubled pixels.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> map: array<vec4<{{ number }}>>;  // [B, I, H / scale, W / scale / 4]
@group(0) @binding(1) var<storage, read_write> pixels: array<vec4<f32>>;        // [S, I, F]
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;               // I, H, W, F, first four

const SCALE: u32 = {{ scale }}u;
// Places that are kept along an axis.
const PLACES: u32 = 7u - SCALE;
// Rows of the map under a tile.
const ROWS: u32 = 4u / SCALE + 2u;

// Transforms six pixels along an axis to six places.
fn analyse(d: array<vec4<f32>, 6>) -> array<vec4<f32>, 6> {
    let even = d[4] - 4.0 * d[2];
    let odd = d[3] - 4.0 * d[1];
    let even_far = d[4] - d[2];
    let odd_far = 2.0 * (d[3] - d[1]);
    return array<vec4<f32>, 6>(
        4.0 * d[0] - 5.0 * d[2] + d[4],
        even + odd,
        even - odd,
        even_far + odd_far,
        even_far - odd_far,
        4.0 * d[1] - 5.0 * d[3] + d[5],
    );
}

fn turned(d: array<vec4<f32>, 6>) -> array<vec4<f32>, 6> {
    return array<vec4<f32>, 6>(d[1], d[2], d[3], d[4], d[5], d[0]);
}

// Four pixels of a row of the map. Zeros outside the map.
fn four_at(plane: u32, row: u32, column: u32) -> vec4<f32> {
    let across = sizes[2] / SCALE / 4u;
    var four = vec4<f32>();
    if row < sizes[1] / SCALE && column < across {
        four = vec4<f32>(map[plane + row * across + column]);
    }
    return four;
}

// The six pixels of a row under each of four tiles. The first tile's outputs begin at the column `first`, counted in fours.
fn pixels_of(plane: u32, row: u32, first: u32) -> array<vec4<f32>, 6> {
    let across = sizes[2] / SCALE / 4u;
    let behind = first + 4u / SCALE;
    let inside = row < sizes[1] / SCALE;
    var left = 0.0;
    if inside && first > 0u {
        left = f32(map[plane + row * across + first - 1u].w);
    }
    var right = 0.0;
    if inside && behind < across {
        right = f32(map[plane + row * across + behind].x);
    }
    let a = four_at(plane, row, first);
    let b = four_at(plane, row, first + 1u);
    if SCALE == 2u {
        let even = vec4<f32>(a.xz, b.xz);
        let odd = vec4<f32>(a.yw, b.yw);
        return array<vec4<f32>, 6>(vec4<f32>(left, odd.xyz), even, even, odd, odd, vec4<f32>(even.yzw, right));
    }
    let columns = transpose(mat4x4<f32>(a, b, four_at(plane, row, first + 2u), four_at(plane, row, first + 3u)));
    return array<vec4<f32>, 6>(
        vec4<f32>(left, columns[3].xyz),
        columns[0],
        columns[1],
        columns[2],
        columns[3],
        vec4<f32>(columns[0].yzw, right),
    );
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let at = workgroup.x * 256u + me;
    let channel = at / sizes[3];
    if channel >= sizes[0] {
        return;
    }
    let across = (sizes[2] + 15u) / 16u;
    let down = (sizes[1] + 3u) / 4u;
    let four = sizes[4] + at % sizes[3];
    let picture = four / (across * down);
    // The row before the first is outside the map, because it is no natural number.
    let first_row = four / across % down * 4u / SCALE - 1u;
    let first_column = four % across * 4u / SCALE;
    let plane = (picture * sizes[0] + channel) * (sizes[1] / SCALE) * (sizes[2] / SCALE / 4u);

    // Both loops move an array's numbers instead of its index, so a compiler that does not unroll them needs no array in memory. They
    // begin at numbers that are known at run time, so that lavapipe does not unroll them (README.md): it would compile them in 0.12 s
    // instead of 0.07 s, and with indices in 2 s.
    var rows: array<array<vec4<f32>, 6>, ROWS>;
    for (var y = first_row; y != first_row + ROWS; y++) {
        rows[0] = rows[1];
        rows[1] = rows[2];
        rows[2] = rows[3];
        if SCALE == 1u {
            rows[3] = rows[ROWS - 2u];
            rows[ROWS - 2u] = rows[ROWS - 1u];
        }
        rows[ROWS - 1u] = analyse(pixels_of(plane, y, first_column));
    }
    let stride = sizes[0] * sizes[3];
    let down_stride = PLACES * stride;
    var to = at;
    let third = first_column + 2u;
    for (var x = first_column; x != first_column + 6u; x++) {
        if SCALE == 1u || x != third {
            let places = analyse(array<vec4<f32>, 6>(
                rows[0][0],
                rows[1][0],
                rows[(1u + SCALE) / SCALE][0],
                rows[(2u + SCALE) / SCALE][0],
                rows[(3u + SCALE) / SCALE][0],
                rows[(4u + SCALE) / SCALE][0],
            ));
            pixels[to] = places[0];
            pixels[to + down_stride] = places[1];
            if SCALE == 1u {
                pixels[to + 2u * down_stride] = places[2];
            }
            pixels[to + (4u - SCALE) * down_stride] = places[3];
            pixels[to + (5u - SCALE) * down_stride] = places[4];
            pixels[to + (6u - SCALE) * down_stride] = places[5];
            to += stride;
        }
        rows[0] = turned(rows[0]);
        rows[1] = turned(rows[1]);
        rows[2] = turned(rows[2]);
        rows[3] = turned(rows[3]);
        if SCALE == 1u {
            rows[ROWS - 2u] = turned(rows[ROWS - 2u]);
            rows[ROWS - 1u] = turned(rows[ROWS - 1u]);
        }
    }
}
