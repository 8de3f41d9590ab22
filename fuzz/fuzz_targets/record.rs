//! Records (.safetensors), and tokens read from them.
#![no_main]

use splatgraph_sdk::{Input, Record, Tokens};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::from_safetensors(bytes) {
        let _ = Tokens::from_value(&record.into_value());
    }
});
