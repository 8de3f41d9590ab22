use splatgraph_sdk::prelude::*;

#[derive(Default)]
struct Counter;

#[node(outputs(count))]
impl Counter {
    pub fn count(&self) -> Result<i64> {
        Ok(1)
    }
}

fn main() {}
