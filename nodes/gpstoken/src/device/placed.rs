//! A value in the host's memory or on a device.

use crate::{
    canvas::StandardType,
    on_device::{Device, OnDevice},
};
use splatgraph_sdk::{Input, Local, Output, Result, Value, socket::Socket};

/// A value of a standard type, in the host's memory or on a device.
#[derive(Clone)]
pub enum Placed<T: StandardType> {
    /// In the host's memory.
    Host(T),
    /// On a device. Only this pack makes such values.
    Device(Local<OnDevice<T>>),
}

impl<T: StandardType> Placed<T> {
    /// Wraps a value that is on a device.
    pub fn device(value: OnDevice<T>) -> Self {
        Self::Device(Local::new(value))
    }

    /// The value in the host's memory. Downloads it from a device if necessary.
    ///
    /// # Errors
    /// The device failed or returned NaN.
    pub fn into_host(self) -> Result<T> {
        match self {
            Self::Host(value) => Ok(value),
            Self::Device(value) => T::from_value(&value.into_value()?),
        }
    }

    /// The value on this device. Uploads it if necessary.
    ///
    /// # Errors
    /// A device failed.
    pub fn into_device(self, device: &Device) -> Result<Local<OnDevice<T>>> {
        match self {
            Self::Device(value) if value.on().id() == device.id() => Ok(value),
            elsewhere => OnDevice::upload(&elsewhere.into_value()?, device).map(Local::new),
        }
    }
}

impl<T: StandardType> Socket for Placed<T> {
    fn socket() -> String {
        T::socket()
    }
}

impl<T: StandardType> Input for Placed<T> {
    fn from_value(value: &Value) -> Result<Self> {
        match Local::take_back(value) {
            Some(device) => Ok(Self::Device(device)),
            None => T::from_value(value).map(Self::Host),
        }
    }
}

impl<T: StandardType> Output for Placed<T> {
    fn into_value(self) -> Result<Value> {
        match self {
            Self::Host(value) => value.into_value(),
            Self::Device(value) => value.into_value(),
        }
    }
}
