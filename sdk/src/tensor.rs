//! Tensors in host memory.

use crate::{Error, Result, content::Content};
use splatgraph_abi::{DataType, DlTensor, ForeignTensor, dtype};
use std::{any::Any, fmt, ops::Range, sync::Arc};

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum DType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

/// Name, safetensors' name, DLPack's code, bits.
const DTYPES: [(DType, &str, u8, u8); 13] = [
    (DType::F64, "f64", dtype::FLOAT, 64),
    (DType::F32, "f32", dtype::FLOAT, 32),
    (DType::F16, "f16", dtype::FLOAT, 16),
    (DType::BF16, "bf16", dtype::BFLOAT, 16),
    (DType::I64, "i64", dtype::INT, 64),
    (DType::I32, "i32", dtype::INT, 32),
    (DType::I16, "i16", dtype::INT, 16),
    (DType::I8, "i8", dtype::INT, 8),
    (DType::U64, "u64", dtype::UINT, 64),
    (DType::U32, "u32", dtype::UINT, 32),
    (DType::U16, "u16", dtype::UINT, 16),
    (DType::U8, "u8", dtype::UINT, 8),
    (DType::Bool, "bool", dtype::BOOL, 8),
];

impl DType {
    fn row(self) -> (DType, &'static str, u8, u8) {
        DTYPES[self as usize]
    }

    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        usize::from(self.row().3) / 8
    }

    /// `f32`, `bf16`, ...
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The type with this [`name`](Self::name).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        DTYPES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub(crate) fn to_dlpack(self) -> DataType {
        let (_, _, code, bits) = self.row();
        DataType { code, bits, lanes: 1 }
    }

    fn from_dlpack(data: DataType) -> Option<Self> {
        DTYPES.iter().find(|(_, _, code, bits)| (*code, *bits) == (data.code, data.bits)).map(|row| row.0)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type of tensor elements.
pub trait Element: bytemuck::Pod + Send + Sync {
    /// Its [`DType`].
    const DTYPE: DType;
}

macro_rules! elements {
    ($($ty:ty: $dtype:ident),*) => { $(impl Element for $ty { const DTYPE: DType = DType::$dtype; })* };
}
elements!(f64: F64, f32: F32, half::f16: F16, half::bf16: BF16, i64: I64, i32: I32, i16: I16, i8: I8, u64: U64, u32: U32, u16: U16, u8: U8);

/// A read-only, row-major tensor in host memory. It is cheap to clone, and packs share it without a copy.
#[derive(Clone)]
pub struct Tensor {
    memory: Arc<Memory>,
}

enum Memory {
    Own(Own),
    Foreign(ForeignTensor, DType),
    File(Part),
}

/// Part of the content of a file.
struct Part {
    shape: Vec<usize>,
    dtype: DType,
    content: Content,
    range: Range<usize>,
}

struct Own {
    shape: Vec<usize>,
    dtype: DType,
    /// A `Vec<T>` whose `T` is of `dtype`.
    data: Box<dyn Any + Send + Sync>,
    bytes: fn(&(dyn Any + Send + Sync)) -> &[u8],
}

impl Tensor {
    /// Makes a tensor of `shape` from its elements in row-major order, without a copy.
    ///
    /// # Errors
    /// The shape has another number of elements.
    #[track_caller]
    pub fn from_vec<T: Element>(shape: impl Into<Vec<usize>>, data: Vec<T>) -> Result<Self> {
        let shape = shape.into();
        if shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)) != Some(data.len()) {
            return Err(Error::new(format!(
                "expected the elements of a tensor of shape {shape:?}, got {}",
                data.len()
            )));
        }
        Ok(Self::own(shape, T::DTYPE, data))
    }

    /// Makes a tensor of elements whose bits `T` holds.
    pub(crate) fn own<T: Element>(shape: Vec<usize>, dtype: DType, data: Vec<T>) -> Self {
        fn bytes<T: Element>(any: &(dyn Any + Send + Sync)) -> &[u8] {
            any.downcast_ref::<Vec<T>>().map_or(&[], |v| bytemuck::cast_slice(v))
        }
        Self { memory: Arc::new(Memory::Own(Own { shape, dtype, data: Box::new(data), bytes: bytes::<T> })) }
    }

    /// Makes a tensor from bytes in the byte order of the machine, with a copy.
    ///
    /// # Errors
    /// The shape has another number of bytes.
    pub fn from_bytes(shape: impl Into<Vec<usize>>, dtype: DType, bytes: &[u8]) -> Result<Self> {
        let shape = shape.into();
        check_size(&shape, dtype, bytes.len())?;
        // The bytes are copied into elements of the right size, so that they are aligned.
        Ok(match dtype.size() {
            8 => Self::own(shape, dtype, bytemuck::pod_collect_to_vec::<u8, u64>(bytes)),
            4 => Self::own(shape, dtype, bytemuck::pod_collect_to_vec::<u8, u32>(bytes)),
            2 => Self::own(shape, dtype, bytemuck::pod_collect_to_vec::<u8, u16>(bytes)),
            _ => Self::own(shape, dtype, bytes.to_vec()),
        })
    }

    /// Makes a tensor of part of a file's content, which is aligned for the type.
    pub(crate) fn of_content(content: Content, range: Range<usize>, shape: &[usize], dtype: DType) -> Result<Self> {
        check_size(shape, dtype, range.len())?;
        Ok(Self { memory: Arc::new(Memory::File(Part { shape: shape.to_vec(), dtype, content, range })) })
    }

    /// The length of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match &*self.memory {
            Memory::Own(own) => &own.shape,
            Memory::Foreign(tensor, _) => tensor.shape(),
            Memory::File(part) => &part.shape,
        }
    }

    /// The lengths of the `N` axes.
    ///
    /// # Errors
    /// The tensor has another number of axes.
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> Result<[usize; N]> {
        self.shape()
            .try_into()
            .map_err(|_| Error::new(format!("expected a tensor with {N} axes, got one of shape {:?}", self.shape())))
    }

    /// The element type.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match &*self.memory {
            Memory::Own(own) => own.dtype,
            Memory::Foreign(_, dtype) => *dtype,
            Memory::File(part) => part.dtype,
        }
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes().len() / self.dtype().size()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// All bytes, in the byte order of the machine.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        memory_bytes(&self.memory)
    }

    /// The elements.
    ///
    /// # Errors
    /// The elements are of another type.
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        if self.dtype() != T::DTYPE {
            return Err(Error::new(format!(
                "expected a tensor of type {}, got one of type {}",
                T::DTYPE,
                self.dtype()
            )));
        }
        Ok(elements(self.bytes()))
    }

    /// The elements as a `Vec`, without a copy if this is the only handle to memory of this pack.
    ///
    /// # Errors
    /// The elements are of another type.
    #[track_caller]
    pub fn into_vec<T: Element>(self) -> Result<Vec<T>> {
        self.as_slice::<T>()?;
        match Arc::try_unwrap(self.memory) {
            Ok(Memory::Own(own)) if own.data.is::<Vec<T>>() => {
                Ok(*own.data.downcast::<Vec<T>>().unwrap_or_else(|_| Box::default()))
            }
            Ok(memory) => Self { memory: Arc::new(memory) }.as_slice::<T>().map(<[T]>::to_vec),
            Err(memory) => Self { memory }.as_slice::<T>().map(<[T]>::to_vec),
        }
    }

    /// The elements as f32, converted if they are of another type.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        let bytes = self.bytes();
        fn all<T: Element>(bytes: &[u8], to: impl Fn(T) -> f32) -> Vec<f32> {
            elements::<T>(bytes).iter().map(|v| to(*v)).collect()
        }
        match self.dtype() {
            DType::F64 => all::<f64>(bytes, |v| v as f32),
            DType::F32 => all::<f32>(bytes, |v| v),
            DType::F16 => all::<half::f16>(bytes, half::f16::to_f32),
            DType::BF16 => all::<half::bf16>(bytes, half::bf16::to_f32),
            DType::I64 => all::<i64>(bytes, |v| v as f32),
            DType::I32 => all::<i32>(bytes, |v| v as f32),
            DType::I16 => all::<i16>(bytes, f32::from),
            DType::I8 => all::<i8>(bytes, f32::from),
            DType::U64 => all::<u64>(bytes, |v| v as f32),
            DType::U32 => all::<u32>(bytes, |v| v as f32),
            DType::U16 => all::<u16>(bytes, f32::from),
            DType::U8 | DType::Bool => all::<u8>(bytes, f32::from),
        }
    }

    /// Changes the shape and keeps the elements. It does not copy f32 memory that is not shared.
    ///
    /// # Errors
    /// The shape has another number of elements.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self> {
        let shape = shape.into();
        if shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)) != Some(self.len()) {
            return Err(Error::new(format!(
                "expected a shape with as many elements as {:?}, got {shape:?}",
                self.shape()
            )));
        }
        if self.dtype() == DType::F32 {
            return Self::from_vec(shape, self.into_vec::<f32>()?);
        }
        Self::from_bytes(shape, self.dtype(), self.bytes())
    }

    pub(crate) fn to_dlpack(&self) -> Result<DlTensor> {
        DlTensor::new(self.memory.clone(), memory_bytes, self.dtype().to_dlpack(), self.shape()).ok_or_else(|| {
            Error::new(format!("expected a tensor that can be shared, got the shape {:?}", self.shape()))
        })
    }

    pub(crate) fn from_dlpack(tensor: DlTensor) -> Result<Self> {
        let foreign = ForeignTensor::new(tensor).map_err(Error::new)?;
        let data = foreign.dtype();
        let dtype = DType::from_dlpack(data).ok_or_else(|| {
            Error::new(format!(
                "expected a known element type, got DLPack's type {} with {} bits",
                data.code, data.bits
            ))
        })?;
        Ok(Self { memory: Arc::new(Memory::Foreign(foreign, dtype)) })
    }
}

