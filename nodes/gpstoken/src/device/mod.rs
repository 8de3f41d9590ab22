//! Where a run computes: on the host's processor with the pack's own kernels, or on a device through burn.

mod list;
mod loaded;
mod placed;

pub use list::list;
pub use loaded::Loaded;
pub use placed::Placed;

use crate::on_device::Device;
use splatgraph_sdk::{
    Ctx, Error, Result,
    settings::{self, Precision},
};

/// The id of the host's processor.
pub const HOST: &str = "cpu";

/// Where a run computes.
#[derive(Clone, Debug)]
pub enum Compute {
    /// The host's processor, in f32.
    Host,
    /// A device, through burn.
    Device(Device),
}

impl Compute {
    /// Opens the processor or a device by its id.
    ///
    /// # Errors
    /// The device does not exist, can't be used, or does not support the precision.
    pub fn open(id: &str, precision: Precision, wait: bool) -> Result<Self> {
        if id == HOST {
            return match precision {
                Precision::F32 => Ok(Self::Host),
                _ => Err(Error::new(format!(
                    "expected precision f32, because the processor computes in f32, got {}. Leave --precision out, or choose another --device",
                    precision.name()
                ))),
            };
        }
        if let Some(device) = Device::open(id, precision, wait)? {
            return Ok(Self::Device(device));
        }
        let known = list();
        let kind = id.split_once(':').map_or(id, |(kind, _)| kind);
        let listed = known.iter().find(|device| device.id == id || device.id == kind);
        Err(Error::new(match listed.and_then(|device| device.unavailable.clone()) {
            Some(why) => format!("the device {id} is unavailable: {why}"),
            None => {
                let ids: Vec<&str> = known.iter().map(|device| device.id.as_str()).collect();
                format!("expected a device, one of {}; got `{id}`", ids.join(", "))
            }
        }))
    }

    /// Opens the device that the node chooses (`own`) or else the run's setting `device`, with the run's settings `precision` and
    /// `wait`.
    ///
    /// # Errors
    /// The device can't be used, or does not support the precision.
    pub fn of_run(ctx: &Ctx, own: Option<&str>) -> Result<Self> {
        let settings = ctx.settings();
        let id = own.or(settings::device(settings)).unwrap_or(HOST);
        let (precision, wait) = (settings::precision(settings)?, settings::wait(settings));
        Self::open(id, precision, wait)
    }

    /// The device's id, as [`list`] shows it.
    pub fn id(&self) -> &str {
        match self {
            Self::Host => HOST,
            Self::Device(device) => device.id(),
        }
    }

    /// The number type of weights and activations.
    pub fn precision(&self) -> Precision {
        match self {
            Self::Host => Precision::F32,
            Self::Device(device) => device.precision(),
        }
    }

    /// This host or device, with the precision f32.
    #[must_use]
    pub fn in_f32(&self) -> Self {
        match self {
            Self::Host => Self::Host,
            Self::Device(device) => Self::Device(device.with_precision(Precision::F32)),
        }
    }
}
