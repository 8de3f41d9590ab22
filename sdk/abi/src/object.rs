//! The values that pass along links.

use crate::{DlTensor, NodeError, Outcome, guard, guard::DropGuarded};
use abi_stable::{
    StableAbi, sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RArc, ROption, RStr, RString},
};
use std::{
    any::{Any, TypeId},
    sync::atomic::AtomicU8,
};

/// The kinds of content of a [`Value`]; an open set.
pub mod kind {
    /// Nothing: an input that the graph leaves out.
    pub const NONE: u32 = 0;
    /// `bits` is 0 or 1.
    pub const BOOL: u32 = 1;
    /// `bits` is an `i64`.
    pub const INT: u32 = 2;
    /// `bits` is a `u64` above `i64::MAX`.
    pub const UINT: u32 = 3;
    /// `bits` is an `f64`.
    pub const FLOAT: u32 = 4;
    /// `object.text()` is the text.
    pub const TEXT: u32 = 5;
    /// `object.text()` is JSON.
    pub const JSON: u32 = 6;
    /// `object.len()` values.
    pub const LIST: u32 = 7;
    /// Named tensors and a header, or a value that only its own pack understands.
    pub const OBJECT: u32 = 8;
}

/// A tag, the bits of a scalar, and a shared object for everything else.
#[repr(C)]
#[derive(StableAbi)]
pub struct Value {
    /// One of [`kind`].
    pub kind: u32,
    /// Zero; reserved.
    pub flags: u32,
    /// A scalar's bits.
    pub bits: u64,
    object: ROption<SharedObject>,
}

type SharedObject = Object_TO<'static, RArc<()>>;

impl Clone for Value {
    fn clone(&self) -> Self {
        let object = match &self.object {
            ROption::RSome(object) => ROption::RSome(Object_TO::from_sabi(object.obj.shallow_clone())),
            ROption::RNone => ROption::RNone,
        };
        Self { kind: self.kind, flags: self.flags, bits: self.bits, object }
    }
}

/// The binary form of [`Shared`]. New methods go to the end, with a default body.
#[sabi_trait]
pub(crate) trait Object: Send + Sync {
    fn type_name(&self) -> RStr<'_>;
    fn origin(&self) -> u64;
    fn describe(&self) -> RString;
    fn text(&self) -> RStr<'_>;
    fn len(&self) -> u64;
    fn item(&self, index: u64) -> ROption<Value>;
    fn field(&self, name: RStr<'_>, device_type: i32) -> Outcome<DlTensor>;
    /// The address of the Rust value behind this object, if `origin` is its library and `type_id` (the address of a
    /// `TypeId` there) its type; else 0.
    #[sabi(last_prefix_field)]
    fn inner(&self, origin: u64, type_id: u64) -> u64;
}

/// A value behind a shared object, in plain Rust. Every method may panic; the adapter catches panics.
pub trait Shared: Send + Sync + 'static {
    /// `IMAGE`, `TOKENIZER`, ...
    fn type_name(&self) -> &str;
    /// JSON: fields with shapes and element types, header, device, bytes on host and device.
    fn describe(&self) -> String;
    /// For text and JSON.
    fn text(&self) -> &str {
        ""
    }
    /// For lists.
    fn items(&self) -> &[Value] {
        &[]
    }
    /// A field's tensor in the memory of the given [`crate::device`]. A record must always support host memory.
    ///
    /// # Errors
    /// The value has no such field, the field is not available there, or it can't be read.
    fn field(&self, name: &str, device_type: i32) -> Result<DlTensor, NodeError>;
    /// The Rust value that [`take_back`] returns to the library that made this object.
    fn inner(&self) -> &(dyn Any + Send + Sync);
}

static ORIGIN: AtomicU8 = AtomicU8::new(0);

/// Identifies the library or program that contains this code. Two generations of a reloaded pack differ.
#[must_use]
pub fn origin() -> u64 {
    (&raw const ORIGIN) as u64
}

/// The adapter of a [`Shared`] value.
struct Adapter<T>(DropGuarded<T>);

