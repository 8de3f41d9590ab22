//! Checkpoints: .safetensors files, and PyTorch's zip archives with a pickle (.pth).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = splatgraph_sdk::checkpoint::Checkpoint::from_bytes(bytes);
});
