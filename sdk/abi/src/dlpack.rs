//! Tensors as DLPack 1.x. The layouts come from the public header of DLPack, so that any library can read the tensors.

use abi_stable::StableAbi;
use std::{ffi::c_void, sync::Arc};

/// The device that holds a tensor's bytes (`DLDevice`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// One of [`device`].
    pub device_type: i32,
    /// The index of the device among those of its type.
    pub device_id: i32,
}

/// DLPack's device types; an open set.
pub mod device {
    /// Host memory.
    pub const CPU: i32 = 1;
    /// CUDA global memory.
    pub const CUDA: i32 = 2;
    /// Vulkan buffers.
    pub const VULKAN: i32 = 7;
    /// WebGPU buffers.
    pub const WEBGPU: i32 = 15;
}

/// The type of one element (`DLDataType`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataType {
    /// One of [`dtype`].
    pub code: u8,
    /// Bits of one lane.
    pub bits: u8,
    /// 1 for scalars.
    pub lanes: u16,
}

/// DLPack's type codes; an open set.
pub mod dtype {
    /// Signed integers.
    pub const INT: u8 = 0;
    /// Unsigned integers.
    pub const UINT: u8 = 1;
    /// IEEE floating point.
    pub const FLOAT: u8 = 2;
    /// bfloat16.
    pub const BFLOAT: u8 = 4;
    /// One byte, 0 or 1.
    pub const BOOL: u8 = 6;
}

#[repr(C)]
struct DLTensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct DLManagedTensorVersioned {
    major: u32,
    minor: u32,
    manager_ctx: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    flags: u64,
    tensor: DLTensor,
}

const READ_ONLY: u64 = 1;
/// DLPack asks producers for an alignment of 256. This code relies only on the alignment of an element.
const MAX_DIMENSIONS: i32 = 32;

/// Owns one reference to a DLPack tensor; dropping it calls the producer's deleter.
#[repr(C)]
#[derive(StableAbi)]
pub struct DlTensor {
    #[sabi(unsafe_opaque_field)]
    pointer: *mut DLManagedTensorVersioned,
}

// SAFETY: the tensor is read-only and its deleter may be called from any thread (ours drops an `Arc` of a `Send + Sync` owner;
// the interface asks the same of others).
unsafe impl Send for DlTensor {}
// SAFETY: as above; there is no interior mutability behind a shared reference.
unsafe impl Sync for DlTensor {}

impl Drop for DlTensor {
    fn drop(&mut self) {
        if self.pointer.is_null() {
            return;
        }
        // SAFETY: we own the one reference; the deleter is called exactly once.
        unsafe {
            if let Some(delete) = (*self.pointer).deleter {
                delete(self.pointer);
            }
        }
    }
}

/// The memory that the deleter frees.
struct Owned<O> {
    owner: Arc<O>,
    shape: Box<[i64]>,
}

unsafe extern "C" fn delete<O>(pointer: *mut DLManagedTensorVersioned) {
    // SAFETY: `pointer` and its context were made by `DlTensor::new::<O>` with `Box::into_raw`, and this runs once.
    unsafe {
        let managed = Box::from_raw(pointer);
        let owned = Box::from_raw(managed.manager_ctx.cast::<Owned<O>>());
        drop(managed);
        // The destructor of an owner is code of a pack. Its panic must not cross the C boundary.
        let Owned { owner, shape } = *owned;
        drop(shape);
        let _ = crate::guard(|| {
            drop(owner);
            Ok(())
        });
    }
}

impl DlTensor {
    /// Makes a tensor of row-major host memory that `owner` keeps alive: its `bytes` as `shape` elements of type `dtype`.
    /// Returns `None` if the bytes do not hold exactly that many elements.
    pub fn new<O: Send + Sync + 'static>(
        owner: Arc<O>,
        bytes: impl FnOnce(&O) -> &[u8],
        dtype: DataType,
        shape: &[usize],
    ) -> Option<Self> {
        let view = bytes(&owner);
        let (data, len) = (view.as_ptr(), view.len());
        let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
        if elements.checked_mul(usize::from(dtype.bits) / 8)? != len {
            return None;
        }
        let mut owned =
            Box::new(Owned { owner, shape: shape.iter().map(|d| i64::try_from(*d).ok()).collect::<Option<_>>()? });
        let shape_pointer = owned.shape.as_mut_ptr();
        let managed = DLManagedTensorVersioned {
            major: 1,
            minor: 1,
            manager_ctx: Box::into_raw(owned).cast(),
            deleter: Some(delete::<O>),
            flags: READ_ONLY,
            tensor: DLTensor {
                data: data.cast_mut().cast(),
                device: Device { device_type: device::CPU, device_id: 0 },
                ndim: shape.len() as i32,
                dtype,
                shape: shape_pointer,
                strides: std::ptr::null_mut(),
                byte_offset: 0,
            },
        };
        Some(Self { pointer: Box::into_raw(Box::new(managed)) })
    }
}

