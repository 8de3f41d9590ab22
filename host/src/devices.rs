//! The devices that nodes compute on. Packs list their devices, and a run uses one of them.

use crate::{graph::Checked, registry::Pack, words::shortened};
use splatgraph_sdk::{Error, spec::DeviceSpec};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The devices of packs. Remembers them, as a pack that looks for devices starts drivers.
#[derive(Default)]
pub struct Devices(Mutex<HashMap<(String, u64), Vec<DeviceSpec>>>);

/// The device of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The device that nodes compute on.
    pub device: DeviceSpec,
    /// The better devices that can't be used, or are used only on request.
    pub passed_over: Vec<DeviceSpec>,
}

/// The errors of choosing a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// A pack failed to look for its devices.
    #[error("the pack `{pack}` cannot list its devices: {error}")]
    Pack {
        /// The pack's id.
        pack: String,
        /// The error of the pack.
        error: Error,
    },
    /// No device has the name.
    #[error("expected the device auto or one of {known}, got `{asked}`")]
    Unknown {
        /// The name.
        asked: String,
        /// The names of all devices.
        known: String,
    },
    /// No device of the graph's packs can be used.
    #[error("no device can be used: {why}")]
    None {
        /// The reason of each device.
        why: String,
    },
    /// The device can't be used.
    #[error("the device `{asked}` cannot be used: {why}")]
    Unavailable {
        /// The name of the device.
        asked: String,
        /// The reason, and what to do next.
        why: String,
    },
}

impl Devices {
    /// The devices that the pack's nodes can compute on, the best first; empty if the pack has no choice.
    ///
    /// # Errors
    /// The pack failed while it looked for devices.
    pub fn of(&self, pack: &Pack) -> Result<Vec<DeviceSpec>, DeviceError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (pack.manifest.id.clone(), pack.nodes.generation());
        if let Some(devices) = known.get(&key) {
            return Ok(devices.clone());
        }
        let found = pack.nodes.devices();
        let devices = found.map_err(|error| {
            let error = Error { message: shortened(&error.message), ..error };
            DeviceError::Pack { pack: pack.manifest.id.clone(), error }
        })?;
        known.insert(key, devices.clone());
        Ok(devices)
    }

    /// Chooses the device for a graph: the device `asked`, or without it the first one that all packs with devices can use.
    /// `gpu` asks for the first of `gpu:0`, `gpu:1`, ..., and `auto` for no device in particular. `None` if no pack of the
    /// graph has devices.
    ///
    /// # Errors
    /// The device does not exist or can't be used, or a pack failed while it looked for devices.
    pub fn choose(&self, checked: &Checked, asked: Option<&str>) -> Result<Option<Chosen>, DeviceError> {
        let mut lists: Vec<(&str, Vec<DeviceSpec>)> = Vec::new();
        for node in checked.pack_nodes() {
            let pack: &Arc<Pack> = &node.class.pack;
            let id = pack.manifest.id.as_str();
            if !lists.iter().any(|(known, _)| *known == id) {
                lists.push((id, self.of(pack)?));
            }
        }
        lists.retain(|(_, devices)| !devices.is_empty());
        let Some(((_, first), others)) = lists.split_first() else { return Ok(None) };
        let everywhere = first.iter().map(|device| {
            let missing = others.iter().find_map(|(pack, devices)| {
                let theirs = devices.iter().find(|theirs| theirs.id == device.id);
                theirs.is_none_or(|theirs| theirs.unavailable.is_some()).then_some(pack)
            });
            let unavailable =
                device.unavailable.clone().or(missing.map(|pack| format!("the pack `{pack}` cannot use it")));
            DeviceSpec { unavailable, ..device.clone() }
        });
        pick(everywhere.collect(), asked.filter(|asked| *asked != "auto")).map(Some)
    }
}

