use splatgraph_sdk::prelude::*;

#[derive(InputGroup)]
pub struct Times {
    #[input(min = 1)]
    first: std::time::Duration,
}

fn main() {}
