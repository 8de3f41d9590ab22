//! `splatgraph devices`.

use std::path::Path;

use serde_json::{Map, Value as Json};
use splatgraph_sdk::spec::DeviceSpec;

use super::failure::Outcome;
use super::options::JsonOption;
use super::output::{self, BOLD, columns};
use super::pack_folders::{PackFolders, helper};

/// List the devices that nodes can compute on, and why others are unavailable
///
/// Each pack lists its own devices, the best first. A run uses the first device without a remark; --device names another.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    packs: PackFolders,
    #[command(flatten)]
    output: JsonOption,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let registry = options.packs.load()?;
    let paths: Vec<&Path> = registry.packs().iter().map(|pack| pack.path.as_path()).collect();
    let mut lists: Vec<(String, Vec<DeviceSpec>)> = Vec::new();
    for (pack, list) in registry.packs().iter().zip(helper()?.devices(&paths)) {
        let id = &pack.manifest.id;
        match list {
            Ok(list) if list.is_empty() => {}
            Ok(list) => lists.push((id.clone(), list)),
            Err(reason) => output::warning(&format!("the pack `{id}` cannot list its devices: {reason}")),
        }
    }
    if options.output.json {
        let packs: Map<String, Json> =
            lists.into_iter().map(|(id, list)| (id, serde_json::to_value(list).unwrap_or_default())).collect();
        output::print_json(&packs)
    } else {
        output::print(&as_text(&lists))
    }
}

fn as_text(lists: &[(String, Vec<DeviceSpec>)]) -> String {
    if lists.is_empty() {
        return "No loaded pack lists devices, so all nodes compute on the processor.".to_owned();
    }
    let mut text = String::new();
    for (pack, list) in lists {
        text += &format!("{BOLD}{pack}{BOLD:#}\n");
        let rows: Vec<Vec<String>> = list.iter().map(row).collect();
        text += &columns(2, &rows);
        text.push('\n');
    }
    text
}

fn row(device: &DeviceSpec) -> Vec<String> {
    let memory = device.memory.map_or(String::new(), |bytes| format!("{:.1} GB", bytes as f64 / f64::from(1 << 30)));
    let remark = match (&device.unavailable, &device.on_request) {
        (Some(why), _) => format!("unavailable: {why}"),
        (None, Some(why)) => why.clone(),
        (None, None) => String::new(),
    };
    vec![device.id.clone(), device.name.clone(), memory, remark]
}
