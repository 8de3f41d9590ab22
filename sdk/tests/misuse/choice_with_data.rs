use splatgraph_sdk::prelude::*;

#[derive(Choice)]
enum Mode {
    Linear,
    Power(f32),
}

fn main() {}
