use splatgraph_sdk::prelude::*;

#[node(outputs(out))]
pub fn open(#[input(path = read, extensions = ["abc"], extensions_only)] path: PathBuf) -> Result<PathBuf> {
    Ok(path)
}

fn main() {}
