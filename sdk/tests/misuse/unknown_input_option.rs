use splatgraph_sdk::prelude::*;

#[node(outputs(sum))]
pub fn add(#[input(defualt = 1)] a: i64) -> Result<i64> {
    Ok(a)
}

fn main() {}
