//! The node `gpstoken.CombineSelections`.

use crate::draw::TokensOrLayout;
use crate::edit::token_set::{HALF, selected, together, used};
use splatgraph_sdk::prelude::*;

/// How two selections become one.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// What both select: the smaller value.
    And,
    /// What any selects: the larger value.
    Or,
    /// What `a` does not select: 1 - a. Takes no `b`.
    Not,
    /// What `a` selects and `b` does not: the smaller of a and 1 - b.
    Minus,
}

/// Joins selections.
///
/// For values between 0 and 1 too the laws of sets hold that hold for the smaller and the larger of two numbers: each joined with
/// itself stays the same, the order does not matter, and not (a and b) is (not a) or (not b).
#[node(
    category = "GPSToken/Edit",
    outputs(selection: "the joined selection", count: "how many are selected by at least a half, in all pictures together")
)]
pub fn combine_selections(
    /// From SelectTokens.
    a: Selection,
    /// Of the same tokens.
    b: Option<Selection>,
    /// How they are joined.
    #[input(default = Operation::And)]
    operation: Operation,
    /// The tokens that are selected from, if some of their rows are padding: it stays unselected, also by `not`.
    tokens: Option<TokensOrLayout>,
) -> Result<(Selection, usize)> {
    let [rows_a, count] = a.selected.dims()?;
    let rows_b = match (&b, operation) {
        (Some(_), Operation::Not) => {
            return Err(Error::input(
                "b",
                "`not` turns one selection around, two came. Unlink b, or set operation to \"minus\"",
            ));
        }
        (None, Operation::Not) => 1,
        (None, _) => {
            return Err(Error::input("b", "a second selection was expected. Link b, or set operation to \"not\""));
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
                    "{rows} or 1 pictures of {count} tokens were expected, as the selections are of, {batch} of {of} came"
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
