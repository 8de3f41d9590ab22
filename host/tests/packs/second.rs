//! The pack `second`: what passes from `stub` to it passes between two libraries.

use splatgraph_sdk::{prelude::*, serde_json, spec::DeviceSpec};

/// Where a tensor is.
#[node(category = "Memory", outputs(address: "of its first byte"))]
fn address(
    /// A record with the field `data`.
    value: Value,
) -> Result<i64> {
    Ok(value.field("data")?.bytes().as_ptr() as i64)
}

/// What the node was told to compute on, and how precisely.
#[node(category = "Device", outputs(device: "an id", bits: "of a number"))]
fn told(ctx: &Ctx) -> Result<(String, f32)> {
    let setting =
        |key: &str| ctx.settings().get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Ok((setting("device"), if setting("precision") == "f16" { 16.0 } else { 32.0 }))
}

fn devices() -> Vec<DeviceSpec> {
    let device = |id: &str, name: &str| DeviceSpec { id: id.into(), name: name.into(), ..DeviceSpec::default() };
    vec![
        DeviceSpec { unavailable: Some("its fan is broken; mend it".into()), ..device("gpu:0", "Steam 1") },
        DeviceSpec { on_request: Some("taken only when asked for".into()), ..device("gpu:1", "Steam 2") },
        DeviceSpec { memory: Some(3 << 30), ..device("cpu", "Abacus") },
    ]
}

export_pack! {
    id: "second",
    description: "Another pack for the host's tests",
    nodes: [address, told],
    devices: devices,
}
