//! A device of burn, and the explanation of its failures.

use super::list;
use burn::tensor::{ExecutionError, FloatDType, Tensor, TensorData};
use splatgraph_sdk::settings::Precision;
use splatgraph_sdk::{Error, Result};
use std::{any::Any, panic};

/// A device, with the precision of its computations.
#[derive(Clone, Debug)]
pub struct Device {
    id: String,
    burn: burn::prelude::Device,
    precision: Precision,
    wait: bool,
}

impl Device {
    /// Opens the device with an id. Returns `None` if there is no such device. With `wait`, work ends when it is finished and not when it is
    /// queued, so that its time can be measured.
    ///
    /// # Errors
    /// The device could not be started, or does not support the precision.
    pub fn open(id: &str, precision: Precision, wait: bool) -> Result<Option<Self>> {
        let Some((id, burn)) = list::open(id)? else { return Ok(None) };
        let device = Self { id, burn, precision, wait };
        if precision != Precision::F32 && !device.burn.supports_dtype(device.float()) {
            return Err(Error::new(format!(
                "expected a precision that the device {} computes in, got {}. Use --precision f32{}",
                device.id,
                precision.name(),
                if precision == Precision::Bf16 { " or f16" } else { "" }
            )));
        }
        Ok(Some(device))
    }

    /// The processor through burn, for trainings and as the twin of the host's kernels.
    pub fn processor() -> Self {
        Self { id: "cpu".to_owned(), burn: burn::prelude::Device::flex(), precision: Precision::F32, wait: false }
    }

    /// The device's id, such as `gpu:0`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number type of weights and activations.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The device with another precision.
    #[must_use]
    pub fn with_precision(&self, precision: Precision) -> Self {
        Self { precision, ..self.clone() }
    }

    /// Burn's handle.
    pub fn burn(&self) -> &burn::prelude::Device {
        &self.burn
    }

    /// The precision, as burn's type.
    pub(crate) fn float(&self) -> FloatDType {
        match self.precision {
            Precision::F32 => FloatDType::F32,
            Precision::F16 => FloatDType::F16,
            Precision::Bf16 => FloatDType::BF16,
        }
    }

    /// Uploads numbers to the device, as f32.
    ///
    /// # Errors
    /// The device failed.
    pub fn upload<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Result<Tensor<D>> {
        self.run(|| Ok(Tensor::from_data(TensorData::new(values, shape), &self.burn)))
    }

    /// Runs work on the device. Burn panics if a device fails; this function turns the panic into an error with advice.
    ///
    /// # Errors
    /// The work or the device failed.
    pub fn run<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let work = || {
            let done = work()?;
            if self.wait {
                self.burn.sync().map_err(|error| self.failed(&error.to_string()))?;
            }
            Ok(done)
        };
        panic::catch_unwind(panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(self.failed(&text_of(&*panic))))
    }

    pub(super) fn failed(&self, reason: &str) -> Error {
        failed(&self.id, reason)
    }

    /// Explains a failed read, like `failed`.
    pub(super) fn read_failed(&self, error: &ExecutionError) -> Error {
        failed(&self.id, &error.to_string())
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("unknown").to_owned()
}

/// The error for a device's failure, with advice for the user.
fn failed(id: &str, reason: &str) -> Error {
    let lower = reason.to_lowercase();
    let advice = if ["memory", "allocat", "too large"].iter().any(|word| lower.contains(word)) {
        "There may not be enough memory. Use fewer pictures at once, smaller pictures, tiles = \"separate\" in Splat and Decode, --precision f16, or --device cpu"
    } else if lower.contains("lost") {
        "The device was lost: its driver was restarted, or another program crashed it. Run the graph again, or use --device cpu"
    } else {
        "Try --device cpu. To report the problem, add the output of `splatgraph devices`"
    };
    Error::new(format!("computing on the device {id} failed: {}\n{advice}", reason.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_device_give_advice() {
        insta::assert_snapshot!(failed("gpu:0", "buffer of 12 GB: Out of Memory"), @"
        computing on the device gpu:0 failed: buffer of 12 GB: Out of Memory
        There may not be enough memory. Use fewer pictures at once, smaller pictures, tiles = \"separate\" in Splat and Decode, --precision f16, or --device cpu
        ");
        insta::assert_snapshot!(failed("gpu:1", "Device is lost"), @"
        computing on the device gpu:1 failed: Device is lost
        The device was lost: its driver was restarted, or another program crashed it. Run the graph again, or use --device cpu
        ");
        let device = Device { id: "gpu:2".to_owned(), ..Device::processor() };
        insta::assert_snapshot!(device.run::<()>(|| panic!("shader {} refused", 3)).unwrap_err(), @"
        computing on the device gpu:2 failed: shader 3 refused
        Try --device cpu. To report the problem, add the output of `splatgraph devices`
        ");
    }
}
