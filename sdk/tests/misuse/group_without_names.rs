use splatgraph_sdk::prelude::*;

#[derive(InputGroup)]
pub struct Numbers(i64, i64);

fn main() {}
