//! A network's parameter on a device.

use super::Device;
use crate::checkpoint::Parameter as HostParameter;
use burn::{
    backend::DispatchTensor,
    tensor::{FloatDType, Shape, Tensor, TensorData},
};

/// A parameter on a device. Burn's tensors carry their number of axes in the type; this one is asked for with the axes that it has.
#[derive(Clone, Debug)]
pub struct Parameter {
    key: String,
    tensor: DispatchTensor,
}

impl Parameter {
    /// Brings a parameter to a device of burn, in f32.
    pub fn on(parameter: &HostParameter, device: &burn::prelude::Device) -> Self {
        let data = TensorData::new(parameter.to_vec(), Shape::from(parameter.shape().to_vec()));
        let tensor = match parameter.shape().len() {
            1 => Tensor::<1>::from_data(data, device).into_dispatch(),
            2 => Tensor::<2>::from_data(data, device).into_dispatch(),
            3 => Tensor::<3>::from_data(data, device).into_dispatch(),
            _ => Tensor::<4>::from_data(data, device).into_dispatch(),
        };
        Self { key: parameter.key().to_owned(), tensor }
    }

    /// Its key in the checkpoint.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The parameter with its `D` axes.
    pub fn tensor<const D: usize>(&self) -> Tensor<D> {
        Tensor::from_dispatch(self.tensor.clone())
    }

    /// Its numbers, read from the device; none where the device fails.
    pub fn numbers(&self) -> Vec<f32> {
        self.tensor::<1>().cast(FloatDType::F32).into_data().try_into_vec().unwrap_or_default()
    }

    /// With numbers of another type.
    #[must_use]
    pub fn cast(&self, precision: FloatDType) -> Self {
        self.with(|tensor| if FloatDType::from(tensor.dtype()) == precision { tensor } else { tensor.cast(precision) })
    }

    /// A leaf whose gradient a backward pass keeps, on a device that differentiates.
    #[must_use]
    pub fn with_gradient(&self) -> Self {
        self.with(Tensor::require_grad)
    }

    /// Without gradients.
    #[must_use]
    pub fn detached(&self) -> Self {
        self.with(|tensor| tensor.set_require_grad(false))
    }

    /// The parameter after an operation that does not ask for the number of axes.
    fn with(&self, f: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self {
        Self { key: self.key.clone(), tensor: f(self.tensor()).into_dispatch() }
    }
}

/// What the `map` of a network brings its parameters to a device with, in the device's precision.
pub fn upload(device: &Device) -> impl FnMut(&HostParameter) -> Parameter {
    |parameter| Parameter::on(parameter, device.burn()).cast(device.float())
}
