//! A parameter of a network on a device.

use super::Device;
use crate::checkpoint::Parameter as HostParameter;
use burn::{
    backend::{DispatchTensor, TensorMetadata},
    tensor::{DType, FloatDType, Gradients, Shape, Tensor, TensorData},
};

/// A parameter on a device. The type of burn's tensors contains their number of axes; this type does not, and [`Parameter::tensor`] asks
/// for the number.
#[derive(Clone, Debug)]
pub struct Parameter {
    key: String,
    tensor: DispatchTensor,
}

impl Parameter {
    /// Uploads a parameter to a device of burn, in f32.
    pub fn on(parameter: &HostParameter, device: &burn::prelude::Device) -> Self {
        Self::in_precision(parameter, device, FloatDType::F32)
    }

    /// Uploads a parameter to a device of burn, rounded by the host.
    fn in_precision(parameter: &HostParameter, device: &burn::prelude::Device, precision: FloatDType) -> Self {
        let data = TensorData::new(parameter.to_vec(), Shape::from(parameter.shape().to_vec()));
        let on = (device, DType::from(precision));
        let tensor = match parameter.shape().len() {
            1 => Tensor::<1>::from_data(data, on).into_dispatch(),
            2 => Tensor::<2>::from_data(data, on).into_dispatch(),
            3 => Tensor::<3>::from_data(data, on).into_dispatch(),
            _ => Tensor::<4>::from_data(data, on).into_dispatch(),
        };
        Self { key: parameter.key().to_owned(), tensor }
    }

    /// A parameter with these numbers, which are already on a device.
    pub(crate) fn shaped(key: &str, numbers: Tensor<1>, shape: &[usize]) -> Self {
        let tensor = match *shape {
            [a, b] => numbers.reshape([a, b]).into_dispatch(),
            [a, b, c] => numbers.reshape([a, b, c]).into_dispatch(),
            [a, b, c, d] => numbers.reshape([a, b, c, d]).into_dispatch(),
            _ => numbers.into_dispatch(),
        };
        Self { key: key.to_owned(), tensor }
    }

    /// The parameter's key in the checkpoint.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The parameter as a tensor with its `D` axes.
    pub fn tensor<const D: usize>(&self) -> Tensor<D> {
        Tensor::from_dispatch(self.tensor.clone())
    }

    /// The parameter's numbers, read from the device. Empty if the device fails.
    pub fn numbers(&self) -> Vec<f32> {
        self.tensor::<1>().cast(FloatDType::F32).into_data().try_into_vec().unwrap_or_default()
    }

    /// The parameter with numbers of another type.
    #[must_use]
    pub fn cast(&self, precision: FloatDType) -> Self {
        self.with(|tensor| if FloatDType::from(tensor.dtype()) == precision { tensor } else { tensor.cast(precision) })
    }

    /// The parameter as a leaf whose gradient a backward pass keeps.
    #[must_use]
    pub fn learning(&self) -> Self {
        self.with(|tensor| tensor.autodiff().require_grad())
    }

    /// Takes the parameter's gradient from those that a backward pass kept, as one axis. Returns `None` if the loss does not depend on the
    /// parameter.
    pub(crate) fn take_gradient(&self, found: &mut Gradients) -> Option<Tensor<1>> {
        let count = self.tensor.shape().num_elements();
        match self.tensor.shape().num_dims() {
            1 => self.tensor::<1>().grad_remove(found),
            2 => self.tensor::<2>().grad_remove(found).map(|gradient| gradient.reshape([count])),
            3 => self.tensor::<3>().grad_remove(found).map(|gradient| gradient.reshape([count])),
            _ => self.tensor::<4>().grad_remove(found).map(|gradient| gradient.reshape([count])),
        }
    }

    /// The parameter without gradients.
    #[must_use]
    pub fn detached(&self) -> Self {
        self.with(|tensor| tensor.set_require_grad(false))
    }

    /// The parameter after an operation that does not depend on the number of axes.
    fn with(&self, f: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self {
        Self { key: self.key.clone(), tensor: f(self.tensor()).into_dispatch() }
    }
}

/// A function for a network's `map` that uploads parameters to a device, in the device's precision.
pub fn upload(device: &Device) -> impl FnMut(&HostParameter) -> Parameter {
    |parameter| Parameter::in_precision(parameter, device.burn(), device.float())
}
