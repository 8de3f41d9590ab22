// Copies a box of numbers from one tensor to another, each with its own strides, and from one number type to another: casts, slices,
// transpositions, and the joining of tiles. An invocation copies a number.
//
// Twins: burn's operations.
//
// {{ enable }}: empty, or the directive that enables f16. {{ from }} and {{ to }}: bits of a float, 16 or 32.
{{ enable }}
@group(0) @binding(0) var<storage, read_write> source: array<f{{ from }}>;
@group(0) @binding(1) var<storage, read_write> result: array<f{{ to }}>;
@group(0) @binding(2) var<storage, read_write> sizes: array<u32>;
// sizes: the box's lengths along 6 axes, the strides of the source, the strides of the result, first number of the source, of the result

@compute @workgroup_size(256, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) me: u32,
) {
    // Workgroups are counted along x and y, because each axis has a limit.
    var rest = (workgroup.y * workgroups.x + workgroup.x) * 256u + me;
    var here = sizes[18];
    var there = sizes[19];
    for (var axis = 6u; axis > 0u; axis--) {
        let index = rest % sizes[axis - 1u];
        rest /= sizes[axis - 1u];
        here += index * sizes[5u + axis];
        there += index * sizes[11u + axis];
    }
    // What is left is 0 inside the box.
    if rest == 0u {
        result[there] = f{{ to }}(source[here]);
    }
}
