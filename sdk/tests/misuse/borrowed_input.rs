use splatgraph_sdk::prelude::*;

#[node(outputs(size))]
pub fn size(image: &Image) -> Result<i64> {
    Ok(image.image.len() as i64)
}

fn main() {}
