//! The replacement for `on_device` in a build without burn. It has the same names, but no device. These types have no values, so no code
//! can call the functions that take one.

use crate::{
    canvas::{StandardType, grid::Grid},
    checkpoint::Parameter as HostParameter,
    generator,
    generator::{Row, Velocities},
    splat::Target,
    tokenizer::{Geometry, Network, Pieces, Tiled},
};
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{
    Canvas, Ctx, FeatureMap, Features, FieldInfo, Image, Resident, Result, Tensor, Tokens, Value, settings::Precision,
    spec::DeviceSpec,
};
use std::marker::PhantomData;

/// Devices that are better than the processor: none.
pub fn before_host(_host_memory: Option<u64>) -> Vec<DeviceSpec> {
    Vec::new()
}

/// Devices that are used only on request: none.
pub fn after_host() -> Vec<DeviceSpec> {
    Vec::new()
}

/// The kinds of devices in this build: none besides the processor.
pub fn kinds() -> Vec<&'static str> {
    Vec::new()
}

/// A type without values. A type with a field of this type has no values either.
#[derive(Clone, Debug)]
enum Never {}

/// A device.
#[derive(Clone, Debug)]
pub struct Device(Never);

impl Device {
    /// Finds no device for any id.
    ///
    /// # Errors
    /// None.
    pub fn open(_id: &str, _precision: Precision, _wait: bool) -> Result<Option<Self>> {
        Ok(None)
    }

    /// Replaces the body of a function that takes a device.
    pub(crate) fn never(&self) -> ! {
        match self.0 {}
    }

    /// The device's id.
    pub fn id(&self) -> &str {
        match self.0 {}
    }

    /// The number type of weights and activations.
    pub fn precision(&self) -> Precision {
        match self.0 {}
    }

    /// The device with another precision.
    #[must_use]
    pub fn with_precision(&self, _precision: Precision) -> Self {
        match self.0 {}
    }

    /// Runs work on the device.
    ///
    /// # Errors
    /// The work fails.
    pub fn run<T>(&self, _work: impl FnOnce() -> Result<T>) -> Result<T> {
        match self.0 {}
    }
}

/// A parameter on a device.
#[derive(Clone, Debug)]
pub struct Parameter(Never);

impl Parameter {
    /// The parameter's numbers.
    pub fn numbers(&self) -> Vec<f32> {
        match self.0 {}
    }
}

/// Uploads parameters to a device.
pub fn upload(device: &Device) -> impl FnMut(&HostParameter) -> Parameter {
    |_| match device.0 {}
}

/// The fields of a standard type on a device.
#[derive(Debug)]
pub struct OnDevice<T> {
    device: Device,
    of: PhantomData<fn() -> T>,
}

impl<T: StandardType> OnDevice<T> {
    /// Uploads the numbers of a record to a device.
    ///
    /// # Errors
    /// None.
    pub fn upload(_value: &Value, device: &Device) -> Result<Self> {
        match device.0 {}
    }

    /// The device that holds the value.
    pub fn on(&self) -> &Device {
        &self.device
    }

    /// The lengths of a field's axes.
    pub fn dims<const D: usize>(&self, _name: &str) -> [usize; D] {
        match self.device.0 {}
    }

    /// The header with the canvas.
    pub fn header(&self) -> Canvas {
        match self.device.0 {}
    }
}

impl<T: StandardType> Resident for OnDevice<T> {
    const TYPE: &'static str = T::TYPE;

    fn fields(&self) -> Vec<FieldInfo> {
        match self.device.0 {}
    }

    fn header(&self) -> Map<String, Json> {
        match self.device.0 {}
    }

    fn download(&self, _name: &str) -> Result<Tensor> {
        match self.device.0 {}
    }
}

/// See `on_device/encode.rs`.
///
/// # Errors
/// None.
pub fn encode(
    _network: &Network<Parameter>,
    device: &Device,
    _image: &Image,
    _grid: Grid,
    _ctx: &Ctx,
) -> Result<OnDevice<Features>> {
    match device.0 {}
}

/// See `on_device/refine.rs`.
///
/// # Errors
/// None.
pub fn refine(
    _network: &Network<Parameter>,
    device: &Device,
    _features: &OnDevice<Features>,
    _layout: Tiled<'_>,
    _geometry: Geometry,
    _header: Canvas,
    _ctx: &Ctx,
) -> Result<OnDevice<Tokens>> {
    match device.0 {}
}

/// See `on_device/splat_map.rs`.
///
/// # Errors
/// None.
pub fn splat_map(tokens: &OnDevice<Tokens>, _target: &Target) -> Result<OnDevice<FeatureMap>> {
    match tokens.device.0 {}
}

/// See `on_device/decode.rs`.
///
/// # Errors
/// None.
pub fn decode(
    _network: &Network<Parameter>,
    device: &Device,
    _map: &OnDevice<FeatureMap>,
    _pieces: &Pieces,
    _ctx: &Ctx,
) -> Result<OnDevice<Image>> {
    match device.0 {}
}

/// A generator's network, prepared for some pictures.
#[derive(Debug)]
pub struct Prepared<'a>(&'a generator::Network<Parameter>);

impl<'a> Prepared<'a> {
    /// Prepares a network for pictures of `count` tokens.
    pub fn new(network: &'a generator::Network<Parameter>, _count: usize, _condition: &[f32]) -> Self {
        Self(network)
    }
}

impl Velocities for Prepared<'_> {
    fn velocities(
        &self,
        _points: &[f32],
        _t: f32,
        _rows: &[Row],
        _step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>> {
        match self.0.classes_table.0 {}
    }
}

/// InceptionV3.
pub mod inception {
    use super::Device;
    use crate::inception::{self, Network, PictureFeatures};
    use splatgraph_sdk::Result;

    /// A convolution on a device.
    #[derive(Debug)]
    pub struct Layer(Device);

    /// A function for the network's `map`.
    pub fn upload(device: &Device) -> impl FnMut(&inception::Layer) -> Layer {
        |_| match device.0 {}
    }

    impl Network<Layer> {
        /// The features of pictures.
        ///
        /// # Errors
        /// None.
        pub fn features(&self, _pictures: Vec<f32>, _device: &Device) -> Result<Vec<PictureFeatures>> {
            match self.classes.0.0 {}
        }
    }
}

/// LPIPS.
pub mod lpips {
    use super::{Device, OnDevice, Parameter};
    use crate::lpips::{Difference, Network};
    use splatgraph_sdk::{Image, Result};

    /// Two batches of pictures for comparison.
    #[derive(Debug)]
    pub struct Pictures(Device);

    impl Pictures {
        /// Pairs two batches.
        pub fn new(a: &OnDevice<Image>, _b: &OnDevice<Image>) -> Self {
            match a.device.0 {}
        }

        /// Compares a picture of the first batch with one of the second.
        ///
        /// # Errors
        /// None.
        pub fn compare(
            &self,
            _network: &Network<Parameter>,
            _device: &Device,
            _pair: [usize; 2],
            _step: &mut dyn FnMut() -> Result<()>,
        ) -> Result<Vec<Difference>> {
            match self.0.0 {}
        }
    }
}
