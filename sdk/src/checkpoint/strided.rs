//! Tensors that are stored with gaps or with another order of axes.

use crate::{DType, Error, Result, Tensor};

/// Copies a strided view of a storage into row-major order.
pub(super) fn gather(
    storage: &[u8],
    dtype: DType,
    offset: usize,
    shape: &[usize],
    strides: &[usize],
) -> Result<Tensor> {
    let size = dtype.size();
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    let last =
        shape.iter().zip(strides).try_fold(offset, |at, (n, s)| n.saturating_sub(1).checked_mul(*s)?.checked_add(at));
    let (Some(elements), Some(last)) = (elements, last) else {
        return Err(Error::new(format!("expected a possible shape, got {shape:?}")));
    };
    // A stride of 0 repeats elements. Without this limit, a small file could ask for any amount of memory.
    if elements > 0 && (last >= storage.len() / size || elements > storage.len() / size) {
        return Err(Error::new(format!("expected the bytes of the shape {shape:?}, got only {}", storage.len())));
    }
    let mut expected = 1usize;
    let contiguous = shape.iter().zip(strides).rev().all(|(n, s)| {
        let fits = *n == 1 || *s == expected;
        expected = expected.saturating_mul(*n);
        fits
    });
    if contiguous || elements == 0 {
        let start = if elements == 0 { 0 } else { offset * size };
        return Tensor::from_bytes(shape, dtype, &storage[start..start + elements * size]);
    }
    let mut bytes = Vec::with_capacity(elements * size);
    let mut index = vec![0usize; shape.len()];
    for _ in 0..elements {
        let at = offset + index.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
        bytes.extend_from_slice(&storage[at * size..(at + 1) * size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Tensor::from_bytes(shape, dtype, &bytes)
}
