//! Headers of .tar shards. Every member lies in the file.
#![no_main]

use splatgraph_sdk::shard::Shard;
use std::io::Cursor;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The fuzzer finds no right sums, so every block gets one too.
    let mut signed = bytes.to_vec();
    for block in signed.chunks_exact_mut(512) {
        splatgraph_sdk::testing::sign_header(block);
    }
    for bytes in [bytes, &signed] {
        let Ok(shard) = Shard::read(Cursor::new(bytes), bytes.len() as u64) else { continue };
        assert!(shard.names().all(|name| shard.find(name).is_ok() && !name.split('/').any(|part| part == "..")));
    }
});