impl<T: Shared> Object for Adapter<T> {
    fn type_name(&self) -> RStr<'_> {
        guard(|| Ok(RStr::from(self.0.type_name()))).unwrap_or(RStr::from("unknown"))
    }
    fn origin(&self) -> u64 {
        origin()
    }
    fn describe(&self) -> RString {
        guard(|| Ok(RString::from(self.0.describe()))).unwrap_or(RString::from("{}"))
    }
    fn text(&self) -> RStr<'_> {
        guard(|| Ok(RStr::from(self.0.text()))).unwrap_or(RStr::from(""))
    }
    fn len(&self) -> u64 {
        guard(|| Ok(self.0.items().len() as u64)).unwrap_or(0)
    }
    fn item(&self, index: u64) -> ROption<Value> {
        guard(|| Ok(self.0.items().get(index as usize).cloned().into())).unwrap_or(ROption::RNone)
    }
    fn field(&self, name: RStr<'_>, device_type: i32) -> Outcome<DlTensor> {
        guard(|| self.0.field(name.as_str(), device_type))
    }
    fn inner(&self, origin: u64, type_id: u64) -> u64 {
        if origin != self::origin() {
            return 0;
        }
        guard(|| {
            let inner = self.0.inner();
            // SAFETY: the caller is code of this very library (same origin), whose contract is the address of a live `TypeId`.
            let wanted = unsafe { *(type_id as *const TypeId) };
            Ok(if inner.type_id() == wanted { std::ptr::from_ref(inner).cast::<()>() as u64 } else { 0 })
        })
        .unwrap_or(0)
    }
}

/// Makes a value of a shared object.
pub fn share<T: Shared>(kind: u32, shared: T) -> Value {
    let object = Object_TO::from_ptr(RArc::new(Adapter(DropGuarded::new(shared))), TD_Opaque);
    Value { kind, flags: 0, bits: 0, object: ROption::RSome(object) }
}

/// The Rust value of [`Shared::inner`], if this library made `value` and it is a `T`.
#[must_use]
pub fn take_back<T: Any + Clone>(value: &Value) -> Option<T> {
    let ROption::RSome(object) = &value.object else { return None };
    let origin = origin();
    if object.origin() != origin {
        return None;
    }
    let wanted = TypeId::of::<T>();
    let address = object.inner(origin, (&raw const wanted) as u64);
    if address == 0 {
        return None;
    }
    // SAFETY: the object is of this library and said that this is the address of a `T`, alive as long as the object, which
    // `value` keeps alive during the clone.
    Some(unsafe { &*(address as *const T) }.clone())
}

impl Value {
    /// A value without an object.
    #[must_use]
    pub fn scalar(kind: u32, bits: u64) -> Self {
        Self { kind, flags: 0, bits, object: ROption::RNone }
    }
    /// The object's type name.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.object.as_ref().map_or("", |o| o.type_name().as_str())
    }
    /// The object's description.
    #[must_use]
    pub fn describe(&self) -> String {
        self.object.as_ref().map(|o| o.describe().into_string()).unwrap_or_default()
    }
    /// The object's text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.object.as_ref().map_or("", |o| o.text().as_str())
    }
    /// The object's values.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        self.first_items(u64::MAX)
    }
    /// The object's first values, at most `most`.
    #[must_use]
    pub fn first_items(&self, most: u64) -> Vec<Value> {
        let ROption::RSome(object) = &self.object else { return Vec::new() };
        (0..object.len().min(most)).filter_map(|i| object.item(i).into_option()).collect()
    }
    /// The number of the object's values.
    #[must_use]
    pub fn item_count(&self) -> u64 {
        self.object.as_ref().map_or(0, |object| object.len())
    }
    /// A field's tensor.
    ///
    /// # Errors
    /// The value is no object, has no such field, or the field can't be read.
    pub fn field(&self, name: &str, device_type: i32) -> Result<DlTensor, NodeError> {
        match &self.object {
            ROption::RSome(object) => object.field(name.into(), device_type).into_result(),
            ROption::RNone => Err(NodeError::bad_input(format!("a field `{name}` of a value that has no fields"))),
        }
    }
}
