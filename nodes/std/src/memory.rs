//! How large pictures may be.

use splatgraph_sdk::prelude::*;

/// The most pixels in one picture: 256 megapixels.
pub(crate) const MAX_PIXELS: u64 = 1 << 28;

/// `len` zeros, or an error where a plain `vec!` would end the process. Pages are only used once written to.
///
/// # Errors
/// There is not that much memory.
pub(crate) fn zeros<T: Clone + Default>(len: usize) -> Result<Vec<T>> {
    let mut probe = Vec::<T>::new();
    if probe.try_reserve_exact(len).is_err() {
        let bytes = len.saturating_mul(size_of::<T>());
        bail!("a picture needs {} MiB of memory, more than there is; use a smaller one", bytes >> 20);
    }
    drop(probe);
    Ok(vec![T::default(); len])
}
