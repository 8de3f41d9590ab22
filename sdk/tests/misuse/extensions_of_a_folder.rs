use splatgraph_sdk::prelude::*;

#[node(outputs(out))]
pub fn open(#[input(path = read_dir, extensions = ["abc"])] path: PathBuf) -> Result<PathBuf> {
    Ok(path)
}

fn main() {}
