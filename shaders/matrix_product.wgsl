// Products of matrices with any strides, A B for A [M, K] and B [K, N]: Z of them, and each in S parts that sum a part of the depth K.
// sum_axis.wgsl sums the parts.
//
// A workgroup of 256 invocations computes 64 rows by 64 columns. Workgroup memory holds 16 columns of A and 16 rows of B at a time. An
// invocation sums 4 rows by 4 columns. Sums are always in the same order.
//
// Twin: burn's product.
@group(0) @binding(0) var<storage, read_write> a: array<f32>;       // [Z, M, K] or [Z, K, M]
@group(0) @binding(1) var<storage, read_write> b: array<f32>;       // [Z, K, N] or [Z, N, K]
@group(0) @binding(2) var<storage, read_write> result: array<f32>;  // [S, Z, M, N]
@group(0) @binding(3) var<storage, read_write> sizes: array<u32>;
// sizes: Z, M, N, K, the depth of a part, then the strides of A along M and K, and of B along K and N

const DEPTH: u32 = 16u;
// Rows of A and columns of B in fours.
const FOURS: u32 = 16u;

var<workgroup> rows: array<vec4<f32>, DEPTH * FOURS>;     // [DEPTH, FOURS]
var<workgroup> columns: array<vec4<f32>, DEPTH * FOURS>;  // [DEPTH, FOURS]

// Four numbers of a column of A. Zeros outside.
fn rows_at(start: u32, row: u32, k: u32, end: u32) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if row + i < sizes[1] && k < end {
            four[i] = a[start + (row + i) * sizes[5] + k * sizes[6]];
        }
    }
    return four;
}

// Four numbers of a row of B. Zeros outside.
fn columns_at(start: u32, k: u32, column: u32, end: u32) -> vec4<f32> {
    var four = vec4<f32>();
    for (var i = 0u; i < 4u; i++) {
        if column + i < sizes[2] && k < end {
            four[i] = b[start + k * sizes[7] + (column + i) * sizes[8]];
        }
    }
    return four;
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let product = workgroup.z % sizes[0];
    let part = workgroup.z / sizes[0];
    let start_a = product * sizes[1] * sizes[3];
    let start_b = product * sizes[3] * sizes[2];
    let first_row = workgroup.y * 4u * FOURS;
    let first_column = workgroup.x * 4u * FOURS;
    let end = min((part + 1u) * sizes[4], sizes[3]);
    // Neighbouring invocations load neighbouring numbers.
    let along_a = sizes[6] == 1u;
    let along_b = sizes[7] == 1u;
    let depth_a = select(me / FOURS, me % DEPTH, along_a);
    let four_a = select(me % FOURS, me / DEPTH, along_a);
    let depth_b = select(me / FOURS, me % DEPTH, along_b);
    let four_b = select(me % FOURS, me / DEPTH, along_b);
    let line = me / FOURS;
    let column = me % FOURS;
    let to_column = column - line;
    var sums = mat4x4<f32>();
    for (var k = part * sizes[4]; k < end; k += DEPTH) {
        let new_rows = rows_at(start_a, first_row + 4u * four_a, k + depth_a, end);
        let new_columns = columns_at(start_b, k + depth_b, first_column + 4u * four_b, end);
        workgroupBarrier(); // all invocations have used the previous numbers
        rows[depth_a * FOURS + four_a] = new_rows;
        columns[depth_b * FOURS + four_b] = new_columns;
        workgroupBarrier();
        // The loop begins at a number that is known at run time, so lavapipe does not unroll it (README.md).
        for (var i = line; i != line + DEPTH * FOURS; i += FOURS) {
            let of_a = rows[i];
            let of_b = columns[i + to_column];
            sums += mat4x4<f32>(of_a.x * of_b, of_a.y * of_b, of_a.z * of_b, of_a.w * of_b);
        }
    }
    // Moves numbers instead of an index, as in winograd_map.wgsl.
    let own_row = first_row + 4u * line;
    let own_column = first_column + 4u * column;
    for (var row = own_row; row < min(own_row + 4u, sizes[1]); row++) {
        let start = ((part * sizes[0] + product) * sizes[1] + row) * sizes[2];
        var four = sums[0];
        for (var at = own_column; at < min(own_column + 4u, sizes[2]); at++) {
            result[start + at] = four.x;
            four = four.yzwx;
        }
        sums = mat4x4<f32>(sums[1], sums[2], sums[3], sums[0]);
    }
}
