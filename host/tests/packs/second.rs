//! The pack `second`: what passes from `stub` to it passes between two libraries.

use splatgraph_sdk::prelude::*;

/// Where a tensor is.
#[node(category = "Memory", outputs(address: "of its first byte"))]
fn address(
    /// A record with the field `data`.
    value: Value,
) -> Result<i64> {
    Ok(value.field("data")?.bytes().as_ptr() as i64)
}

export_pack! { id: "second", description: "Another pack for the host's tests", nodes: [address] }
