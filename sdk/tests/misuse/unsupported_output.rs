use splatgraph_sdk::prelude::*;

#[node(outputs(time))]
pub fn wait(seconds: f64) -> Result<std::time::Duration> {
    Ok(std::time::Duration::from_secs_f64(seconds))
}

fn main() {}
