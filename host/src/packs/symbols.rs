//! Looks into a shared library without opening it, as opening a library runs its constructors.
//!
//! Only the headers and the exported symbols are read, so a library of any size costs about a millisecond.

use std::fs::File;
use std::path::Path;

use object::read::{NameOrOrdinal, Object, ObjectSection, ObjectSegment};
use object::{Architecture, BinaryFormat, ReadCache};
use splatgraph_sdk::host::STAMP_SYMBOL;

/// The kind of a file in a folder of packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A complete library for this machine that exports the stamp of a pack.
    Pack,
    /// A valid library that is not a pack.
    OtherLibrary,
    /// A file that can't be opened, with the reason.
    Broken(String),
}

/// Reads the headers and exported symbols of the library at `path`.
pub(crate) fn look_into(path: &Path) -> Kind {
    match read(path) {
        Ok(true) => Kind::Pack,
        Ok(false) => Kind::OtherLibrary,
        Err(reason) => Kind::Broken(reason),
    }
}

/// Whether the library is a pack. The error is the reason why it can't be opened.
fn read(path: &Path) -> Result<bool, String> {
    let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let metadata = file.metadata().map_err(|error| format!("it cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("expected a regular file".into());
    }
    let cache = ReadCache::new(file);
    let library = object::File::parse(&cache).map_err(|error| unreadable(path, metadata.len(), &error))?;
    let needed = end_of_contents(&library);
    if needed > metadata.len() {
        return Err(incomplete(metadata.len(), needed));
    }
    if !exports_stamp(&library).map_err(|error| format!("its exported symbols are damaged ({error})"))? {
        return Ok(false);
    }
    let (format, architecture) = this_machine();
    if library.format() != format || library.architecture() != architecture || !library.is_64() {
        return Err(format!(
            "expected a library for {architecture:?} {}, got one for {:?} {}",
            format_name(format),
            library.architecture(),
            format_name(library.format())
        ));
    }
    Ok(true)
}

/// The most exported symbols that are looked at. Each name is kept in memory, and a small library can have long names that overlap.
const MOST_EXPORTS: usize = 100_000;

fn exports_stamp<'data>(library: &object::File<'data, &'data ReadCache<File>>) -> object::read::Result<bool> {
    for export in library.exports()?.take(MOST_EXPORTS) {
        if export?.name() == NameOrOrdinal::Name(STAMP_SYMBOL.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The end of everything that the headers point to. Mapping a shorter file kills the process (SIGBUS).
fn end_of_contents<'data>(library: &object::File<'data, &'data ReadCache<File>>) -> u64 {
    let sections = library.sections().filter_map(|section| section.file_range());
    let segments = library.segments().map(|segment| segment.file_range());
    sections.chain(segments).map(|(start, length)| start.saturating_add(length)).max().unwrap_or(0)
}

fn unreadable(path: &Path, length: u64, error: &object::read::Error) -> String {
    match section_table_end(path) {
        Some(end) if end > length => incomplete(length, end),
        Some(_) => format!("its headers are damaged ({error})"),
        None => "expected a shared library".into(),
    }
}

fn incomplete(length: u64, needed: u64) -> String {
    format!("it is incomplete: expected at least {needed} bytes, got {length}")
}

/// The end of the section table of a 64-bit little-endian ELF file, which linkers write last. `None` if the file does not
/// start like a library.
fn section_table_end(path: &Path) -> Option<u64> {
    use std::io::Read;
    let mut start = Vec::with_capacity(64);
    File::open(path).ok()?.take(64).read_to_end(&mut start).ok()?;
    let elf = start.starts_with(&object::elf::ELFMAG);
    if start.len() < 64 {
        return elf.then_some(64);
    }
    if !elf {
        // The parser knows the format but could not read the file to its end.
        return object::FileKind::parse(start.as_slice()).ok().map(|_| 0);
    }
    // ELF-64 header: e_shoff at 0x28, e_shentsize at 0x3a, e_shnum at 0x3c.
    let offset = u64::from_le_bytes(start[0x28..0x30].try_into().ok()?);
    let entry = u16::from_le_bytes(start[0x3a..0x3c].try_into().ok()?);
    let count = u16::from_le_bytes(start[0x3c..0x3e].try_into().ok()?);
    Some(offset.saturating_add(u64::from(entry) * u64::from(count)))
}

fn this_machine() -> (BinaryFormat, Architecture) {
    let format = if cfg!(target_os = "macos") {
        BinaryFormat::MachO
    } else if cfg!(windows) {
        BinaryFormat::Pe
    } else {
        BinaryFormat::Elf
    };
    let architecture = if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 };
    (format, architecture)
}

fn format_name(format: BinaryFormat) -> &'static str {
    match format {
        BinaryFormat::Elf => "ELF",
        BinaryFormat::MachO => "Mach-O",
        BinaryFormat::Pe => "PE",
        _ => "another format",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fuzzing found worth keeping (see the folder `fuzz`): nothing of it may panic, and none of it is a pack.
    #[test]
    fn the_corpus_is_read_without_a_panic() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/library");
        let kinds: Vec<Kind> =
            std::fs::read_dir(corpus).unwrap().map(|entry| look_into(&entry.unwrap().path())).collect();
        assert!(kinds.contains(&Kind::OtherLibrary) && kinds.iter().any(|kind| matches!(kind, Kind::Broken(_))));
        assert!(!kinds.contains(&Kind::Pack));
    }
}
