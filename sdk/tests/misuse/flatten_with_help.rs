use splatgraph_sdk::prelude::*;

#[derive(InputGroup)]
pub struct Numbers {
    a: i64,
}

#[node(outputs(sum))]
pub fn add(
    /// The numbers.
    #[input(flatten)]
    numbers: Numbers,
) -> Result<i64> {
    Ok(numbers.a)
}

fn main() {}
