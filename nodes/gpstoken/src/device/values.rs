//! Values of the standard types that stay on a device between the pack's nodes, and are downloaded when someone else asks.

use super::{Compute, read_failed};
use burn::tensor::{FloatDType, Tensor};
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{
    Canvas, DType, FeatureMap, Features, FieldInfo, Image, Input, Local, Output, Resident, Result, Tokens, Value,
    socket::Socket,
};
use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

static DOWNLOADED: AtomicU64 = AtomicU64::new(0);

/// Bytes that this process has read back from devices, so that a test sees that nothing is read that no one asked for.
pub fn downloaded_bytes() -> u64 {
    DOWNLOADED.load(Ordering::Relaxed)
}

/// A standard type that may be on a device.
pub trait StandardType: Input + Output + Send + Sync + 'static {
    /// Its name in graphs.
    const TYPE: &'static str;
}

impl StandardType for Image {
    const TYPE: &'static str = "IMAGE";
}
impl StandardType for Features {
    const TYPE: &'static str = "FEATURES";
}
impl StandardType for Tokens {
    const TYPE: &'static str = "TOKENS";
}
impl StandardType for FeatureMap {
    const TYPE: &'static str = "FEATURE_MAP";
}

/// The fields of a standard type on a device.
#[derive(Debug)]
pub struct OnDevice<T> {
    fields: Vec<Field>,
    header: Option<Canvas>,
    compute: Compute,
    of: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    values: Tensor<1>,
    shape: Vec<usize>,
}

impl<T: StandardType> OnDevice<T> {
    /// Without fields.
    pub fn new(compute: &Compute, header: Option<Canvas>) -> Self {
        Self { fields: Vec::new(), header, compute: compute.clone(), of: PhantomData }
    }

    /// Adds a field.
    #[must_use]
    pub fn with<const D: usize>(mut self, name: &'static str, tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        self.fields.push(Field { name, values: tensor.reshape([-1]), shape });
        self
    }

    /// The field `name`, which [`OnDevice::with`] added with `D` axes.
    ///
    /// # Panics
    /// There is none.
    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let field = self.field(name).unwrap_or_else(|| panic!("a {} has no field `{name}`", T::TYPE));
        let shape: [usize; D] = std::array::from_fn(|axis| field.shape[axis]);
        field.values.clone().reshape(shape)
    }

    /// About the canvas.
    pub fn header(&self) -> Canvas {
        self.header.clone().unwrap_or_default()
    }

    /// Where it is.
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl<T: StandardType> Resident for OnDevice<T> {
    const TYPE: &'static str = T::TYPE;

    fn fields(&self) -> Vec<FieldInfo> {
        let info =
            |field: &Field| FieldInfo { name: field.name.to_owned(), dtype: DType::F32, shape: field.shape.clone() };
        self.fields.iter().map(info).collect()
    }

    fn header(&self) -> Map<String, Json> {
        self.header.as_ref().map(Canvas::to_header).unwrap_or_default()
    }

    fn device(&self) -> String {
        self.compute.id.clone()
    }

    fn bytes(&self) -> (u64, u64) {
        let size = if self.compute.precision == FloatDType::F32 { 4 } else { 2 };
        (0, self.fields.iter().map(|field| field.shape.iter().product::<usize>() as u64 * size).sum())
    }

    fn download(&self, name: &str) -> Result<splatgraph_sdk::Tensor> {
        let Some(field) = self.field(name) else {
            return Err(splatgraph_sdk::Error::new(format!("a {} has no field `{name}`", T::TYPE)));
        };
        let values = download(&self.compute, field.values.clone())?;
        splatgraph_sdk::Tensor::from_vec(field.shape.as_slice(), values)
    }
}

/// Reads numbers back from a device.
fn download(compute: &Compute, values: Tensor<1>) -> Result<Vec<f32>> {
    compute.run(|| {
        let data = values.cast(FloatDType::F32).try_into_data().map_err(|e| read_failed(&compute.id, &e))?;
        let values: Vec<f32> = data.try_into_vec().map_err(|e| compute.failed(&format!("{e:?}")))?;
        DOWNLOADED.fetch_add(values.len() as u64 * 4, Ordering::Relaxed);
        Ok(values)
    })
}

/// A value of a standard type, in the host's memory or on a device.
pub enum Placed<T: StandardType> {
    /// In the host's memory.
    Host(T),
    /// On a device, made by this pack.
    Device(Local<OnDevice<T>>),
}

impl<T: StandardType> Placed<T> {
    /// On a device.
    pub fn device(value: OnDevice<T>) -> Self {
        Self::Device(Local::new(value))
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
