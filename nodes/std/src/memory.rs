//! The limits for the size of pictures.

use splatgraph_sdk::prelude::*;

/// The largest number of pixels in one picture: 256 megapixels.
pub(crate) const MAX_PIXELS: u64 = 1 << 28;

/// `len` zeros, or an error in cases where a plain `vec!` would end the process. A page takes memory only after the first write.
///
/// # Errors
/// There is not enough memory.
pub(crate) fn zeros<T: Clone + Default>(len: usize) -> Result<Vec<T>> {
    let mut probe = Vec::<T>::new();
    if probe.try_reserve_exact(len).is_err() {
        let bytes = len.saturating_mul(size_of::<T>());
        bail!("expected {} MiB of free memory for a picture, got less; use a smaller picture", bytes >> 20);
    }
    drop(probe);
    Ok(vec![T::default(); len])
}
