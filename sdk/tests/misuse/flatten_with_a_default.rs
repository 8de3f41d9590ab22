use splatgraph_sdk::prelude::*;

#[derive(InputGroup)]
pub struct Numbers {
    a: i64,
}

#[node(outputs(sum))]
pub fn add(#[input(flatten, min = 3)] numbers: Numbers) -> Result<i64> {
    Ok(numbers.a)
}

fn main() {}
