//! Tests of token files: round trips, errors, and the example in `FORMAT.md`.

use splatgraph_pack_gpstoken::{
    generator::bank::Bank,
    nodes::files::load_tokens::load_tokens,
    nodes::files::save_tokens::save_tokens,
    token_file::{Bits, TokenFile, decode, encode},
};
use splatgraph_sdk::{
    prelude::*,
    testing::{json, run},
};
use std::path::Path;

/// The bits of the example in `FORMAT.md`.
const EXAMPLE: Bits = Bits { position: 8, size: 6, rho: 5, texture: 6 };

/// Numbers from 0 to 1, a Weyl sequence through a mixer.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }
}

/// Tokens of any shape; every other token has numbers of any size.
fn random_file(seed: u64) -> TokenFile {
    let mut random = Random(seed);
    let (batch, tokens, channels) = (1 + random.below(3), random.below(40), random.below(9));
    let wild = seed.is_multiple_of(2);
    let mut number = |positive: bool| {
        let number = if wild {
            let bits = f32::from_bits(random.next() as u32);
            if bits.is_finite() { bits } else { f32::MAX }
        } else {
            random.unit() * 2.0 - 1.0
        };
        if positive { number.abs().max(f32::from_bits(1)) } else { number }
    };
    let rows = batch * tokens;
    let gaussians = (0..rows * 5).map(|i| number(i % 5 < 2)).collect();
    let textures = (0..rows * channels).map(|_| number(false)).collect();
    let counts = seed.is_multiple_of(3).then(|| (0..batch).map(|_| random.below(tokens + 1)).collect());
    let mut file = TokenFile {
        batch,
        tokens,
        channels,
        gaussians,
        textures,
        counts,
        canvas: [1 + random.below(65_536) as u32, 1 + random.below(65_536) as u32],
        tile: 256,
        grid: [1 + random.below(300) as u32, 1],
        map: seed.is_multiple_of(5).then_some([64, 63]),
        support: seed.is_multiple_of(7).then_some(1.75),
        model: (!seed.is_multiple_of(4)).then(|| "größer".to_owned()),
    };
    // Padding is not stored.
    for (picture, used) in file.counts.clone().into_iter().flatten().enumerate() {
        file.gaussians[(picture * tokens + used) * 5..(picture + 1) * tokens * 5].fill(0.0);
        file.textures[(picture * tokens + used) * channels..(picture + 1) * tokens * channels].fill(0.0);
    }
    file
}

