//! Copies of tokens.

use super::{affine::Transform, area::Area, token_set::TokenSet};
use splatgraph_sdk::Result;

/// Appends the copies and returns the indices of the copies that left the canvas.
pub(crate) fn duplicate(
    set: &mut TokenSet,
    selected: &[f32],
    [move_x, move_y]: [f64; 2],
    area: Area,
    support: f32,
) -> Result<Vec<usize>> {
    let indices: Vec<usize> = (0..set.len()).filter(|index| selected[*index] > 0.0).collect();
    let mut copies = set.pick(indices.iter().copied());
    for (copy, index) in indices.iter().enumerate() {
        copies.texture_mut(copy).iter_mut().for_each(|v| *v *= selected[*index]);
    }
    let everything = vec![1.0; copies.len()];
    let left = Transform { move_x, move_y, ..Transform::default() }.apply(&mut copies, &everything, area, support)?;
    let first = set.len();
    set.gaussians.append(&mut copies.gaussians);
    set.textures.append(&mut copies.textures);
    Ok(left.into_iter().map(|copy| first + copy).collect())
}
