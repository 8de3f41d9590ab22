//! Matches the tokens of two pictures: the assignment with the least total cost.

use super::{criteria::cosine, token_set::TokenSet};
use pathfinding::prelude::{Matrix, kuhn_munkres_min};
use splatgraph_sdk::{Error, Result};

/// Parts of 1 in which costs are counted, as the algorithm compares whole numbers. Sums of 4096 costs of up to 1e6 stay exact.
const PART: f64 = 1e-8;
const LARGEST: f64 = 1e6;

/// The cost of each pair of a token of `a` and a token of `b`, `[a, b]`: the squared distance of the means, in units of half
/// the canvas's longer side, plus `texture_weight` times 1 minus the cosine similarity of the textures (0..2).
pub fn costs(a: &TokenSet, b: &TokenSet, unit: [f64; 2], texture_weight: f64) -> Vec<f64> {
    let longer = unit[0].max(unit[1]);
    let scale = unit.map(|unit| unit / longer);
    let texture = |set: &TokenSet, index: usize| set.texture(index).iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    let others: Vec<Vec<f64>> = (0..b.len()).map(|index| texture(b, index)).collect();
    let mut costs = Vec::with_capacity(a.len() * b.len());
    for (i, from) in a.gaussians.iter().enumerate() {
        let own = texture(a, i);
        costs.extend(b.gaussians.iter().zip(&others).map(|(to, other)| {
            let distance = |axis: usize| (f64::from(to[3 + axis]) - f64::from(from[3 + axis])) * scale[axis];
            let place = distance(0).powi(2) + distance(1).powi(2);
            if texture_weight == 0.0 { place } else { place + texture_weight * (1.0 - cosine(&own, other)) }
        }));
    }
    costs
}

/// Assigns a column to each row, each column once, with the least possible sum of costs. If there are more rows than columns,
/// the remaining rows get none.
///
/// # Errors
/// There are too many rows and columns for the memory.
pub fn assign(costs: &[f64], [rows, columns]: [usize; 2]) -> Result<Vec<Option<usize>>> {
    if rows == 0 || columns == 0 {
        return Ok(vec![None; rows]);
    }
    let whole = |cost: &f64| (cost.min(LARGEST) / PART).round() as i64;
    let matrix = Matrix::from_vec(rows, columns, costs.iter().map(whole).collect()).map_err(Error::new)?;
    // The algorithm needs at least as many columns as rows.
    if rows <= columns {
        return Ok(kuhn_munkres_min(&matrix).1.into_iter().map(Some).collect());
    }
    let mut assigned = vec![None; rows];
    for (column, row) in kuhn_munkres_min(&matrix.transposed()).1.into_iter().enumerate() {
        assigned[row] = Some(column);
    }
    Ok(assigned)
}
