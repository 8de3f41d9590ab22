// RoIAlign: the mean of a map under each bin of each box (GPSToken, section 3.1). A bin's mean is a weighted sum of rows, and each row is a
// weighted sum of pixels. The host makes the weights along each axis beforehand, because a box's bins share them.
//
// An invocation computes a bin of a box for a channel. Sums are in f32 for any number type.
//
// Twin on the processor, which also makes the weights: nodes/gpstoken/src/tokenizer/roi_align.rs.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> map: array<{{ number }}>;     // [C, H, W]
@group(0) @binding(1) var<storage, read_write> bins: array<u32>;             // [N, 2, bins, 3]: along x, then y: first pixel, number of pixels, first weight
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<{{ number }}>;  // [N, C, bins, bins]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;            // N, C, H, W, bins

struct Bin {
    first: u32,
    count: u32,
    weights: u32,
}

fn bin_at(box: u32, axis: u32, bin: u32) -> Bin {
    let at = ((box * 2u + axis) * sizes[4] + bin) * 3u;
    return Bin(bins[at], bins[at + 1u], bins[at + 2u]);
}

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups of bins are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    let side = sizes[4];
    if at >= sizes[0] * sizes[1] * side * side {
        return;
    }
    let channel = at / (side * side) % sizes[1];
    let box = at / (side * side * sizes[1]);
    let across = bin_at(box, 0u, at % side);
    let down = bin_at(box, 1u, at / side % side);
    var sum = 0.0;
    for (var i = 0u; i < down.count; i++) {
        let start = (channel * sizes[2] + down.first + i) * sizes[3] + across.first;
        var of_row = 0.0;
        for (var j = 0u; j < across.count; j++) {
            of_row += weights[across.weights + j] * f32(map[start + j]);
        }
        sum += weights[down.weights + i] * of_row;
    }
    result[at] = {{ number }}(sum);
}
