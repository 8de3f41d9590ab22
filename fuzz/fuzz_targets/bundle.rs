//! Bundles. What is unpacked lies in its folder and is what the lock says.
#![no_main]

use splatgraph::bundle::{SIGNATURE, unpack};
use std::{fs::File, io::Write};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a folder for temporary files");
    // Without these bytes a file is no archive.
    file.write_all(&[SIGNATURE, bytes].concat()).expect("a file");
    let archive = File::open(file.path()).expect("a file");
    if let Ok(unpacked) = unpack(archive, file.path()) {
        assert!(unpacked.folder().join("graph.json").is_file() && unpacked.folder().join("graph.lock.json").is_file());
    }
});
