//! Products of all pairs of pictures, block by block, so that memory stays small.

use crate::kernels::{
    cpu::Level,
    product::{Rows, Target, pack, panels_length, product},
};
use rayon::prelude::*;

/// Pictures of `b` whose features are packed at a time.
const CHUNK: usize = 2048;
/// Pictures of `a` that a thread works on at a time.
const BLOCK: usize = 96;

/// Calls `visit(state, i, first, products)` for each picture i of `a` `[pictures, width]` with its own state and the products of its features
/// with those of the pictures of `b` from `first` on. The chunks of `b` come in their order.
pub(super) fn for_each_product<S: Send>(
    a: &[f32],
    b: &[f32],
    width: usize,
    states: &mut [S],
    visit: impl Fn(&mut S, usize, usize, &[f32]) + Sync,
) {
    let level = Level::best();
    let mut panels = vec![0.0; panels_length(CHUNK.min(b.len() / width), width)];
    for (chunk, b) in b.chunks(CHUNK * width).enumerate() {
        let outputs = b.len() / width;
        pack(b, outputs, width, &mut panels);
        let blocks = a.par_chunks(BLOCK * width).zip(states.par_chunks_mut(BLOCK)).enumerate();
        blocks.for_each(|(block, (a, states))| {
            let mut products = vec![0.0; states.len() * outputs];
            let rows = Rows { values: a, stride: width, count: states.len(), inputs: width };
            product(level, rows, &panels, Target { values: &mut products, stride: outputs, outputs, add: false });
            for (i, (state, products)) in states.iter_mut().zip(products.chunks_exact(outputs)).enumerate() {
                visit(state, block * BLOCK + i, chunk * CHUNK, products);
            }
        });
    }
}
