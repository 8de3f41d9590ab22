//! Replaces textures by the textures of other tokens, by place.

use super::token_set::{HALF, TokenSet};
use crate::names::counted;
use splatgraph_sdk::{Error, Result};

/// Gives each selected token the texture of the nearest source token; the first of equally near ones. Places are relative to
/// the bounding box of the selected means, and to the bounding box of the source's means. A partly selected token gets a
/// mixture of both textures.
///
/// Only tokens of `source` that are selected by at least a half give textures.
///
/// # Errors
/// There is no source token.
pub fn replace_textures(
    set: &mut TokenSet,
    selected: &[f32],
    source: &TokenSet,
    source_selected: &[f32],
) -> Result<()> {
    let targets: Vec<usize> = (0..set.len()).filter(|index| selected[*index] > 0.0).collect();
    let sources: Vec<usize> = (0..source.len()).filter(|index| source_selected[*index] >= HALF).collect();
    if sources.is_empty() {
        return Err(Error::new(format!(
            "expected at least one selected token in the source, got none of {}. Widen the selection of the source",
            counted(source.len(), "token")
        )));
    }
    let places = relative(source, &sources);
    for (target, [x, y]) in targets.iter().zip(relative(set, &targets)) {
        let distance = |place: &[f64; 2]| (place[0] - x).powi(2) + (place[1] - y).powi(2);
        let nearest = (0..sources.len()).min_by(|a, b| distance(&places[*a]).total_cmp(&distance(&places[*b])));
        let from = source.texture(sources[nearest.unwrap_or_default()]);
        for (to, from) in set.texture_mut(*target).iter_mut().zip(from) {
            *to = part_way(*to, *from, selected[*target]);
        }
    }
    Ok(())
}

/// The value at `t` between `from` and `to`, exact at both ends. If one is not finite, it is the nearer one.
pub(super) fn part_way(from: f32, to: f32, t: f32) -> f32 {
    if !from.is_finite() || !to.is_finite() {
        return if t < 0.5 { from } else { to };
    }
    if t == 1.0 { to } else { (f64::from(from) + (f64::from(to) - f64::from(from)) * f64::from(t)) as f32 }
}

/// Means as 0..1 of their bounding box; 0.5 on an axis without extent.
fn relative(set: &TokenSet, indices: &[usize]) -> Vec<[f64; 2]> {
    let axis = |axis: usize| {
        let values: Vec<f64> = indices.iter().map(|index| f64::from(set.gaussians[*index][3 + axis])).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let extent = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low;
        values.into_iter().map(move |v| if extent > 0.0 { (v - low) / extent } else { 0.5 }).collect::<Vec<_>>()
    };
    axis(0).into_iter().zip(axis(1)).map(|(x, y)| [x, y]).collect()
}
