use splatgraph_sdk::prelude::*;

#[derive(Default)]
struct Counter(i64);

#[node(outputs(count))]
impl Counter {
    pub fn run(&mut self) -> Result<i64> {
        self.0 += 1;
        Ok(self.0)
    }
}

fn main() {}
