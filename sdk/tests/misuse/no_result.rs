use splatgraph_sdk::prelude::*;

#[node(outputs(sum))]
pub fn add(a: i64, b: i64) -> i64 {
    a + b
}

fn main() {}
