use splatgraph_sdk::prelude::*;

pub fn plain() {}

export_pack! { id: "acme", description: "", nodes: [plain] }

fn main() {}
