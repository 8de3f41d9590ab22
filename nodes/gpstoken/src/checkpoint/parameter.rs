//! A parameter of a network in the host's memory.

use splatgraph_sdk::{DType, Result, Tensor};
use std::ops::Deref;

/// A parameter in the host's memory: f32 numbers in row-major order. If the file stores the numbers as f32, the parameter borrows
/// the mapped file without a copy.
#[derive(Clone, Debug)]
pub struct Parameter {
    key: String,
    values: Tensor,
}

impl Parameter {
    /// A parameter of a checkpoint. Converts numbers of other types to f32.
    pub(super) fn new(key: &str, tensor: Tensor) -> Self {
        let values = match tensor.dtype() {
            DType::F32 => tensor,
            _ => Tensor::from_vec(tensor.shape(), tensor.to_f32()).expect("as many numbers as before"),
        };
        Self { key: key.to_owned(), values }
    }

    /// The stand-in for a parameter that does not fit: a single zero with `axes` axes.
    pub(super) fn placeholder(key: &str, axes: usize) -> Self {
        let values = Tensor::from_vec(vec![1; axes], vec![0.0f32]).expect("one number in a shape of ones");
        Self { key: key.to_owned(), values }
    }

    /// A parameter with numbers of its own.
    ///
    /// # Errors
    /// The shape has another number of numbers.
    pub(crate) fn of_values(key: &str, shape: &[usize], values: Vec<f32>) -> Result<Self> {
        Ok(Self { key: key.to_owned(), values: Tensor::from_vec(shape, values)? })
    }

    /// The parameter as a tensor of a checkpoint.
    pub(crate) fn tensor(&self) -> &Tensor {
        &self.values
    }

    /// The parameter's key in the checkpoint.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        self.values.shape()
    }
}

impl Deref for Parameter {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.values.as_slice().unwrap_or_default()
    }
}
