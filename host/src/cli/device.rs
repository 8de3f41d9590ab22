//! The options for the device and the precision.

use std::sync::{Mutex, PoisonError};

use splatgraph::devices::Devices;
use splatgraph::graph::Checked;
use splatgraph::run::Settings;
use splatgraph_sdk::settings::{DEVICE, PRECISION};

use super::failure::{Failure, Outcome};
use super::output;

#[derive(clap::Args)]
pub(crate) struct DeviceOptions {
    /// The device that nodes compute on: auto, cpu, gpu, gpu:1, cuda, ...; `splatgraph devices` lists them
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// The precision of numbers that nodes compute with, if they have a choice
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Precision {
    F32,
    F16,
    Bf16,
}

/// Chooses the device for the runs of a command.
pub(crate) struct RunDevice<'a> {
    options: &'a DeviceOptions,
    devices: Devices,
    /// The line about the device that was printed last.
    said: Mutex<String>,
}

impl DeviceOptions {
    pub(crate) fn for_runs(&self) -> RunDevice<'_> {
        RunDevice { options: self, devices: Devices::default(), said: Mutex::default() }
    }
}

impl RunDevice<'_> {
    /// Chooses the device for a graph, and adds it to the settings of its run. Calls `say` with a line about it, unless the
    /// last run had the same line.
    pub(crate) fn choose(&self, checked: &Checked, settings: &mut Settings, say: impl FnOnce(&str)) -> Outcome {
        let chosen = self.devices.choose(checked, Some(&self.options.device));
        let Some(chosen) = chosen.map_err(|error| Failure::usage(error.to_string()))? else { return Ok(()) };
        settings.insert(DEVICE.to_owned(), chosen.device.id.as_str().into());
        let mut line = chosen.to_string();
        let precision = match self.options.precision {
            Precision::F32 => None,
            Precision::F16 => Some("f16"),
            Precision::Bf16 => Some("bf16"),
        };
        if let Some(precision) = precision {
            settings.insert(PRECISION.to_owned(), precision.into());
            line += &format!("; precision {precision}");
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said != line {
            say(&line);
            *said = line;
        }
        Ok(())
    }
}

/// Prints the line about the device unless `quiet`.
pub(crate) fn say_unless(quiet: bool) -> impl FnOnce(&str) {
    move |line| {
        if !quiet {
            output::note(line);
        }
    }
}
