use splatgraph_sdk::prelude::*;

#[node(outputs(one, two))]
pub fn one(a: i64) -> Result<i64> {
    Ok(a)
}

fn main() {}
