//! Values that stay in the pack that made them, such as loaded models and tensors on a GPU.

use crate::{
    Error, Record, Result, Tensor, Value,
    socket::{Input, Output, Socket},
};
use serde_json::{Map, Value as Json, json};
use splatgraph_abi::{self as abi, DlTensor, NodeError, Shared, device, kind, share};
use std::{
    any::Any,
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

/// A Rust type whose values stay in this pack. Nodes of the pack get the values back without a copy. Other packs see the fields
/// that the type downloads, if it has any.
pub trait Resident: Send + Sync + 'static {
    /// The type's name in graphs, such as `TOKENIZER`; the name of a standard type if it downloads the fields of that type.
    const TYPE: &'static str;

    /// The fields that [`Resident::download`] returns.
    fn fields(&self) -> Vec<FieldInfo> {
        Vec::new()
    }

    /// The header of the record.
    fn header(&self) -> Map<String, Json> {
        Map::new()
    }

    /// The device that holds the value: `cpu`, `cuda:0`, ...
    fn device(&self) -> String {
        "cpu".to_owned()
    }

    /// The approximate number of bytes in host memory and on the device.
    fn bytes(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Copies a field to host memory. The SDK calls it at most once per value and field, and keeps the result.
    ///
    /// # Errors
    /// The value has no such field, or the device failed.
    fn download(&self, field: &str) -> Result<Tensor> {
        Err(Error::new(format!(
            "expected a value with fields outside its pack, got {} for the field `{field}`",
            Self::TYPE
        )))
    }

    /// Converts a record that another pack made.
    ///
    /// # Errors
    /// The record is unusable. By default, any record is, as values of this type only come from this pack.
    fn upload(record: Record) -> Result<Self>
    where
        Self: Sized,
    {
        let _ = record;
        Err(Error::new(format!("expected a {} made by this pack, got one from elsewhere", Self::TYPE)))
    }
}

/// A field that a [`Resident`] can download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: crate::DType,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// A shared [`Resident`] as input or output of a node.
pub struct Local<T>(Arc<T>);

impl<T> Local<T> {
    /// Shares a value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Resident> Local<T> {
    /// The `T` behind `value`, if this pack made it.
    #[must_use]
    pub fn take_back(value: &Value) -> Option<Self> {
        abi::take_back::<Arc<T>>(&value.0).map(Self)
    }
}

impl<T> From<Arc<T>> for Local<T> {
    fn from(value: Arc<T>) -> Self {
        Self(value)
    }
}

impl<T> Clone for Local<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Local<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

struct Shareable<T> {
    value: Arc<T>,
    downloaded: Mutex<HashMap<String, Tensor>>,
}

impl<T: Resident> Shared for Shareable<T> {
    fn type_name(&self) -> &str {
        T::TYPE
    }
    fn describe(&self) -> String {
        let fields: Map<String, Json> = self
            .value
            .fields()
            .into_iter()
            .map(|f| (f.name, json!({"dtype": f.dtype.name(), "shape": f.shape})))
            .collect();
        let (host, on_device) = self.value.bytes();
        json!({"fields": fields, "header": self.value.header(), "device": self.value.device(), "host_bytes": host, "device_bytes": on_device, "resident": true})
            .to_string()
    }
    fn field(&self, name: &str, device_type: i32) -> Result<DlTensor, NodeError> {
        if device_type != device::CPU {
            return Err(NodeError::bad_input(format!(
                "expected a request for host memory, as the fields of {} are only available there",
                T::TYPE
            )));
        }
        let mut downloaded = self.downloaded.lock().unwrap_or_else(PoisonError::into_inner);
        let tensor = match downloaded.get(name) {
            Some(tensor) => tensor.clone(),
            None => {
                let tensor = self.value.download(name).map_err(Error::into_abi)?;
                downloaded.insert(name.to_owned(), tensor.clone());
                tensor
            }
        };
        tensor.to_dlpack().map_err(Error::into_abi)
    }
    fn inner(&self) -> &(dyn Any + Send + Sync) {
        &self.value
    }
}

impl<T: Resident> Socket for Local<T> {
    fn socket() -> String {
        T::TYPE.to_owned()
    }
}

impl<T: Resident> Input for Local<T> {
    fn from_value(value: &Value) -> Result<Self> {
        if let Some(own) = Self::take_back(value) {
            return Ok(own);
        }
        let type_name = value.type_name();
        if type_name != T::TYPE {
            return Err(Error::new(format!("expected {}, got {type_name}", T::TYPE)));
        }
        T::upload(Record::from_value(value).unwrap_or_default()).map(Self::new)
    }
}

impl<T: Resident> Output for Local<T> {
    fn into_value(self) -> Result<Value> {
        Ok(Value(share(kind::OBJECT, Shareable { value: self.0, downloaded: Mutex::default() })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Mask};
    use std::sync::atomic::{AtomicU32, Ordering};

    struct OnDevice {
        downloads: AtomicU32,
    }

    impl Resident for OnDevice {
        const TYPE: &'static str = "MASK";
        fn fields(&self) -> Vec<FieldInfo> {
            vec![FieldInfo { name: "mask".into(), dtype: DType::F32, shape: vec![1, 1, 2] }]
        }
        fn device(&self) -> String {
            "fake:0".into()
        }
        fn download(&self, _: &str) -> Result<Tensor> {
            self.downloads.fetch_add(1, Ordering::Relaxed);
            Tensor::from_vec([1, 1, 2], vec![0f32, 1.0])
        }
        fn upload(record: Record) -> Result<Self> {
            Mask::from_record(record).map(|_| Self { downloads: AtomicU32::new(100) })
        }
    }

    #[test]
    fn its_own_pack_gets_it_back_and_others_download_once() {
        let local = Local::new(OnDevice { downloads: AtomicU32::new(0) });
        let value = local.clone().into_value().unwrap();
        assert!(Arc::ptr_eq(&Local::<OnDevice>::from_value(&value).unwrap().0, &local.0));
        assert_eq!(local.downloads.load(Ordering::Relaxed), 0);
        assert_eq!(value.describe()["device"], "fake:0");
        let first = Mask::from_value(&value).unwrap();
        let second = Mask::from_value(&value).unwrap();
        assert_eq!(first.mask.bytes().as_ptr(), second.mask.bytes().as_ptr());
        assert_eq!(local.downloads.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_record_from_elsewhere_is_uploaded() {
        let mask = Mask::new(Tensor::from_vec([1, 1, 1], vec![0f32]).unwrap()).unwrap().into_value().unwrap();
        assert_eq!(Local::<OnDevice>::from_value(&mask).unwrap().downloads.load(Ordering::Relaxed), 100);
        assert!(Local::<OnDevice>::from_value(&Value::int(1)).is_err());
    }
}
