//! Values of the standard types that stay on a device between the pack's nodes, and are downloaded when someone else asks.

use super::{Compute, read_failed};
use burn::tensor::{FloatDType, Tensor, TensorData};
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
    name: String,
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
    pub fn with<const D: usize>(mut self, name: &str, tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        self.fields.push(Field { name: name.to_owned(), values: tensor.reshape([-1]), shape });
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
            |field: &Field| FieldInfo { name: field.name.clone(), dtype: DType::F32, shape: field.shape.clone() };
        self.fields.iter().map(info).collect()
    }

    fn header(&self) -> Map<String, Json> {
        self.header.as_ref().map(Canvas::to_header).unwrap_or_default()
    }

    fn device(&self) -> String {
        self.compute.id.clone()
    }

    fn bytes(&self) -> (u64, u64) {
        (
            0,
            self.fields
                .iter()
                .map(|field| (field.shape.iter().product::<usize>() * field.values.dtype().size()) as u64)
                .sum(),
        )
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

/// Brings the numbers of a record to a device.
fn upload<T: StandardType>(value: &Value, compute: &Compute) -> Result<OnDevice<T>> {
    let description = value.describe();
    let header = description["header"].as_object().filter(|header| !header.is_empty());
    let header = header.map(|header| Canvas::from_header(header.clone())).transpose()?;
    let mut on_device = OnDevice { fields: Vec::new(), header, compute: compute.clone(), of: PhantomData };
    for name in value.field_names() {
        let tensor = value.field(&name)?;
        let values = compute.upload(tensor.as_slice::<f32>()?.to_vec(), [tensor.shape().iter().product()])?;
        on_device.fields.push(Field { name, values, shape: tensor.shape().to_vec() });
    }
    Ok(on_device)
}

impl Compute {
    /// Brings numbers to the device.
    ///
    /// # Errors
    /// The device failed.
    pub fn upload<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Result<Tensor<D>> {
        self.run(|| Ok(Tensor::from_data(TensorData::new(values, shape), &self.device)))
    }
}

/// A value of a standard type, in the host's memory or on a device.
#[derive(Clone)]
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

    /// In the host's memory; downloaded if it is not.
    ///
    /// # Errors
    /// The device failed, or there is NaN in what came from it.
    pub fn into_host(self) -> Result<T> {
        match self {
            Self::Host(value) => Ok(value),
            Self::Device(value) => T::from_value(&value.into_value()?),
        }
    }

    /// On the device `compute`; uploaded if it is not.
    ///
    /// # Errors
    /// A device failed.
    pub fn into_device(self, compute: &Compute) -> Result<Local<OnDevice<T>>> {
        match self {
            Self::Device(value) if value.compute.id == compute.id => Ok(value),
            elsewhere => upload(&elsewhere.into_value()?, compute).map(Local::new),
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
