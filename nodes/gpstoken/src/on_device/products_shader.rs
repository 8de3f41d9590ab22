//! Products of matrices on graphics cards, as a part of other operations: `shaders/products.wgsl`.

use super::shader::{Shader, as_u32, launch, upload};
use burn_cubecl::cubecl::{client::Client, server::Handle};

/// Number of invocations in a workgroup.
const THREADS: usize = 256;
/// The most rows of invocations in a workgroup, each of which computes two fours of rows of the result.
const MOST_DOWN: usize = 16;
/// The numbers that the shader loads and stores at a time.
pub(super) const FOUR: usize = 4;

/// `products.wgsl`.
pub fn shader() -> Shader {
    let text = include_str!("../../../../shaders/products.wgsl");
    Shader { name: "products", text, half: false, values: Vec::new() }
}

/// `count` products `A^T B` in f32 of matrices `[depth, rows]` and `[depth, columns]`. Everything but the depth and the count is in fours.
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
    fn workgroups(self) -> ([usize; 3], usize) {
        // The smallest workgroup that wastes as few rows as possible.
        let down = self.rows.div_ceil(2).next_power_of_two().min(MOST_DOWN);
        let [two_across, two_down] = [2 * THREADS / down, 2 * down];
        ([self.columns.div_ceil(two_across), self.rows.div_ceil(two_down), self.count], down)
    }

    /// Queues the products of the buffers A and B into a third.
    pub(super) fn launch(self, client: &Client, [a, b, result]: [&Handle; 3]) {
        let (workgroups, down) = self.workgroups();
        let Self { depth, rows, columns, strides, first, .. } = self;
        let sizes = [as_u32([depth, rows, columns, down]), as_u32(strides), as_u32(first)].concat();
        let sizes = upload(client, sizes);
        launch(client, shader(), THREADS as u32, workgroups.map(|count| count as u32), [a, b, result, &sizes]);
    }
}