fn bits_of(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn exact_files_keep_every_bit() {
    for seed in 0..200 {
        let mut file = random_file(seed);
        if let Some(last) = file.gaussians.last_mut().filter(|_| file.counts.is_none()) {
            *last = f32::NEG_INFINITY;
        }
        let (again, bits) = decode(&encode(&file, Bits::EXACT).unwrap()).unwrap();
        assert_eq!(bits, Bits::EXACT);
        assert_eq!(bits_of(&again.gaussians), bits_of(&file.gaussians));
        assert_eq!(again, file);
    }
}

#[test]
fn quantised_files_are_within_half_a_step() {
    for seed in 0..400 {
        let file = random_file(seed);
        let mut random = Random(seed + 1000);
        let mut bits = || 1 + random.below(16) as u8;
        let bits = Bits { position: bits(), size: bits(), rho: bits(), texture: bits() };
        let bytes = encode(&file, bits).unwrap();
        let (again, _) = decode(&bytes).unwrap();
        assert_eq!((&again.counts, &again.model, again.canvas), (&file.counts, &file.model, file.canvas));
        let used = |numbers: &[f32], width: usize| -> Vec<f32> {
            let counts = file.counts.clone().unwrap_or_else(|| vec![file.tokens; file.batch]);
            let rows = counts.iter().enumerate().flat_map(|(b, used)| b * file.tokens..b * file.tokens + used);
            rows.flat_map(|row| numbers[row * width..][..width].to_vec()).collect()
        };
        let columns = |file: &TokenFile, from: usize, to: usize| -> Vec<f32> {
            used(&file.gaussians, 5).chunks_exact(5).flat_map(|g| g[from..to].to_vec()).collect()
        };
        let textures = |file: &TokenFile| used(&file.textures, file.channels);
        let groups = [
            (columns(&file, 3, 5), columns(&again, 3, 5), bits.position),
            (columns(&file, 0, 2), columns(&again, 0, 2), bits.size),
            (columns(&file, 2, 3), columns(&again, 2, 3), bits.rho),
            (textures(&file), textures(&again), bits.texture),
        ];
        for (group, (before, after, bits)) in groups.into_iter().enumerate() {
            assert_eq!(before.len(), after.len());
            let scale = |number: &f32| if group == 1 { f64::from(*number).ln() } else { f64::from(*number) };
            let scaled: Vec<f64> = before.iter().map(scale).collect();
            let (low, high) = scaled.iter().fold((f64::MAX, f64::MIN), |(low, high), n| (low.min(*n), high.max(*n)));
            let step = (high - low) / f64::from((1u32 << bits) - 1);
            for (before, after) in scaled.iter().zip(after.iter().map(scale)) {
                // Beyond the step, ranges and results are rounded to f32, in which the smallest sizes have few digits.
                let rounding = if after < -87.0 { 0.5 } else { 1e-6 * before.abs().max(low.abs()).max(high.abs()) };
                let apart = (before - after).abs();
                assert!(apart <= step / 2.0 + rounding, "seed {seed}: {before} became {after}, a step is {step}");
            }
        }
    }
}

#[test]
fn a_quantised_file_written_again_is_the_same() {
    for seed in (1..100).step_by(2) {
        let bits = Bits { position: 7, size: 0, rho: 3, texture: 9 };
        let bytes = encode(&random_file(seed), bits).unwrap();
        let (file, _) = decode(&bytes).unwrap();
        assert_eq!(encode(&file, bits).unwrap(), bytes, "seed {seed}");
    }
}

/// The file of the worked example: two tokens of one channel.
fn example() -> TokenFile {
    TokenFile {
        batch: 1,
        tokens: 2,
        channels: 1,
        gaussians: vec![0.25, 0.125, 0.0, -0.5, -0.5, 0.5, 0.25, 0.25, 0.5, 0.75],
        textures: vec![-1.0, 2.0],
        canvas: [256, 256],
        tile: 256,
        grid: [1, 1],
        support: Some(3.0),
        model: Some("small".to_owned()),
        ..TokenFile::default()
    }
}

#[test]
fn the_worked_example_in_the_documentation_is_right() {
    let bytes = encode(&example(), EXAMPLE).unwrap();
    let text = include_str!("../../FORMAT.md");
    let block = text.split("```hex\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let documented: Vec<u8> = block
        .lines()
        .flat_map(|line| line[6..].split("  ").next().unwrap().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    assert_eq!(hex(&documented), hex(&bytes));
    // Its offsets are right too.
    let mut offset = 0;
    for line in block.lines() {
        assert_eq!(line[..4].trim().parse(), Ok(offset), "{line}");
        offset += line[6..].split("  ").next().unwrap().split_whitespace().count();
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_an_error() {
    for bits in [EXAMPLE, Bits::EXACT] {
        let bytes = encode(&random_file(21), bits).unwrap();
        decode(&bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&flipped).is_err(), "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{end} bytes");
        }
        assert!(decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
}

/// The bytes with their checksum.
fn sealed(content: &[u8]) -> Vec<u8> {
    [content, &crc32fast::hash(content).to_le_bytes()].concat()
}

#[test]
fn errors_name_the_fault_of_a_file() {
    let error = |bytes: &[u8]| decode(bytes).unwrap_err();
    let bytes = encode(&example(), EXAMPLE).unwrap();
    let content = &bytes[..bytes.len() - 4];
    let changed = |at: usize, to: &[u8]| {
        let mut content = content.to_vec();
        content.splice(at..at + to.len(), to.iter().copied());
        error(&sealed(&content))
    };
    insta::assert_snapshot!(error(b"\x89PNG\r\n\x1a\n"), @"expected a token file, which begins with GPST, got another kind of file");
    insta::assert_snapshot!(error(b"GPST\x01\x00"), @"expected a whole file, got one that ends too early. Copy it again from its source");
    insta::assert_snapshot!(error(&bytes[..40]), @"expected a whole file, got a wrong checksum: the file is damaged or cut off. Copy it again from its source");
    insta::assert_snapshot!(changed(4, &[2]), @"expected version 1 of the format, got version 2. Update this program");
    insta::assert_snapshot!(changed(5, &[0x50]), @"expected a file in this format, got the unknown flags 0x50. The checksum fits, so the program that wrote the file has an error");
    insta::assert_snapshot!(changed(6, &[17]), @"expected a file in this format, got Bits { position: 17, size: 6, rho: 5, texture: 6 }, more than 16. The checksum fits, so the program that wrote the file has an error");
    insta::assert_snapshot!(changed(10, &[0xff, 0xff, 0xff, 0xff, 0x0f]), @"expected a file in this format, got 4294967295 pictures of 256 tokens with 256 channels, too many for 79 bytes. The checksum fits, so the program that wrote the file has an error");
    insta::assert_snapshot!(changed(10, &[0xff, 0xff, 0xff, 0xff, 0xff]), @"expected a file in this format, got a malformed number. The checksum fits, so the program that wrote the file has an error");
    insta::assert_snapshot!(error(&sealed(&[content, &[0, 0, 0, 1]].concat())), @"expected a file in this format, got extra bytes at the end. The checksum fits, so the program that wrote the file has an error");
    // The first words decode to nothing: a state of 0 is not yet the end.
    let words = [1u32, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    let forged = sealed(&[&content[..63], &words].concat());
    insta::assert_snapshot!(error(&forged), @"expected a file in this format, got extra bytes at the end. The checksum fits, so the program that wrote the file has an error");
    insta::assert_snapshot!(error(&sealed(&[content, &[1]].concat())), @"expected a file in this format, got extra bytes at the end. The checksum fits, so the program that wrote the file has an error");
    insta::assert_snapshot!(error(&sealed(&content[..50])), @"expected a file in this format, got an early end. The checksum fits, so the program that wrote the file has an error");
}

#[test]
fn numbers_that_fit_no_step_are_named() {
    let saved = |change: &dyn Fn(&mut TokenFile), bits| {
        let mut file = example();
        change(&mut file);
        encode(&file, bits).map(|_| ()).unwrap_err()
    };
    insta::assert_snapshot!(saved(&|file| file.gaussians[5] = 0.0, EXAMPLE), @"expected a size above 0 in the group size, as 6 bits can store no other, got 0 for token 1 of picture 0. Set size to 0, which stores numbers exactly");
    insta::assert_snapshot!(saved(&|file| file.textures[0] = f32::INFINITY, EXAMPLE), @"expected a finite number in the group texture, as 6 bits can store no other, got inf for token 0 of picture 0. Set texture to 0, which stores numbers exactly");
    insta::assert_snapshot!(saved(&|file| { file.textures.pop(); }, EXAMPLE), @"expected 2 gaussians and as many textures, got [10, 1] numbers");
    let padding = |file: &mut TokenFile| {
        *file = TokenFile { tokens: 1 << 20, counts: Some(vec![1]), ..file.clone() };
        file.gaussians.resize(5 << 20, 0.5);
        file.textures.resize(1 << 20, 0.5);
    };
    insta::assert_snapshot!(saved(&padding, EXAMPLE), @"expected tokens that are not nearly all padding or equal, got 1 picture of 1048576 tokens in 74 bytes. Save fewer at a time");
}

#[test]
fn equal_tokens_take_hardly_any_bytes() {
    let file = TokenFile { tokens: 1000, gaussians: vec![0.5; 5000], textures: vec![0.25; 1000], ..example() };
    let bytes = encode(&file, EXAMPLE).unwrap();
    assert!(bytes.len() < 100, "{} bytes", bytes.len());
    let (again, _) = decode(&bytes).unwrap();
    assert_eq!((again.gaussians, again.textures), (file.gaussians, file.textures));
}

/// The aim of the defaults; `FORMAT.md` has their cost in PSNR.
#[test]
fn a_photo_of_128_tokens_takes_less_than_3400_bytes() {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../graphs/chelsea.tokens.safetensors");
    let tokens = Tokens::from_record(Record::load(&photo).unwrap()).unwrap();
    assert_eq!(tokens.textures.shape(), [1, 128, 32]);
    let folder = tempfile::tempdir().unwrap();
    let inputs = [("tokens", tokens.into_value().unwrap())];
    let saved = run::<save_tokens>(json!({"path": folder.path().join("photo.gpst")}), inputs).unwrap();
    assert!(saved[1].as_int().unwrap() <= 3_400, "{:?}", saved[1].as_int());
}

#[test]
fn nodes_write_and_read_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("tokens.gpst");
    let gaussians = Tensor::from_vec([2, 3, 5], (1..31).map(|i| i as f32 / 32.0).collect()).unwrap();
    let textures = Tensor::from_vec([2, 3, 2], (0..12).map(|i| i as f32).collect()).unwrap();
    let counts = Tensor::from_vec([2], vec![3i64, 2]).unwrap();
    let header = Canvas { support: Some(1.75), model: Some("small".to_owned()), ..Canvas::default() };
    let tokens = Tokens::new(gaussians, textures, Some(counts), header.clone()).unwrap().into_value().unwrap();
    let exact = json!({"path": path, "position": 0, "size": 0, "rho": 0, "texture": 0});
    let saved = run::<save_tokens>(exact, [("tokens", tokens.clone())]).unwrap();
    assert_eq!(saved[1].as_int(), Some(std::fs::metadata(&path).unwrap().len().into()));
    let loaded = run::<load_tokens>(json!({"path": path}), []).unwrap();
    let loaded = Tokens::from_value(&loaded[0]).unwrap();
    assert_eq!(loaded.header, header);
    assert_eq!(loaded.counts.unwrap().as_slice::<i64>().unwrap(), [3, 2]);
    assert_eq!(loaded.textures.as_slice::<f32>().unwrap()[..10], (0..10).map(|i| i as f32).collect::<Vec<_>>());
    assert_eq!(loaded.textures.as_slice::<f32>().unwrap()[10..], [0.0, 0.0]);
    let names: Vec<_> = std::fs::read_dir(folder.path().join("new")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["tokens.gpst"]);

    let shown = |error: Error| {
        format!("{:?}: {}", error.input, error.message).replace(folder.path().to_str().unwrap(), "[DIR]")
    };
    std::fs::write(&path, b"GPST\x09 from the future").unwrap();
    insta::assert_snapshot!(shown(run::<load_tokens>(json!({"path": path}), []).unwrap_err()), @r#"Some("path"): reading tokens: expected version 1 of the format, got version 9. Update this program: [DIR]/new/tokens.gpst"#);
    let missing = folder.path().join("none.gpst");
    insta::assert_snapshot!(shown(run::<load_tokens>(json!({"path": missing}), []).unwrap_err()), @r#"Some("path"): reading tokens: No such file or directory (os error 2): [DIR]/none.gpst"#);
    let below = path.join("below.gpst");
    insta::assert_snapshot!(shown(run::<save_tokens>(json!({"path": below}), [("tokens", tokens.clone())]).unwrap_err()), @r#"Some("path"): writing tokens; check that the folder exists, is writable and has space: File exists (os error 17): [DIR]/new/tokens.gpst/below.gpst"#);
    insta::assert_snapshot!(shown(run::<save_tokens>(json!({"path": path, "rho": 17}), [("tokens", tokens)]).unwrap_err()), @r#"Some("rho"): expected a number of at most 16, got 17"#);
}

/// Reads the corpus of the fuzzer: no file causes a panic, and every token file that is read can be written again.
#[test]
fn the_corpus_is_read_without_a_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut replayed = 0;
    for entry in std::fs::read_dir(corpus.join("token_file")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for bytes in [bytes.clone(), sealed(&bytes)] {
            if let Ok((file, bits)) = decode(&bytes) {
                encode(&file, bits).unwrap();
            }
        }
        replayed += 1;
    }
    assert!(replayed > 10, "{replayed}");
    for entry in std::fs::read_dir(corpus.join("layout_bank")).unwrap() {
        if let Ok(bank) = Bank::from_bytes(std::fs::read(entry.unwrap().path()).unwrap()) {
            drop(bank.get(207, 0, 1));
        }
    }
}
