//! The options about what nodes compute on.

use std::sync::{Mutex, PoisonError};

use splatgraph::devices::Devices;
use splatgraph::graph::Checked;
use splatgraph::run::Settings;

use super::failure::{Failure, Outcome};
use super::output;

#[derive(clap::Args)]
pub(crate) struct DeviceOptions {
    /// What nodes compute on: auto, cpu, gpu, gpu:1, cuda, ...; `splatgraph devices` lists them
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// How precise numbers are that nodes compute with, where they have the choice
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Precision {
    F32,
    F16,
    Bf16,
}

/// Tells runs of one command what to compute on.
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
    /// Chooses the device for a graph and writes it into the settings of its run; `say` gets a line about it, once.
    pub(crate) fn choose(&self, checked: &Checked, settings: &mut Settings, say: impl FnOnce(&str)) -> Outcome {
        let chosen = self.devices.choose(checked, Some(&self.options.device));
        let Some(chosen) = chosen.map_err(|error| Failure::usage(error.to_string()))? else { return Ok(()) };
        settings.insert("device".to_owned(), chosen.device.id.as_str().into());
        let mut line = chosen.to_string();
        let precision = match self.options.precision {
            Precision::F32 => None,
            Precision::F16 => Some("f16"),
            Precision::Bf16 => Some("bf16"),
        };
        if let Some(precision) = precision {
            settings.insert("precision".to_owned(), precision.into());
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

/// Prints the line about the device unless less is wanted.
pub(crate) fn say_unless(quiet: bool) -> impl FnOnce(&str) {
    move |line| {
        if !quiet {
            output::note(line);
        }
    }
}
