use splatgraph_sdk::prelude::*;

#[node(outputs(seconds))]
pub fn wait(time: std::time::Duration) -> Result<f64> {
    Ok(time.as_secs_f64())
}

fn main() {}
