//! Banks of layouts: the authors' pickles and records.
#![no_main]

#[path = "../../nodes/gpstoken/src/generator/bank.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of the pack, which uses all of it")]
mod bank;

/// The types that the bank uses from the rest of its pack.
mod canvas {
    pub(crate) type Gaussian = [f32; 5];
    pub(crate) type Corners = [f32; 4];
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(bank) = bank::Bank::from_bytes(bytes.to_vec()) {
        let _ = bank.get(207, 0, 1);
    }
});
