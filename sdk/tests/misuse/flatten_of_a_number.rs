use splatgraph_sdk::prelude::*;

#[node(outputs(sum))]
pub fn add(#[input(flatten)] numbers: i64) -> Result<i64> {
    Ok(numbers)
}

fn main() {}
