// A linear layer on a card's matrix units: x W^T + b, and what follows it (linear_follows.wgsl, whose text comes after this one). Numbers are
// in half precision, sums in f32.
//
// A subgroup sums 2 by 4 matrices of SIDE x SIDE, so 2 SIDE rows of x by 4 SIDE outputs. A workgroup has DOWN x ACROSS subgroups. Workgroup
// memory holds 16 columns of both factors at a time. Every element is inside workgroup memory, because matrices are loaded without a check
// of bounds: zeros stand for what is outside x and W. Sums go to workgroup memory in f32 first; the bias and the conversion follow.
//
// Twin: linear.wgsl.
//
// {{ enable }}: the directive that enables f16. {{ side }}: SIDE, 8 or 16. {{ lanes }}: the number of invocations in a subgroup.
// {{ down }}, {{ across }}: subgroups of a workgroup along the rows and along the outputs. {{ threads }}: the product of these three.
{{ enable }}
enable wgpu_cooperative_matrix;
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f16>>;       // [N, K / 4], in fours
@group(0) @binding(1) var<storage, read_write> weight: array<vec4<f16>>;  // [O, K / 4], in fours
@group(0) @binding(2) var<storage, read_write> bias: array<f16>;          // [O]
@group(0) @binding(3) var<storage, read_write> result: array<f16>;        // [N, O]
@group(0) @binding(4) var<storage, read_write> sizes: array<u32>;         // N, K / 4, O, and what linear_follows.wgsl reads

alias Left = coop_mat{{ side }}x{{ side }}<f16, A>;
alias Right = coop_mat{{ side }}x{{ side }}<f16, B>;
alias Sums = coop_mat{{ side }}x{{ side }}<f32, C>;

const SIDE: u32 = {{ side }}u;
const LANES: u32 = {{ lanes }}u;
const DOWN: u32 = {{ down }}u;
const ACROSS: u32 = {{ across }}u;
const THREADS: u32 = {{ threads }}u;
const ROWS: u32 = 2u * SIDE * DOWN;
const OUTPUTS: u32 = 4u * SIDE * ACROSS;
// The number of columns in fours, plus two, so that eight rows of workgroup memory begin in different banks and 16 bytes are aligned.
const FOURS: u32 = 4u;
const STRIDE: u32 = FOURS + 2u;

var<workgroup> rows: array<vec4<f16>, ROWS * STRIDE>;                // [ROWS, STRIDE]
var<workgroup> weights: array<vec4<f16>, OUTPUTS * STRIDE>;          // [OUTPUTS, STRIDE]
var<workgroup> sums: array<f32, DOWN * ACROSS * SIDE * SIDE>;        // [subgroups, SIDE, SIDE]

// Writes the matrix that this subgroup stored at `slot` of workgroup memory: the sums of the rows from `row` on for the outputs from
// `output` on.
fn write(slot: u32, lane: u32, row: u32, output: u32) {
    workgroupBarrier(); // all invocations of the subgroup have stored
    for (var i = lane; i < SIDE * SIDE; i += LANES) {
        let line = row + i / SIDE;
        let column = output + i % SIDE;
        if line < sizes[0] && column < sizes[2] {
            result[line * sizes[2] + column] = f16(follow(sums[slot + i] + f32(bias[column]), line, column));
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
    // Workgroups of rows are counted along x and y, because each axis has a limit.
    let first_row = (workgroup.y * workgroups.x + workgroup.x) * ROWS;
    let first_output = workgroup.z * OUTPUTS;

    // This subgroup sums the rows from `row` on for the outputs from `output` on, counted from the workgroup's first.
    let row = subgroup / ACROSS % DOWN * 2u * SIDE;
    let output = subgroup % ACROSS * 4u * SIDE;
    var sums00 = Sums();
    var sums01 = Sums();
    var sums02 = Sums();
    var sums03 = Sums();
    var sums10 = Sums();
    var sums11 = Sums();
    var sums12 = Sums();
    var sums13 = Sums();

    for (var k = 0u; k < sizes[1]; k += FOURS) {
        workgroupBarrier(); // all subgroups have used the previous numbers
        for (var i = me; i < ROWS * FOURS; i += THREADS) {
            let line = first_row + i / FOURS;
            let four = k + i % FOURS;
            var numbers = vec4<f16>();
            if line < sizes[0] && four < sizes[1] {
                numbers = x[line * sizes[1] + four];
            }
            rows[i / FOURS * STRIDE + i % FOURS] = numbers;
        }
        for (var i = me; i < OUTPUTS * FOURS; i += THREADS) {
            let line = first_output + i / FOURS;
            let four = k + i % FOURS;
            var numbers = vec4<f16>();
            if line < sizes[2] && four < sizes[1] {
                numbers = weight[line * sizes[1] + four];
            }
            weights[i / FOURS * STRIDE + i % FOURS] = numbers;
        }
        workgroupBarrier();
        for (var i = 0u; i < FOURS; i += SIDE / 4u) {
            // x has its rows in memory, and the other factor, W^T, its columns.
            let a0 = coopLoadT<Left>(&rows[row * STRIDE + i], STRIDE);
            let a1 = coopLoadT<Left>(&rows[(row + SIDE) * STRIDE + i], STRIDE);
            let b0 = coopLoad<Right>(&weights[output * STRIDE + i], STRIDE);
            let b1 = coopLoad<Right>(&weights[(output + SIDE) * STRIDE + i], STRIDE);
            let b2 = coopLoad<Right>(&weights[(output + 2u * SIDE) * STRIDE + i], STRIDE);
            let b3 = coopLoad<Right>(&weights[(output + 3u * SIDE) * STRIDE + i], STRIDE);
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

    let slot = subgroup % (DOWN * ACROSS) * SIDE * SIDE;
    let upper = first_row + row;
    let lower = upper + SIDE;
    let left = first_output + output;
    coopStoreT(sums00, &sums[slot], SIDE);
    write(slot, lane, upper, left);
    coopStoreT(sums01, &sums[slot], SIDE);
    write(slot, lane, upper, left + SIDE);
    coopStoreT(sums02, &sums[slot], SIDE);
    write(slot, lane, upper, left + 2u * SIDE);
    coopStoreT(sums03, &sums[slot], SIDE);
    write(slot, lane, upper, left + 3u * SIDE);
    coopStoreT(sums10, &sums[slot], SIDE);
    write(slot, lane, lower, left);
    coopStoreT(sums11, &sums[slot], SIDE);
    write(slot, lane, lower, left + SIDE);
    coopStoreT(sums12, &sums[slot], SIDE);
    write(slot, lane, lower, left + 2u * SIDE);
    coopStoreT(sums13, &sums[slot], SIDE);
    write(slot, lane, lower, left + 3u * SIDE);
}
