//! Tensors that are stored with gaps, with another order of axes or of bytes, or with the other sign.

use crate::{DType, Element, Error, Result, Tensor};
use std::ops::Range;

/// How a tensor lies in a storage.
pub(super) struct View<'a> {
    pub(super) dtype: DType,
    /// The first element, counted in elements.
    pub(super) offset: usize,
    pub(super) shape: &'a [usize],
    pub(super) strides: &'a [usize],
    /// Whether the bytes of each element are in the other order than this machine's.
    pub(super) swapped: bool,
    /// Whether each element has the other sign.
    pub(super) negative: bool,
}

impl View<'_> {
    fn elements(&self) -> usize {
        self.shape.iter().fold(1, |n: usize, d| n.saturating_mul(*d))
    }

    /// The bytes of the tensor in row-major order.
    pub(super) fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.size())
    }

    /// The place in a storage of this many bytes whose bytes are the tensor's, if there is one.
    ///
    /// # Errors
    /// The tensor reaches beyond the storage.
    pub(super) fn plain(&self, storage: usize) -> Result<Option<Range<usize>>> {
        let size = self.dtype.size();
        let reach = self.shape.iter().zip(self.strides);
        let last =
            reach.clone().try_fold(self.offset, |at, (n, s)| n.saturating_sub(1).checked_mul(*s)?.checked_add(at));
        let fits = self.elements() == 0 || last.is_some_and(|last| last < storage / size);
        if self.bytes() == usize::MAX || !fits {
            return Err(Error::new(format!("expected the bytes of the shape {:?}, got only {storage}", self.shape)));
        }
        if self.elements() == 0 {
            return Ok(Some(0..0));
        }
        let mut expected = 1usize;
        let contiguous = reach.rev().all(|(n, s)| {
            let fits = *n == 1 || *s == expected;
            expected = expected.saturating_mul(*n);
            fits
        });
        let plain = contiguous && !self.negative && !(self.swapped && size > 1);
        Ok(plain.then(|| self.offset * size..self.offset * size + self.bytes()))
    }
}

/// The copy of a view whose elements have the bits of `$bits`.
macro_rules! copied {
    ($bits:ty, $storage:expr, $view:expr) => {{
        let view: &View<'_> = $view;
        let float = matches!(view.dtype, DType::F64 | DType::F32 | DType::F16 | DType::BF16);
        let change = |element: $bits| {
            let element = if view.swapped { element.swap_bytes() } else { element };
            match (view.negative, float) {
                (false, _) => element,
                (true, true) => element ^ (1 << (<$bits>::BITS - 1)),
                (true, false) => element.wrapping_neg(),
            }
        };
        Tensor::own(view.shape.to_vec(), view.dtype, copy($storage, view, change))
    }};
}

/// Copies a tensor out of its storage into row-major order.
///
/// # Errors
/// The tensor reaches beyond the storage, or its elements have no sign.
pub(super) fn gather(storage: &[u8], view: &View<'_>) -> Result<Tensor> {
    if let Some(place) = view.plain(storage.len())? {
        return Tensor::from_bytes(view.shape, view.dtype, &storage[place]);
    }
    if view.negative && view.dtype == DType::Bool {
        return Err(Error::new("expected numbers with a sign, got bools"));
    }
    Ok(match view.dtype.size() {
        8 => copied!(u64, storage, view),
        4 => copied!(u32, storage, view),
        2 => copied!(u16, storage, view),
        _ => copied!(u8, storage, view),
    })
}

/// The elements in row-major order, each of them changed. The caller has checked that all of them are in the storage.
fn copy<T: Element>(storage: &[u8], view: &View<'_>, change: impl Fn(T) -> T) -> Vec<T> {
    let size = size_of::<T>();
    let mut all = Vec::with_capacity(view.elements());
    let (columns, column_stride) = view.shape.last().zip(view.strides.last()).map_or((1, 0), |(n, s)| (*n, *s));
    let outer = view.shape.len().saturating_sub(1);
    let mut index = vec![0usize; outer];
    while all.len() < view.elements() {
        let row = view.offset + index.iter().zip(view.strides).map(|(i, s)| i * s).sum::<usize>();
        all.extend((0..columns).map(|column| {
            let at = (row + column * column_stride) * size;
            change(bytemuck::pod_read_unaligned(&storage[at..at + size]))
        }));
        for axis in (0..outer).rev() {
            index[axis] += 1;
            if index[axis] < view.shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    all
}
