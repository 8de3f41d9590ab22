//! Nodes of which only one branch runs: `std.If`, `std.Switch`.

use splatgraph_sdk::prelude::*;

/// Gives one of two values. Only what feeds the chosen one runs.
#[node(category = "Logic", name = "If", outputs(value: "The value of `then` or `otherwise`."))]
pub fn choose_if(
    /// Which of the two.
    condition: bool,
    /// The value if the condition is true.
    #[input(chosen_by = "condition", chosen_when = true)]
    then: Value,
    /// The value if the condition is false.
    #[input(chosen_by = "condition", chosen_when = false)]
    otherwise: Value,
) -> Result<Value> {
    Ok(if condition { then } else { otherwise })
}

/// Gives one value of a list. With several links, only what feeds the chosen one runs.
#[node(category = "Logic", outputs(value: "The value at the position."))]
pub fn switch(
    /// The position of the value, counted from 0.
    #[input(min = 0)]
    index: u32,
    /// The values: links, each with one value, or one link to a list.
    #[input(chosen_by = "index")]
    values: Vec<Value>,
) -> Result<Value> {
    let count = values.len();
    let value = values.into_iter().nth(index as usize);
    value.ok_or_else(|| {
        Error::input("index", format!("expected a position below {count}, as there are {count} values, got {index}"))
    })
}
