//! Values of the standard types that stay on a device between the pack's nodes. They are downloaded if another pack asks for them.

use super::Device;
use crate::canvas::StandardType;
use burn::tensor::{FloatDType, Tensor};
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{Canvas, DType, FieldInfo, Resident, Result, Value};
use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

static DOWNLOADED: AtomicU64 = AtomicU64::new(0);

/// The bytes that this process has read from devices. A test uses the number to check that no unneeded value is read.
pub fn downloaded_bytes() -> u64 {
    DOWNLOADED.load(Ordering::Relaxed)
}

/// The fields of a standard type on a device.
#[derive(Debug)]
pub struct OnDevice<T> {
    fields: Vec<Field>,
    header: Option<Canvas>,
    device: Device,
    of: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Field {
    name: String,
    values: Tensor<1>,
    shape: Vec<usize>,
}

impl<T: StandardType> OnDevice<T> {
    /// A value without fields.
    pub fn new(device: &Device, header: Option<Canvas>) -> Self {
        Self { fields: Vec::new(), header, device: device.clone(), of: PhantomData }
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
    /// The value has no such field.
    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.expect(name).values.clone().reshape(self.dims::<D>(name))
    }

    /// The lengths of the axes of the field `name`, which [`OnDevice::with`] added with `D` axes.
    ///
    /// # Panics
    /// The value has no such field.
    pub fn dims<const D: usize>(&self, name: &str) -> [usize; D] {
        let field = self.expect(name);
        std::array::from_fn(|axis| field.shape[axis])
    }

    /// The header with the canvas.
    pub fn header(&self) -> Canvas {
        self.header.clone().unwrap_or_default()
    }

    /// The device that holds the value.
    pub fn on(&self) -> &Device {
        &self.device
    }

    /// Uploads the numbers of a record to a device.
    ///
    /// # Errors
    /// The device failed, or the numbers are not f32.
    pub fn upload(value: &Value, device: &Device) -> Result<Self> {
        let description = value.describe();
        let header = description["header"].as_object().filter(|header| !header.is_empty());
        let header = header.map(|header| Canvas::from_header(header.clone())).transpose()?;
        let mut on_device = Self { fields: Vec::new(), header, device: device.clone(), of: PhantomData };
        for name in value.field_names() {
            let tensor = value.field(&name)?;
            let values = device.upload(tensor.as_slice::<f32>()?.to_vec(), [tensor.shape().iter().product()])?;
            on_device.fields.push(Field { name, values, shape: tensor.shape().to_vec() });
        }
        Ok(on_device)
    }

    fn expect(&self, name: &str) -> &Field {
        self.field(name).unwrap_or_else(|| panic!("a {} has no field `{name}`", T::TYPE))
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
        self.device.id().to_owned()
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
        let values = download(&self.device, field.values.clone())?;
        splatgraph_sdk::Tensor::from_vec(field.shape.as_slice(), values)
    }
}

/// Reads numbers from a device.
fn download(device: &Device, values: Tensor<1>) -> Result<Vec<f32>> {
    device.run(|| {
        let data = values.cast(FloatDType::F32).try_into_data().map_err(|e| device.read_failed(&e))?;
        let values: Vec<f32> = data.try_into_vec().map_err(|e| device.failed(&format!("{e:?}")))?;
        DOWNLOADED.fetch_add(values.len() as u64 * 4, Ordering::Relaxed);
        Ok(values)
    })
}
