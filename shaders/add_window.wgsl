// Adds a decoded window to a picture: (v + 1) / 2, multiplied by the weights of its column and row. The first window of a picture that has
// only one replaces what is there. The window may reach beyond the picture. An invocation computes a number.
//
// Twins: burn's operations, and nodes/gpstoken/src/tokenizer/decode.rs on the processor.
@group(0) @binding(0) var<storage, read_write> window: array<f32>;   // [3, h, w]
@group(0) @binding(1) var<storage, read_write> result: array<f32>;   // [B, H, W, 3]
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;  // [w + h]: of the columns, then of the rows
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;    // h, w, H, W, picture, top row, left column, 1 to replace or 0

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    let at = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    let pixel = at / 3u;
    let column = pixel % sizes[1];
    let row = pixel / sizes[1];
    let x = sizes[6] + column;
    let y = sizes[5] + row;
    if row >= sizes[0] || x >= sizes[3] || y >= sizes[2] {
        return;
    }
    let number = window[(at % 3u * sizes[0] + row) * sizes[1] + column];
    let value = (number + 1.0) / 2.0 * weights[column] * weights[sizes[1] + row];
    let there = ((sizes[4] * sizes[2] + y) * sizes[3] + x) * 3u + at % 3u;
    result[there] = select(result[there] + value, value, sizes[7] != 0u);
}
