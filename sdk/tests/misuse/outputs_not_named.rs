use splatgraph_sdk::prelude::*;

#[node(category = "Math")]
pub fn both(a: i64) -> Result<(i64, i64)> {
    Ok((a, a))
}

fn main() {}
