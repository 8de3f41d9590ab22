//! Reads the id of a pack from its file, without opening the library. So a pack that can't be opened has a name, too.

use std::fs::File;
use std::path::Path;

use object::read::{NameOrOrdinal, Object, ObjectSegment};
use object::{BinaryFormat, ExportTarget, ReadCache, ReadRef};
use splatgraph_sdk::host::{STAMP_ID, STAMP_MAGIC, STAMP_SYMBOL};

/// Longer texts are no ids.
const LONGEST: u64 = 256;

/// The id in the stamp of the library at `path`; `None` if it has no stamp, or if the file is damaged or is no ELF library.
pub(super) fn stamped_id(path: &Path) -> Option<String> {
    let cache = ReadCache::new(File::open(path).ok()?);
    let library = object::File::parse(&cache).ok()?;
    if library.format() != BinaryFormat::Elf || !library.is_64() || !library.is_little_endian() {
        return None;
    }
    let stamp = library.exports().ok()?.find_map(|export| {
        let export = export.ok()?;
        let ExportTarget::Address { address } = export.target() else { return None };
        (export.name() == NameOrOrdinal::Name(STAMP_SYMBOL.as_bytes())).then_some(address)
    })?;
    let bytes = |address: u64, length: u64| {
        let offset = offset_of(&library, address)?;
        cache.read_bytes_at(offset, length).ok()
    };
    if bytes(stamp, 8)? != STAMP_MAGIC {
        return None;
    }
    // The linker leaves the pointer to the loader. A relocation has the address, or the pointer itself has it.
    let pointer = stamp.checked_add(STAMP_ID as u64)?;
    let mut relocations = library.dynamic_relocations().into_iter().flatten();
    let moved = relocations.find(|(place, relocation)| *place == pointer && !relocation.has_implicit_addend());
    let address = match moved {
        Some((_, relocation)) => u64::try_from(relocation.addend()).ok()?,
        None => u64::from_le_bytes(bytes(pointer, 8)?.try_into().ok()?),
    };
    let start = offset_of(&library, address)?;
    let end = start.saturating_add(LONGEST).min((&cache).len().ok()?);
    String::from_utf8(cache.read_bytes_at_until(start..end, 0).ok()?.to_vec()).ok()
}

/// The place of an address in the file.
fn offset_of<'data>(library: &object::File<'data, &'data ReadCache<File>>, address: u64) -> Option<u64> {
    library.segments().find_map(|segment| {
        let (start, length) = segment.file_range();
        let inside = address.checked_sub(segment.address()).filter(|inside| *inside < length)?;
        start.checked_add(inside)
    })
}
