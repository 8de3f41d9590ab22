//! Token files: the fuzzer's bytes as they are, and the bytes with a valid checksum appended. Without the checksum the decoder would
//! reject them before it reads their content.
#![no_main]

#[path = "../../nodes/gpstoken/src/token_file/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of the pack, which uses all of it")]
mod token_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let sealed = [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat();
    for bytes in [bytes, &sealed] {
        let Ok((file, _)) = token_file::decode(bytes) else { continue };
        assert!(file.gaussians.len() == file.batch * file.tokens * 5);
        // Encoding and decoding a file returns the same numbers. Files with very long padding are slow, and the check skips them.
        if file.gaussians.len() + file.textures.len() > 1 << 20 {
            continue;
        }
        let again = token_file::encode(&file, token_file::Bits::EXACT).expect("an exact encoding");
        let (again, _) = token_file::decode(&again).expect("a readable file");
        assert!(again.gaussians.iter().map(|n| n.to_bits()).eq(file.gaussians.iter().map(|n| n.to_bits())));
        assert!(again.textures.iter().map(|n| n.to_bits()).eq(file.textures.iter().map(|n| n.to_bits())));
    }
});