/// The elements in the bytes of a tensor. Those of an empty tensor may lie at any address, also at one that is not aligned.
fn elements<T: Element>(bytes: &[u8]) -> &[T] {
    if bytes.is_empty() { &[] } else { bytemuck::cast_slice(bytes) }
}

fn memory_bytes(memory: &Memory) -> &[u8] {
    match memory {
        Memory::Own(own) => (own.bytes)(&*own.data),
        Memory::Foreign(tensor, _) => tensor.bytes(),
        Memory::File(part) => &part.content.bytes()[part.range.clone()],
    }
}

#[track_caller]
fn check_size(shape: &[usize], dtype: DType, bytes: usize) -> Result<()> {
    if shape.iter().try_fold(dtype.size(), |n, d| n.checked_mul(*d)) != Some(bytes) {
        return Err(Error::new(format!(
            "expected the bytes of a tensor of shape {shape:?} and type {dtype}, got {bytes}"
        )));
    }
    Ok(())
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {:?})", self.dtype(), self.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtypes_stand_in_the_order_of_the_enum() {
        for (i, row) in DTYPES.iter().enumerate() {
            assert_eq!(row.0 as usize, i);
            assert_eq!(DType::from_dlpack(row.0.to_dlpack()), Some(row.0));
        }
    }

    #[test]
    fn unique_memory_is_handed_out_without_a_copy() {
        let tensor = Tensor::from_vec([2, 2], vec![1f32, 2.0, 3.0, 4.0]).unwrap();
        let address = tensor.bytes().as_ptr();
        let data = tensor.into_vec::<f32>().unwrap();
        assert_eq!(data.as_ptr().cast::<u8>(), address);
    }

    #[test]
    fn dlpack_shares_the_memory() {
        let tensor = Tensor::from_vec([3], vec![1i64, 2, 3]).unwrap();
        let other = Tensor::from_dlpack(tensor.to_dlpack().unwrap()).unwrap();
        assert_eq!(other.bytes().as_ptr(), tensor.bytes().as_ptr());
        drop(tensor);
        assert_eq!(other.as_slice::<i64>().unwrap(), [1, 2, 3]);
        assert_eq!(other.as_slice::<f32>().unwrap_err().message, "expected a tensor of type f32, got one of type i64");
    }

    #[test]
    fn tensors_without_elements_have_none_wherever_they_come_from() {
        let own = Tensor::from_vec([2, 0], Vec::<f64>::new()).unwrap();
        let foreign = Tensor::from_dlpack(own.to_dlpack().unwrap()).unwrap();
        for tensor in [own, foreign] {
            assert!(tensor.as_slice::<f64>().unwrap().is_empty() && tensor.to_f32().is_empty());
            assert!(tensor.clone().into_vec::<f64>().unwrap().is_empty());
            assert_eq!(tensor.reshape([0, 7]).unwrap().shape(), [0, 7]);
        }
    }

    #[test]
    fn bytes_become_aligned_elements() {
        let bytes: Vec<u8> = [0.5f32, -1.0].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let mut shifted = vec![0u8];
        shifted.extend(&bytes);
        let tensor = Tensor::from_bytes([2], DType::F32, &shifted[1..]).unwrap();
        assert_eq!(tensor.as_slice::<f32>().unwrap(), [0.5, -1.0]);
        assert_eq!(tensor.into_vec::<f32>().unwrap(), [0.5, -1.0]);
        assert!(Tensor::from_bytes([3], DType::F32, &bytes).is_err());
        assert!(Tensor::from_bytes([usize::MAX, 2], DType::F32, &bytes).is_err());
    }
}
