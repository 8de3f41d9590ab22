//! Messages of worker processes: frames, JSON, and values in shared memory.
#![no_main]

use splatgraph::words;

#[path = "../../host/src/lock.rs"]
mod lock;

#[path = "../../host/src/packs/worker"]
#[allow(dead_code, reason = "a part of the host, which uses all of it")]
mod worker {
    mod channel;
    mod frame;
    mod memory;
    mod message;
    pub(crate) mod replay;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    worker::replay::replay(bytes);
});
