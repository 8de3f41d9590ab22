use splatgraph_sdk::prelude::*;

#[derive(InputGroup)]
pub struct Names {
    first: &'static str,
}

fn main() {}
