//! What a run computes on: the processor with the project's own kernels, or a device through burn.

mod gpu;
mod list;
pub(crate) mod shader;
mod values;

pub use list::list;
pub use values::{OnDevice, Placed, StandardType, downloaded_bytes};

use burn::{
    prelude::Device,
    tensor::{ExecutionError, FloatDType},
};
use splatgraph_sdk::{Ctx, Error, Result};
use std::{any::Any, panic};

/// The device of a run and how precise it computes.
#[derive(Clone, Debug)]
pub struct Compute {
    /// Its id, as in [`list`].
    pub id: String,
    /// The device.
    pub device: Device,
    /// What weights and activations are kept in; geometry and sums over a picture are f32 always.
    pub precision: FloatDType,
    /// Whether work ends when it is done and not when it is queued, so that it can be timed.
    pub wait: bool,
}

impl Compute {
    /// The processor.
    pub fn host() -> Self {
        Self { id: list::HOST.to_owned(), device: Device::flex(), precision: FloatDType::F32, wait: false }
    }

    /// A device by its id.
    ///
    /// # Errors
    /// It can't be used.
    pub fn open(id: &str, precision: FloatDType) -> Result<Self> {
        let (id, device) = list::open(id)?;
        Ok(Self { id, device, precision, wait: false })
    }

    /// What the run's settings `device`, `precision` and `wait` say, or the node's own word about the device.
    ///
    /// # Errors
    /// The device can't be used, or not with that precision.
    pub fn of_run(ctx: &Ctx, own: Option<&str>) -> Result<Self> {
        let setting = |key: &str| ctx.settings().get(key).and_then(serde_json::Value::as_str);
        let id = own.or(setting("device")).unwrap_or(list::HOST);
        let precision = match setting("precision").unwrap_or("f32") {
            "f32" => FloatDType::F32,
            "f16" => FloatDType::F16,
            "bf16" => FloatDType::BF16,
            other => {
                return Err(Error::new(format!("the setting `precision` should be f32, f16 or bf16, it is `{other}`")));
            }
        };
        let wait = ctx.settings().get("wait").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let compute = Self { wait, ..Self::open(id, precision)? };
        if precision != FloatDType::F32 {
            let word = setting("precision").unwrap_or_default();
            if compute.is_host() {
                return Err(Error::new(format!(
                    "precision {word} was asked for, but the processor computes in f32. Leave --precision out, or choose another --device"
                )));
            }
            if !compute.device.supports_dtype(precision) {
                return Err(Error::new(format!(
                    "precision {word} was asked for, which the device {} can't compute in. Use --precision f32{}",
                    compute.id,
                    if precision == FloatDType::BF16 { " or f16" } else { "" }
                )));
            }
        }
        Ok(compute)
    }

    /// Whether this is the processor, with kernels of its own.
    pub fn is_host(&self) -> bool {
        self.id == list::HOST
    }

    /// Whether this is the same device with the same precision.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.precision == other.precision
    }

    /// `f32`, `f16` or `bf16`.
    pub fn precision_name(&self) -> &'static str {
        match self.precision {
            FloatDType::F16 => "f16",
            FloatDType::BF16 => "bf16",
            _ => "f32",
        }
    }

    /// Of weights and activations.
    pub fn bytes_of_a_number(&self) -> u64 {
        if self.precision == FloatDType::F32 { 4 } else { 2 }
    }

    /// Does work on the device. Burn panics where a device fails: that becomes an error with advice.
    ///
    /// # Errors
    /// Those of the work; or the device failed.
    pub fn run<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let work = || {
            let done = work()?;
            if self.wait {
                self.device.sync().map_err(|error| self.failed(&error.to_string()))?;
            }
            Ok(done)
        };
        panic::catch_unwind(panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(self.failed(&text_of(&*panic))))
    }

    fn failed(&self, reason: &str) -> Error {
        failed(&self.id, reason)
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("unknown").to_owned()
}

/// What a device's failure means for the user.
fn failed(id: &str, reason: &str) -> Error {
    let lower = reason.to_lowercase();
    let advice = if ["memory", "allocat", "too large"].iter().any(|word| lower.contains(word)) {
        "There may not be enough memory: take fewer pictures at once, smaller ones, tiles = \"separate\" in Splat and Decode, --precision f16, or --device cpu"
    } else if lower.contains("lost") {
        "The device was lost: its driver was restarted, or another program brought it down. Run again, or with --device cpu"
    } else {
        "With --device cpu it may work; `splatgraph devices` tells what a report about it should say"
    };
    Error::new(format!("computing on the device {id} failed: {}\n{advice}", reason.trim()))
}

/// As [`failed`], for what a read reports.
fn read_failed(id: &str, error: &ExecutionError) -> Error {
    failed(id, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_a_device_come_with_advice() {
        insta::assert_snapshot!(failed("gpu:0", "buffer of 12 GB: Out of Memory"), @"
        computing on the device gpu:0 failed: buffer of 12 GB: Out of Memory
        There may not be enough memory: take fewer pictures at once, smaller ones, tiles = \"separate\" in Splat and Decode, --precision f16, or --device cpu
        ");
        insta::assert_snapshot!(failed("gpu:1", "Device is lost"), @"
        computing on the device gpu:1 failed: Device is lost
        The device was lost: its driver was restarted, or another program brought it down. Run again, or with --device cpu
        ");
        let compute = Compute { id: "gpu:2".to_owned(), ..Compute::host() };
        insta::assert_snapshot!(compute.run::<()>(|| panic!("shader {} refused", 3)).unwrap_err(), @"
        computing on the device gpu:2 failed: shader 3 refused
        With --device cpu it may work; `splatgraph devices` tells what a report about it should say
        ");
    }
}
