//! Graphs in the text chunks of PNG pictures. Checksums of chunks are made right, so that the fuzzer gets behind them.
#![no_main]

use splatgraph::{
    graph::{File, Origin},
    picture::{SIGNATURE, graph_in, read_text},
};
use std::io::Cursor;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes.to_vec(), sealed(bytes)] {
        let Ok(text) = read_text(Cursor::new(bytes)) else { continue };
        let Ok(found) = graph_in(&text) else { continue };
        let _ = File::parse(&found.graph, Origin::Text);
    }
});

/// The picture with a right checksum behind each chunk.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut all = bytes.to_vec();
    let mut at = SIGNATURE.len();
    while let Some(length) = all.get(at..at + 4).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes) {
        let end = at.saturating_add(8).saturating_add(length as usize);
        let Some(chunk) = all.get(at + 4..end) else { break };
        let sum = crc32fast::hash(chunk).to_be_bytes();
        let Some(place) = all.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&sum);
        at = end + 4;
    }
    all
}