/// A checked view of a [`DlTensor`] from anywhere: host memory, row-major, aligned.
pub struct ForeignTensor {
    // Keeps `data` alive.
    _owner: DlTensor,
    data: *const u8,
    bytes: usize,
    dtype: DataType,
    shape: Box<[usize]>,
}

// SAFETY: `data` points into memory that `_owner` keeps alive and that nobody writes to.
unsafe impl Send for ForeignTensor {}
// SAFETY: as above.
unsafe impl Sync for ForeignTensor {}

impl ForeignTensor {
    /// Checks everything that reading the tensor relies on.
    ///
    /// # Errors
    /// The tensor is not in host memory, or has an unusable shape, strides that are not row-major, several lanes or misaligned data.
    pub fn new(tensor: DlTensor) -> Result<Self, String> {
        if tensor.pointer.is_null() {
            return Err("a tensor without data".into());
        }
        // SAFETY: not null, and the producer's contract is a valid managed tensor until its deleter is called.
        let dl = unsafe { &(*tensor.pointer).tensor };
        if dl.device.device_type != device::CPU {
            return Err(format!("expected a tensor in host memory, got one on device {}", dl.device.device_type));
        }
        if !(0..=MAX_DIMENSIONS).contains(&dl.ndim) || (dl.ndim > 0 && dl.shape.is_null()) {
            return Err(format!("a tensor with {} dimensions", dl.ndim));
        }
        let rank = dl.ndim as usize;
        let read = |pointer: *mut i64| -> Vec<i64> {
            if rank == 0 {
                return Vec::new();
            }
            // SAFETY: DLPack promises `ndim` entries; null was excluded by the callers.
            unsafe { std::slice::from_raw_parts(pointer, rank) }.to_vec()
        };
        let sizes = read(dl.shape);
        let shape: Box<[usize]> = sizes
            .iter()
            .map(|d| usize::try_from(*d).map_err(|_| format!("a tensor of shape {sizes:?}")))
            .collect::<Result<_, _>>()?;
        let elements = shape
            .iter()
            .try_fold(1usize, |n, d| n.checked_mul(*d))
            .ok_or_else(|| format!("a tensor of shape {sizes:?} is too large"))?;
        if !dl.strides.is_null() && elements > 0 {
            let mut expected = 1i64;
            for (size, stride) in sizes.iter().zip(read(dl.strides)).rev() {
                if *size != 1 && stride != expected {
                    return Err(format!("expected a row-major tensor, got one of shape {sizes:?} with other strides"));
                }
                expected = expected.saturating_mul(*size);
            }
        }
        if dl.dtype.lanes != 1 || !matches!(dl.dtype.bits, 8 | 16 | 32 | 64) {
            return Err(format!("elements of {} bits in {} lanes are not supported", dl.dtype.bits, dl.dtype.lanes));
        }
        let size = usize::from(dl.dtype.bits) / 8;
        let bytes = elements.checked_mul(size).ok_or_else(|| format!("a tensor of shape {sizes:?} is too large"))?;
        let data = if bytes == 0 {
            std::ptr::null()
        } else {
            if dl.data.is_null() {
                return Err("a tensor without data".into());
            }
            let offset =
                usize::try_from(dl.byte_offset).map_err(|_| "a tensor with an impossible offset".to_owned())?;
            // SAFETY: the producer's contract is that `data + byte_offset` is the first of `bytes` readable bytes.
            let data = unsafe { dl.data.cast::<u8>().add(offset) }.cast_const();
            if data.align_offset(size) != 0 {
                return Err(format!("a tensor whose data is not aligned to {size} bytes"));
            }
            data
        };
        let dtype = dl.dtype;
        Ok(Self { _owner: tensor, data, bytes, dtype, shape })
    }

    /// Length of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        if self.bytes == 0 {
            return &[];
        }
        // SAFETY: checked in `new`; the owner keeps the memory alive for as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.data, self.bytes) }
    }
}
