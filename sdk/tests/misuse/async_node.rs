use splatgraph_sdk::prelude::*;

#[node(outputs(out))]
pub async fn later(a: i64) -> Result<i64> {
    Ok(a)
}

fn main() {}
