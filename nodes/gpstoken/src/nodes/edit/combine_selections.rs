//! The node `gpstoken.CombineSelections`.

use crate::draw::TokensOrLayout;
use crate::edit::token_set::{HALF, selected, together, used};
use crate::names::{counted, one_or};
use splatgraph_sdk::prelude::*;

/// How to join two selections.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Tokens that both select: the smaller value.
    And,
    /// Tokens that either selects: the larger value.
    Or,
    /// Tokens that `a` does not select: 1 - a. Takes no `b`.
    Not,
    /// Tokens that `a` selects and `b` does not: the smaller of a and 1 - b.
    Minus,
}

/// Joins two selections, or inverts one.
///
/// Values between 0 and 1 follow the laws of sets too: a selection joined with itself stays the same, the order does not
/// matter, and not (a and b) equals (not a) or (not b).
#[node(
    category = "GPSToken/Edit",
    outputs(selection: "the joined selection", count: "the number of tokens selected by at least a half, over all pictures")
)]
pub fn combine_selections(
    /// The first selection, from SelectTokens.
    a: Selection,
    /// The second selection, of the same tokens.
    b: Option<Selection>,
    /// How to join them.
    #[input(default = Operation::And)]
    operation: Operation,
    /// The tokens to which the selections belong. Needed only if some rows are padding: padding then stays unselected, also
    /// with `not`.
    tokens: Option<TokensOrLayout>,
) -> Result<(Selection, usize)> {
    let [rows_a, count] = a.selected.dims()?;
    let rows_b = match (&b, operation) {
        (Some(_), Operation::Not) => {
            return Err(Error::input(
                "b",
                "expected one selection, which `not` inverts, got two. Unlink b, or set operation to \"minus\"",
            ));
        }
        (None, Operation::Not) => 1,
        (None, _) => {
            return Err(Error::input(
                "b",
                "expected a second selection, got none. Link b, or set operation to \"not\"",
            ));
        }
        (Some(b), _) => b.selected.shape()[0],
    };
    let rows = together(rows_a, "b", rows_b)?;
    let (left, right) = (selected(Some(&a), "a", count, rows)?, selected(b.as_ref(), "b", count, rows)?);
    let join = |(a, b): (f32, f32)| match operation {
        Operation::And => a.min(b),
        Operation::Or => a.max(b),
        Operation::Not => 1.0 - a,
        Operation::Minus => a.min(1.0 - b),
    };
    let pairs = left.into_iter().flatten().zip(right.into_iter().flatten());
    let mut joined: Vec<f32> = pairs.map(join).collect();
    if let Some(tokens) = &tokens {
        let (gaussians, counts) = match tokens {
            TokensOrLayout::Tokens(tokens) => (&tokens.gaussians, tokens.counts.as_ref()),
            TokensOrLayout::Layout(layout) => (&layout.gaussians, None),
        };
        let [batch, of, _] = gaussians.dims()?;
        if of != count || (batch != rows && batch != 1) {
            return Err(Error::input(
                "tokens",
                format!(
                    "expected {} of {}, as the selections have, got {} of {}. Link the tokens that were selected from",
                    one_or(rows),
                    counted(count, "token"),
                    counted(batch, "picture"),
                    counted(of, "token")
                ),
            ));
        }
        for (row, used) in joined.chunks_exact_mut(count.max(1)).zip(used(counts, [batch, of], rows)?) {
            row[used..].fill(0.0);
        }
    }
    let number = joined.iter().filter(|value| **value >= HALF).count();
    Ok((Selection::new(Tensor::from_vec([rows, count], joined)?)?, number))
}
