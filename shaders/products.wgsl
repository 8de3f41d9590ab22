// Products of matrices, A^T B for A [depth, P] and B [depth, Q]: a product for each of the launch's workgroups along z. A 1x1 convolution is
// one for each picture, which share the weights A, and adds a bias and maybe another map. Numbers are loaded and stored four at a time, so P, Q
// and the strides are counted in fours.
//
// A workgroup of 256 invocations computes 8 R rows by 2048 / R columns of the result. An invocation sums 8 rows by 8 columns, in groups of
// four. It loads its numbers straight from the buffers: the R rows of a workgroup share the columns' numbers, and its columns share the rows'
// numbers, so a card finds most of them in its nearest cache. Lavapipe takes half the time of a form with workgroup memory and barriers.
// Sums are in f32 for any number type, and always in the same order.
//
// Twins: convolution.wgsl, for 1x1 convolutions and Winograd's method as wholes, and attention.wgsl, for attention as a whole.
//
// {{ enable }}: empty, or the directive that enables f16. {{ number }}: f32 or f16.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> a: array<vec4<{{ number }}>>;         // [products or 1, depth, stride of A]
@group(0) @binding(1) var<storage, read_write> b: array<vec4<{{ number }}>>;         // [products, depth, stride of B]
@group(0) @binding(2) var<storage, read_write> bias: array<{{ number }}>;            // [P]; any tensor if it is not added
@group(0) @binding(3) var<storage, read_write> residual: array<vec4<{{ number }}>>;  // as the result; any tensor if it is not added
@group(0) @binding(4) var<storage, read_write> result: array<vec4<{{ number }}>>;    // [products, P, stride of the result]
@group(0) @binding(5) var<storage, read_write> sizes: array<u32>;
// sizes: depth, P / 4, Q / 4, R, a power of 2 of at most 256, then the strides of A, B and the result, the first four of each, the fours
// from one product's A to the next, 1 to add the bias or 0, 1 to add the residual or 0

// A column for each of four rows of the result, a row for each of four columns.
fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * b, a.y * b, a.z * b, a.w * b);
}

fn write(product: u32, row: u32, column: u32, sums: mat4x4<f32>) {
    if row >= sizes[1] || column >= sizes[2] {
        return;
    }
    var at = sizes[9] + (product * sizes[1] + row) * 4u * sizes[6] + column;
    var rows = sums;
    // Four times. The loop moves numbers instead of an index, as in winograd_map.wgsl.
    for (var i = 4u * row; i < 4u * min(row + 1u, sizes[1]); i++) {
        var four = rows[0];
        if sizes[11] != 0u {
            four += f32(bias[i]);
        }
        if sizes[12] != 0u {
            four += vec4<f32>(residual[at]);
        }
        result[at] = vec4<{{ number }}>(four);
        at += sizes[6];
        rows = mat4x4<f32>(rows[1], rows[2], rows[3], rows[0]);
    }
}

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) me: u32) {
    let product = workgroup.z;
    let down = sizes[3];
    let across = 256u / down;
    // Two fours of rows and two of columns, which may lie beyond the last.
    let upper = workgroup.y * 2u * down + me / across;
    let lower = upper + down;
    let near = workgroup.x * 2u * across + me % across;
    let far = near + across;

    let first_a = sizes[7] + product * sizes[10];
    let first_b = sizes[8] + product * sizes[0] * sizes[5];
    var at_upper = first_a + min(upper, sizes[1] - 1u);
    var at_lower = first_a + min(lower, sizes[1] - 1u);
    var at_near = first_b + min(near, sizes[2] - 1u);
    var at_far = first_b + min(far, sizes[2] - 1u);
    let stride_a = sizes[4];
    let stride_b = sizes[5];
    var upper_near = mat4x4<f32>();
    var upper_far = mat4x4<f32>();
    var lower_near = mat4x4<f32>();
    var lower_far = mat4x4<f32>();
    for (var left = sizes[0]; left > 0u; left--) {
        let a0 = vec4<f32>(a[at_upper]);
        let a1 = vec4<f32>(a[at_lower]);
        let b0 = vec4<f32>(b[at_near]);
        let b1 = vec4<f32>(b[at_far]);
        upper_near += outer(a0, b0);
        upper_far += outer(a0, b1);
        lower_near += outer(a1, b0);
        lower_far += outer(a1, b1);
        at_upper += stride_a;
        at_lower += stride_a;
        at_near += stride_b;
        at_far += stride_b;
    }
    // Moves sums instead of calling four times: a call is compiled again in each place.
    for (var row = upper; row <= lower; row += down) {
        for (var column = near; column <= far; column += across) {
            write(product, row, column, upper_near);
            upper_near = upper_far;
        }
        upper_near = lower_near;
        upper_far = lower_far;
    }
}
