//! Files of `torch.save`: the zip archives of PyTorch 1.6 and later, and the pickles with storages behind them of older versions.

mod archive;
mod collect;
mod globals;
mod legacy;
mod tensor;

use crate::{Result, Tensor, content::Content, limits::Budget};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// The numbers of all tensors, where they lie in the file.
struct Storages {
    content: Content,
    ranges: HashMap<String, Range<usize>>,
    /// Whether the numbers have the other byte order than this machine.
    swapped: bool,
    budget: Budget,
}

/// Whether a file of `torch.save` begins like this.
pub fn is_torch(start: &[u8]) -> bool {
    archive::is_archive(start) || legacy::is_legacy(start)
}

/// All tensors of the file, from all dictionaries. Other content, such as step counts and settings, is ignored.
pub(super) fn read(content: &Content) -> Result<BTreeMap<String, Tensor>> {
    let budget = Budget::of_file(content.bytes().len())?;
    let (root, storages) = if archive::is_archive(content.bytes()) {
        archive::read(content, budget)?
    } else {
        legacy::read(content, budget)?
    };
    collect::tensors(&root, storages)
}
