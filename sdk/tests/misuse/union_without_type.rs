use splatgraph_sdk::prelude::*;

#[derive(Union)]
enum Either {
    Nothing,
    Image(Image),
}

fn main() {}
