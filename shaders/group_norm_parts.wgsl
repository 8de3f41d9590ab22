// Mean and sum of squared deviations of parts of a map, for the statistics of a group normalisation. A part is some lines of a tile: a
// line is a tile's row of pixels in a channel, and the lines of all channels of a group are counted on.
//
// A workgroup of 256 invocations computes a part of a tile of a group. The mean comes first, then the deviations from it, because a
// difference of sums of squares would cancel. Sums are in f32 for any number type, and always in the same order.
//
// Twins: burn's operations, and nodes/gpstoken/src/kernels/group_norm.rs on the processor.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> map: array<{{ number }}>;   // [B, C, H, W]
@group(0) @binding(1) var<storage, read_write> parts: array<f32>;          // [B, groups, rows, columns, parts, 2]: mean, squared deviations
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;          // B groups, channels of a group, H, W, rows, columns, parts, lines of a part

var<workgroup> sums: array<f32, 256>;

// The sum of a number of every invocation, in pairs.
fn sum_of_all(me: u32, number: f32) -> f32 {
    workgroupBarrier(); // all invocations have read the previous sum
    sums[me] = number;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if me < half {
            sums[me] += sums[me + half];
        }
    }
    workgroupBarrier();
    return sums[0];
}

// The first number of a line of a tile, which begins at `corner` in each plane.
fn start_of(group: u32, corner: u32, line: u32) -> u32 {
    let height = sizes[2] / sizes[4];
    let plane = group * sizes[1] + line / height;
    return plane * (sizes[2] * sizes[3]) + corner + line % height * sizes[3];
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = workgroup.y * workgroups.x + workgroup.x;
    let tiles = sizes[4] * sizes[5];
    let part = at % sizes[6];
    let tile = at / sizes[6] % tiles;
    let group = at / sizes[6] / tiles;
    if group >= sizes[0] {
        return;
    }
    let height = sizes[2] / sizes[4];
    let width = sizes[3] / sizes[5];
    let corner = tile / sizes[5] * height * sizes[3] + tile % sizes[5] * width;
    let first_line = part * sizes[7];
    let lines = min(sizes[7], sizes[1] * height - min(first_line, sizes[1] * height));

    // 32 invocations add up a line. The place of a line takes divisions, which are slow, so there is one for each line.
    var sum = 0.0;
    for (var line = me / 32u; line < lines; line += 8u) {
        let start = start_of(group, corner, first_line + line);
        for (var x = me % 32u; x < width; x += 32u) {
            sum += f32(map[start + x]);
        }
    }
    let mean = sum_of_all(me, sum) / f32(max(lines * width, 1u));
    var squares = 0.0;
    for (var line = me / 32u; line < lines; line += 8u) {
        let start = start_of(group, corner, first_line + line);
        for (var x = me % 32u; x < width; x += 32u) {
            let deviation = f32(map[start + x]) - mean;
            squares += deviation * deviation;
        }
    }
    squares = sum_of_all(me, squares);
    if me == 0u {
        parts[2u * at] = mean;
        parts[2u * at + 1u] = squares;
    }
}
