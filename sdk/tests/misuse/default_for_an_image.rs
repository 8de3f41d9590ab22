#![allow(unreachable_code, unused_variables)]
use splatgraph_sdk::prelude::*;

#[node(outputs(out))]
pub fn same(#[input(default = todo!())] image: Image) -> Result<Image> {
    Ok(image)
}

fn main() {}
