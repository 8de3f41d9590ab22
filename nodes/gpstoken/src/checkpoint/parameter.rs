//! A network's parameter in the host's memory.

use splatgraph_sdk::{DType, Tensor};
use std::ops::Deref;

/// A parameter in the host's memory: f32 numbers in row-major order. Numbers that a file holds as f32 are the file's own memory,
/// without a copy.
#[derive(Clone, Debug)]
pub struct Parameter {
    key: String,
    values: Tensor,
}

impl Parameter {
    /// A parameter of a checkpoint; numbers of another type are converted to f32.
    pub(super) fn new(key: &str, tensor: Tensor) -> Self {
        let values = match tensor.dtype() {
            DType::F32 => tensor,
            _ => Tensor::from_vec(tensor.shape(), tensor.to_f32()).expect("as many numbers as before"),
        };
        Self { key: key.to_owned(), values }
    }

    /// What stands in for a parameter that does not fit: one zero with as many axes.
    pub(super) fn placeholder(key: &str, axes: usize) -> Self {
        let values = Tensor::from_vec(vec![1; axes], vec![0.0f32]).expect("one number in a shape of ones");
        Self { key: key.to_owned(), values }
    }

    /// Its key in the checkpoint.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Length of each axis.
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
