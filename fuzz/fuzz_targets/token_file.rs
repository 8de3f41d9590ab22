//! Token files, as they come and with the checksum that they need: without it nothing behind it would be reached.
#![no_main]

#[path = "../../nodes/gpstoken/src/token_file/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of the pack, which uses all of it")]
mod token_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let sealed = [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat();
    for bytes in [bytes, &sealed] {
        let Ok((file, bits)) = token_file::decode(bytes) else { continue };
        assert!(file.gaussians.len() == file.batch * file.tokens * 5);
        // What was read can be written, and then is the same; padding without end is slow and may not be written again.
        if file.gaussians.len() + file.textures.len() > 1 << 20 {
            continue;
        }
        let again = token_file::encode(&file, token_file::Bits::EXACT).expect("it can be written exactly");
        let (again, _) = token_file::decode(&again).expect("what was written can be read");
        assert!(again.gaussians.iter().map(|n| n.to_bits()).eq(file.gaussians.iter().map(|n| n.to_bits())));
        assert!(again.textures.iter().map(|n| n.to_bits()).eq(file.textures.iter().map(|n| n.to_bits())));
    }
});
