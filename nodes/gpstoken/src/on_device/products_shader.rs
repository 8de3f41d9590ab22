//! Products of matrices on graphics cards: `shaders/products.wgsl`, as a part of other operations, or as a 1x1 convolution.

use super::{
    layers::transpose,
    operation::Operation,
    shader::{Shader, as_u32, launch, runs_on, upload},
};
use burn::tensor::{DType, Shape, Tensor};
use burn_cubecl::cubecl::{client::Client, server::Handle};

/// Number of invocations in a workgroup.
const THREADS: usize = 256;
/// The most rows of invocations in a workgroup, each of which computes two fours of rows of the result.
const MOST_DOWN: usize = 16;
/// The numbers that the shader loads and stores at a time.
pub(super) const FOUR: usize = 4;

/// `products.wgsl`.
pub fn shader(half: bool) -> Shader {
    let text = include_str!("../../../../shaders/products.wgsl");
    Shader { name: "products", text, half, values: Vec::new() }
}

/// `count` products `A^T B` of matrices `[depth, rows]` and `[depth, columns]`. Everything but the depth and the count is in fours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Products {
    pub(super) count: usize,
    pub(super) depth: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The strides of the rows of A, B and the result, and their first numbers.
    pub(super) strides: [usize; 3],
    pub(super) first: [usize; 3],
}

impl Products {
    /// Workgroups along x, y and z, and rows of invocations in each.
    fn workgroups(self) -> ([u32; 3], usize) {
        // The smallest workgroup that wastes as few rows as possible.
        let down = self.rows.div_ceil(2).next_power_of_two().min(MOST_DOWN);
        let [two_across, two_down] = [2 * THREADS / down, 2 * down];
        ([self.columns.div_ceil(two_across), self.rows.div_ceil(two_down), self.count].map(|count| count as u32), down)
    }

    /// The numbers that the shader reads: with one A for all products or with one for each, and what it adds to them.
    fn sizes(self, down: usize, shares: bool, adds: [bool; 2]) -> Vec<u32> {
        let Self { depth, rows, columns, strides, first, .. } = self;
        let step = if shares { 0 } else { depth * strides[0] };
        let adds = adds.map(usize::from);
        [as_u32([depth, rows, columns, down]), as_u32(strides), as_u32(first), as_u32([step, adds[0], adds[1]])]
            .concat()
    }

    /// Queues the products of the buffers A and B, in f32, into a third.
    pub(super) fn launch(self, client: &Client, [a, b, result]: [&Handle; 3]) {
        let (workgroups, down) = self.workgroups();
        let sizes = upload(client, self.sizes(down, false, [false; 2]));
        launch(client, shader(false), THREADS as u32, workgroups, [a, b, a, b, result, &sizes]);
    }
}

/// A convolution of `map` `[B, I, H, W]` with `weight` `[O, I, 1, 1]`, plus `bias` `[O]` and plus `residual` `[B, O, H, W]` if there is one:
/// `[B, O, H, W]`. Returns `None` if the shader does not take the tensors, whose outputs and pixels it counts in fours. The result has no
/// gradients.
pub fn convolve(
    map: &Tensor<4>,
    weight: &Tensor<4>,
    bias: &Tensor<1>,
    residual: Option<&Tensor<4>>,
) -> Option<Tensor<4>> {
    let ([batch, inputs, height, width], [outputs, _, side, _]) = (map.dims(), weight.dims());
    let places = height * width;
    let added = residual.unwrap_or(map);
    let dtypes = [map.dtype(), weight.dtype(), bias.dtype(), added.dtype()];
    let taken = side == 1 && outputs.is_multiple_of(FOUR) && places.is_multiple_of(FOUR);
    if !taken || !runs_on(map.device().as_dispatch(), &dtypes) {
        return None;
    }
    let (rows, columns) = (outputs / FOUR, places / FOUR);
    let products =
        Products { count: batch, depth: inputs, rows, columns, strides: [rows, columns, columns], first: [0; 3] };
    let (workgroups, down) = products.workgroups();
    let operation = Operation {
        shader: shader(map.dtype() == DType::F16),
        threads: THREADS as u32,
        workgroups,
        shape: Shape::new([batch, outputs, height, width]),
        dtype: map.dtype(),
        numbers: vec![products.sizes(down, true, [true, residual.is_some()])],
    };
    let weight = transpose(weight.clone().reshape([1, outputs, inputs])).into_dispatch(); // [1, I, O]
    let [map, added] = [map, added].map(|tensor| tensor.clone().into_dispatch());
    operation.run(vec![weight, map, bias.clone().into_dispatch(), added])
}
