use splatgraph_sdk::prelude::*;

#[node(outputs(out))]
pub fn scale(#[input(default = 1)] factor: f32) -> Result<f32> {
    Ok(factor)
}

fn main() {}
