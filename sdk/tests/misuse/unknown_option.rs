use splatgraph_sdk::prelude::*;

#[node(categry = "Math", outputs(sum))]
pub fn add(a: i64, b: i64) -> Result<i64> {
    Ok(a + b)
}

fn main() {}
