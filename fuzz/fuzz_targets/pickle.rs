//! Pickles: alone, as an array of NumPy, and as the value of a file of `torch.save` with the keys and numbers of its tensors behind it.
//! Files of torch begin with other pickles, which the fuzzer would have to find first.
#![no_main]

use splatgraph_sdk::checkpoint::{Checkpoint, numpy_array, parse_pickle};

/// The magic number, the version and the facts about the machine.
const HEAD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(pickle) = parse_pickle(bytes) {
        let _ = numpy_array(&pickle);
    }
    let _ = Checkpoint::from_bytes(&[HEAD, bytes].concat());
});
