//! Headers and symbols of shared libraries (ELF, Mach-O, PE), which the host reads before it opens a pack.
#![no_main]

use std::io::Write;

#[path = "../../host/src/packs/symbols.rs"]
mod symbols;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a file with space");
    let _ = symbols::look_into(file.path());
});
