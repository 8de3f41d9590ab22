//! The pack `second`. Values that pass from `stub` to it pass between two libraries.

use splatgraph_sdk::{prelude::*, serde_json, serde_json::json, spec::DeviceSpec};

/// The address of a tensor.
#[node(category = "Memory", outputs(address: "of its first byte"))]
fn address(
    /// A record with the field `data`.
    value: Value,
) -> Result<i64> {
    Ok(value.field("data")?.bytes().as_ptr() as i64)
}

/// The device and precision in the settings.
#[node(category = "Device", outputs(device: "an id", bits: "of a number"))]
fn told(ctx: &Ctx) -> Result<(String, f32)> {
    let setting =
        |key: &str| ctx.settings().get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Ok((setting("device"), if setting("precision") == "f16" { 16.0 } else { 32.0 }))
}

/// Reads a selection from a file of one digit for each weight.
#[node(category = "Record", outputs(value: "the selection"))]
fn read_digits(
    /// The file.
    #[input(path = read, extensions = ["digits"])]
    path: PathBuf,
) -> Result<Selection> {
    let text = std::fs::read_to_string(&path)?;
    let weight = |digit: char| digit.to_digit(10).map(|digit| digit as f32 / 8.0);
    let weights = text.chars().map(weight).collect::<Option<Vec<f32>>>();
    let weights = weights.ok_or_else(|| Error::input("path", "expected digits, got other characters"))?;
    Selection::new(Tensor::from_vec([1, weights.len()], weights)?)
}

/// Writes a selection to a file of one digit for each weight.
#[node(category = "Record", output, outputs(path: "the file"))]
fn write_digits(
    /// The selection.
    selection: Selection,
    /// The file.
    #[input(path = write, extensions = ["digits"])]
    path: PathBuf,
    /// The digit of weight 1.
    #[input(default = 8, min = 1, max = 9)]
    whole: u32,
) -> Result<PathBuf> {
    let digit = |weight: &f32| char::from_digit((weight * whole as f32) as u32, 10).unwrap_or('9');
    let text: String = selection.selected.as_slice::<f32>()?.iter().map(digit).collect();
    splatgraph_sdk::write_whole(&path, text.as_bytes())?;
    Ok(path)
}

/// Knits a record.
#[node(category = "Memory", outputs(knitted: "as warm as before"))]
fn knit(
    /// The record.
    value: Value,
) -> Result<Value> {
    Ok(value)
}

fn absent() -> Vec<(&'static str, String)> {
    vec![("Knit", "it has no needles; build it with the feature `needles`".to_owned())]
}

fn devices() -> Vec<DeviceSpec> {
    let device = |id: &str, name: &str| DeviceSpec { id: id.into(), name: name.into(), ..DeviceSpec::default() };
    vec![
        DeviceSpec { unavailable: Some("its fan is broken; repair it".into()), ..device("gpu:0", "Steam 1") },
        DeviceSpec { on_request: Some("used only on request".into()), ..device("gpu:1", "Steam 2") },
        DeviceSpec {
            memory: Some(3 << 30),
            facts: [("rods".to_owned(), json!({"beads": [5, 5]}))].into_iter().collect(),
            ..device("cpu", "Abacus")
        },
    ]
}

export_pack! {
    id: "second",
    description: "Another pack for the host's tests",
    nodes: [address, told, read_digits, write_digits, knit],
    devices: devices,
    absent: absent,
    web: "tests/packs/web" => ["page.js", "parts/_brush.js"],
}
