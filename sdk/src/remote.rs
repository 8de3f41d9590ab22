//! Values that live in another process, and tensors in memory that a host brings. For hosts; pack authors do not need this module.

use crate::{DType, Error, Result, Tensor, Value};
use splatgraph_abi::{self as abi, DlTensor, NodeError, Shared, device, kind, share};
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A value that another process holds.
pub trait Remote: Any + Send + Sync {
    /// `TOKENIZER`, ...
    fn type_name(&self) -> &str;
    /// The description of the value, as [`Value::describe`] gives it, in JSON.
    fn describe(&self) -> String;
    /// Fetches a field.
    ///
    /// # Errors
    /// The value has no such field, or the process is gone.
    fn field(&self, name: &str) -> Result<Tensor>;
    /// Whether the process that held the value is gone, so that the value has to be made again.
    fn is_lost(&self) -> bool;
}

struct Shareable(Arc<dyn Remote>);

impl Shared for Shareable {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
    fn field(&self, name: &str, device_type: i32) -> Result<DlTensor, NodeError> {
        if device_type != device::CPU {
            return Err(NodeError::bad_input(format!(
                "expected a request for host memory, as the fields of {} are only available there",
                self.0.type_name()
            )));
        }
        self.0.field(name).and_then(|tensor| tensor.to_dlpack()).map_err(Error::into_abi)
    }
    fn inner(&self) -> &(dyn Any + Send + Sync) {
        &self.0
    }
}

/// Whether this program made a remote value. Before that, no value needs a look.
static ANY: AtomicBool = AtomicBool::new(false);

/// A value that stands for one in another process.
#[must_use]
pub fn remote(remote: Arc<dyn Remote>) -> Value {
    ANY.store(true, Ordering::Relaxed);
    Value(share(kind::OBJECT, Shareable(remote)))
}

/// The remote value behind `value`, if this program made it with [`remote`].
#[must_use]
pub fn as_remote(value: &Value) -> Option<Arc<dyn Remote>> {
    abi::take_back::<Arc<dyn Remote>>(&value.0)
}

/// Whether a value, or one in a list, has to be made again because the process that held it is gone.
#[must_use]
pub fn is_lost(value: &Value) -> bool {
    if !ANY.load(Ordering::Relaxed) {
        return false;
    }
    match value.as_list() {
        Some(values) => values.iter().any(is_lost),
        None => as_remote(value).is_some_and(|remote| remote.is_lost()),
    }
}

/// A tensor in memory that `owner` keeps: its `bytes`, row-major, as `shape` elements of type `dtype`. Nothing may write to them.
///
/// # Errors
/// The shape has another number of bytes, or the bytes are not aligned for the type.
pub fn tensor_in<O: Send + Sync + 'static>(
    owner: Arc<O>,
    bytes: impl FnOnce(&O) -> &[u8],
    dtype: DType,
    shape: &[usize],
) -> Result<Tensor> {
    let tensor = DlTensor::new(owner, bytes, dtype.to_dlpack(), shape);
    let wrong =
        || Error::new(format!("expected the bytes of a tensor of shape {shape:?} and type {dtype}, got others"));
    Tensor::from_dlpack(tensor.ok_or_else(wrong)?)
}
