use splatgraph_sdk::prelude::*;

#[node(outputs(out))]
pub fn open(#[input(path = raed)] path: PathBuf) -> Result<PathBuf> {
    Ok(path)
}

fn main() {}