fn pick(devices: Vec<DeviceSpec>, asked: Option<&str>) -> Result<Chosen, DeviceError> {
    let usable = |device: &&DeviceSpec| device.unavailable.is_none();
    let Some(asked) = asked else {
        let position = devices.iter().position(|d| usable(&d) && d.on_request.is_none());
        let Some(position) = position else {
            let why = devices.iter().filter_map(|d| Some(format!("{}: {}", d.id, d.unavailable.as_ref()?)));
            return Err(DeviceError::None { why: why.collect::<Vec<_>>().join("; ") });
        };
        return Ok(Chosen { device: devices[position].clone(), passed_over: devices[..position].to_vec() });
    };
    let of_kind = |device: &&DeviceSpec| device.id.strip_prefix(asked).is_some_and(|rest| rest.starts_with(':'));
    let mut named = devices.iter().filter(|d| d.id == asked).chain(devices.iter().filter(of_kind));
    match (named.clone().find(usable), named.next()) {
        (Some(device), _) => Ok(Chosen { device: device.clone(), passed_over: Vec::new() }),
        (None, Some(device)) => Err(DeviceError::Unavailable {
            asked: asked.to_owned(),
            why: device.unavailable.clone().unwrap_or_default(),
        }),
        (None, None) => {
            let known = devices.iter().map(|d| d.id.as_str()).collect::<Vec<_>>().join(", ");
            Err(DeviceError::Unknown { asked: asked.to_owned(), known })
        }
    }
}

/// Shows `device cpu, AMD EPYC; not gpu:0, llvmpipe: a software adapter, used only on request`.
impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, device: &DeviceSpec| match device.name.as_str() {
            "" => write!(f, "{}", device.id),
            name => write!(f, "{}, {name}", device.id),
        };
        write!(f, "device ")?;
        named(f, &self.device)?;
        // Nobody misses a device that is used only on request, such as a graphics card in software.
        for device in &self.passed_over {
            if let Some(why) = &device.unavailable {
                write!(f, "; not ")?;
                named(f, device)?;
                write!(f, ": {why}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, unavailable: Option<&str>, on_request: Option<&str>) -> DeviceSpec {
        let text = |text: Option<&str>| text.map(str::to_owned);
        DeviceSpec {
            id: id.to_owned(),
            name: format!("{id} by Acme"),
            unavailable: text(unavailable),
            on_request: text(on_request),
            ..DeviceSpec::default()
        }
    }

    fn machine() -> Vec<DeviceSpec> {
        vec![
            device("cuda:0", Some("its driver is too old; update it"), None),
            device("gpu:0", None, Some("a software adapter")),
            device("gpu:1", None, None),
            device("cpu", None, None),
            device("libtorch", Some("not in this build"), None),
        ]
    }

    #[test]
    fn the_best_that_can_be_used_is_chosen_and_the_others_are_explained() {
        insta::assert_snapshot!(pick(machine(), None).unwrap(), @"device gpu:1, gpu:1 by Acme; not cuda:0, cuda:0 by Acme: its driver is too old; update it");
    }

    #[test]
    fn a_device_is_taken_by_its_id_or_kind() {
        insta::assert_snapshot!(pick(machine(), Some("gpu")).unwrap(), @"device gpu:0, gpu:0 by Acme");
        insta::assert_snapshot!(pick(machine(), Some("gpu:1")).unwrap(), @"device gpu:1, gpu:1 by Acme");
        insta::assert_snapshot!(pick(machine(), Some("cuda")).unwrap_err(), @"the device `cuda` cannot be used: its driver is too old; update it");
        insta::assert_snapshot!(pick(machine(), Some("libtorch")).unwrap_err(), @"the device `libtorch` cannot be used: not in this build");
        insta::assert_snapshot!(pick(machine(), Some("tpu")).unwrap_err(), @"expected the device auto or one of cuda:0, gpu:0, gpu:1, cpu, libtorch, got `tpu`");
    }

    #[test]
    fn without_a_device_all_reasons_are_shown() {
        let devices = vec![device("gpu", Some("no adapter was found"), None), device("cuda", Some("no driver"), None)];
        insta::assert_snapshot!(pick(devices, None).unwrap_err(), @"no device can be used: gpu: no adapter was found; cuda: no driver");
    }
}
