//! `std.LoadImage`: the many kinds of TIFF.

use crate::{
    floats,
    load::{encoded, load_bytes},
    load_damaged::refused,
};
use image::{ImageFormat, RgbImage};
use insta::assert_snapshot;
use std::io::Write;

/// Tags of TIFF, by their numbers.
type Tags = Vec<(u16, Vec<u32>)>;

const STRIPS: [u16; 2] = [273, 279];
const TILES: [u16; 2] = [324, 325];

/// A TIFF file with these tags, and pieces of pixels whose places and lengths stand under the numbers `[offsets, lengths]`.
fn tiff_file(tags: &[(u16, Vec<u32>)], chunks: &[Vec<u8>], [offsets, lengths]: [u16; 2]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let place = |file: &mut Vec<u8>, bytes: &[u8]| {
        let at = file.len() as u32;
        file.extend(bytes);
        at
    };
    let starts: Vec<u32> = chunks.iter().map(|chunk| place(&mut file, chunk)).collect();
    let mut tags = tags.to_vec();
    tags.push((offsets, starts));
    tags.push((lengths, chunks.iter().map(|chunk| chunk.len() as u32).collect()));
    tags.sort();
    let mut directory = (tags.len() as u16).to_le_bytes().to_vec();
    for (tag, values) in tags {
        let (kind, size) = if tag == offsets || tag == lengths { (4u16, 4) } else { (3, 2) };
        let mut list: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()[..size].to_vec()).collect();
        if list.len() > 4 {
            list = place(&mut file, &list).to_le_bytes().to_vec();
        }
        list.resize(4, 0);
        directory.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        directory.extend([&(values.len() as u32).to_le_bytes()[..], &list].concat());
    }
    directory.extend([0; 4]);
    let at = place(&mut file, &directory);
    file[4..8].copy_from_slice(&at.to_le_bytes());
    file
}

/// The tags of a picture in one piece: width, height, bits of each sample, and the kind of its colours.
fn plain(width: u32, height: u32, bits: &[u32], colours: u32) -> Tags {
    vec![
        (256, vec![width]),
        (257, vec![height]),
        (258, bits.to_vec()),
        (259, vec![1]),
        (262, vec![colours]),
        (277, vec![bits.len() as u32]),
        (278, vec![height]),
    ]
}

fn with(mut tags: Tags, more: &[(u16, &[u32])]) -> Tags {
    for (tag, values) in more {
        tags.retain(|(other, _)| other != tag);
        tags.push((*tag, values.to_vec()));
    }
    tags
}

/// The values of a picture in one strip.
fn strip(tags: &[(u16, Vec<u32>)], pixels: &[u8]) -> Vec<f32> {
    floats(&load_bytes("a.tif", &tiff_file(tags, &[pixels.to_vec()], STRIPS)).0).to_vec()
}

/// The first channel of a grey picture in one strip.
fn grey(tags: &[(u16, Vec<u32>)], pixels: &[u8]) -> Vec<f32> {
    strip(tags, pixels).chunks(3).map(|pixel| pixel[0]).collect()
}

#[test]
fn a_tiff_with_planes_in_tiles_is_read_whole() {
    let value = |x: usize, y: usize, c: usize| (x * 7 + y * 3 + c * 50) as u8;
    // The last tiles reach beyond the picture on no side, on one, and on both.
    for (width, height) in [(48usize, 32usize), (40, 32), (48, 21), (37, 50), (5, 7)] {
        let (across, down) = (width.div_ceil(16), height.div_ceil(16));
        let tiles = (0..3 * across * down).map(|index| {
            let (c, x, y) = (index / (across * down), index % across * 16, index / across % down * 16);
            (0..256).map(|i| value(x + i % 16, y + i / 16, c)).collect()
        });
        let tags = [(256, width), (257, height), (259, 1), (262, 2), (277, 3), (284, 2), (322, 16), (323, 16)];
        let mut tags: Vec<(u16, Vec<u32>)> = tags.map(|(tag, value)| (tag, vec![value as u32])).to_vec();
        tags.push((258, vec![8; 3]));
        let file = tiff_file(&tags, &tiles.collect::<Vec<_>>(), [324, 325]);
        let (image, _) = load_bytes("a.tif", &file);
        assert_eq!(image.image.shape(), [1, height, width, 3]);
        let expected = (0..width * height * 3).map(|i| f32::from(value(i / 3 % width, i / 3 / width, i % 3)) / 255.0);
        assert!(floats(&image) == expected.collect::<Vec<_>>(), "{width} x {height}");
    }
}

#[test]
fn colours_that_are_multiplied_by_alpha_become_plain() {
    let tags = [(256, 2), (257, 1), (259, 1), (262, 2), (277, 4), (338, 1), (278, 1)];
    let mut tags: Vec<(u16, Vec<u32>)> = tags.map(|(tag, value)| (tag, vec![value])).to_vec();
    tags.push((258, vec![8; 4]));
    let file = tiff_file(&tags, &[vec![51, 102, 0, 102, 7, 0, 0, 0]], [273, 279]);
    let (image, mask) = load_bytes("a.tif", &file);
    assert_eq!(floats(&image), [0.5, 1.0, 0.0, 7.0 / 255.0, 0.0, 0.0]);
    assert_eq!(mask.mask.as_slice::<f32>().unwrap(), [1.0 - 0.4, 1.0]);
}

#[test]
fn small_greys_take_the_whole_range() {
    assert_eq!(grey(&plain(4, 1, &[1], 1), &[0b0110_0000]), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(grey(&plain(4, 1, &[1], 0), &[0b0110_0000]), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(grey(&plain(4, 1, &[2], 1), &[0b0001_1011]), [0.0, 85.0 / 255.0, 170.0 / 255.0, 1.0]);
    assert_eq!(grey(&plain(3, 1, &[4], 1), &[0x0f, 0x50]), [0.0, 1.0, 85.0 / 255.0]);
    assert_eq!(grey(&plain(2, 1, &[12], 1), &[0xff, 0xf8, 0x00]), [1.0, 2048.0 / 4095.0]);
}

#[test]
fn whole_numbers_become_a_part_of_the_largest_one_and_floats_stay() {
    let two = |bits: u32, kind: u32, bytes: &[u8]| grey(&with(plain(2, 1, &[bits], 1), &[(339, &[kind])]), bytes);
    assert_eq!(two(16, 1, &[0, 0x80, 0xff, 0xff]), [32768.0 / 65535.0, 1.0]);
    assert_eq!(two(32, 1, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), [0.0, 1.0]);
    assert_eq!(two(8, 2, &[127, 0x80]), [1.0, -128.0 / 127.0]);
    assert_eq!(two(16, 2, &[0xff, 0x7f, 0, 0]), [1.0, 0.0]);
    assert_eq!(two(16, 3, &[0, 0x3c, 0, 0xc0]), [1.0, -2.0]);
    assert_eq!(two(32, 3, &[1.5_f32.to_le_bytes(), (-7.0_f32).to_le_bytes()].concat()), [1.5, -7.0]);
    assert_eq!(two(64, 3, &[1.5_f64.to_le_bytes(), (-7.0_f64).to_le_bytes()].concat()), [1.5, -7.0]);
}

#[test]
fn a_palette_is_looked_up() {
    // All reds, then all greens, then all blues; once with 16 bits, once with the 8 bits that some programs write.
    for factor in [257, 1] {
        let palette = [0, 255, 51, 0, 0, 102, 255, 0, 0, 153, 51, 255].map(|v| v * factor);
        let tags = with(plain(4, 1, &[2], 3), &[(320, &palette)]);
        let v = |v: u32| v as f32 / 255.0;
        let expected = [v(0), v(0), v(0), v(255), v(102), v(153), v(51), v(255), v(51), v(0), v(0), v(255)];
        assert_eq!(strip(&tags, &[0b0001_1011]), expected);
    }
    let tags = with(plain(1, 1, &[8, 8], 3), &[(320, &[0x6600; 768]), (338, &[2])]);
    let (image, mask) = load_bytes("a.tif", &tiff_file(&tags, &[vec![9, 51]], STRIPS));
    assert_eq!((floats(&image), mask.mask.as_slice::<f32>().unwrap()), (&[0.4; 3][..], &[1.0 - 0.2][..]));
}

#[test]
fn only_a_sample_that_is_declared_so_is_alpha() {
    let pixel = [255, 0, 0, 51];
    let load = |kind: u32| {
        load_bytes("a.tif", &tiff_file(&with(plain(1, 1, &[8; 4], 2), &[(338, &[kind])]), &[pixel.to_vec()], STRIPS))
    };
    assert_eq!(load(0).1.mask.as_slice::<f32>().unwrap(), [0.0]);
    assert_eq!(load(2).1.mask.as_slice::<f32>().unwrap(), [1.0 - 0.2]);
}

#[test]
fn inks_become_colours() {
    let pixels = [0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 51, 51];
    let expected = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.8, 0.8, 0.8 * 0.8];
    let values = strip(&plain(3, 1, &[8; 4], 5), &pixels);
    assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}");
}

#[test]
fn brightness_and_differences_become_colours() {
    // Four pixels of one colour pair, and a width that ends inside the second group.
    let groups = [16, 32, 48, 64, 128, 128, 80, 0, 96, 0, 128, 128];
    let tags = with(plain(3, 2, &[8; 3], 6), &[(530, &[2, 2])]);
    assert_eq!(grey(&tags, &groups), [16, 32, 80, 48, 64, 96].map(|v| v as f32 / 255.0));
    // Red as JPEG has it.
    let red = strip(&with(plain(1, 1, &[8; 3], 6), &[(530, &[1, 1])]), &[76, 85, 255]);
    assert!(red.iter().zip([254.0, 0.0, 0.0]).all(|(a, b)| (a * 255.0 - b).abs() < 1.5), "{red:?}");
}

/// A picture of 40 x 24 in tiles of 16 x 16, packed by `pack`.
fn tiled(compression: u32, more: &[(u16, &[u32])], pack: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<f32> {
    let tile = |index: usize| {
        let (left, top) = (index % 3 * 16, index / 3 * 16);
        pack((0..256).map(|i| ((left + i % 16) * 6 + (top + i / 16) * 5) as u8).collect())
    };
    let tags = with(plain(40, 24, &[8], 1), &[(259, &[compression]), (322, &[16]), (323, &[16])]);
    let file = tiff_file(&with(tags, more), &(0..6).map(tile).collect::<Vec<_>>(), TILES);
    floats(&load_bytes("a.tif", &file).0).chunks(3).map(|pixel| pixel[0]).collect()
}

/// Rows of 16 as differences from the pixel before.
fn differences(tile: Vec<u8>) -> Vec<u8> {
    tile.iter().enumerate().map(|(at, v)| if at % 16 == 0 { *v } else { v.wrapping_sub(tile[at - 1]) }).collect()
}

#[test]
fn all_common_compressions_give_the_same_pixels() {
    let expected: Vec<f32> =
        (0..40 * 24).map(|i| (i % 40 * 6 + i / 40 * 5) as u8).map(|v| f32::from(v) / 255.0).collect();
    let zlib = |data: Vec<u8>| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&data).unwrap();
        packed.finish().unwrap()
    };
    let lzw =
        |data: Vec<u8>| weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(&data).unwrap();
    // Some programs leave out the code for the end.
    let lzw_without_end = |data: Vec<u8>| {
        let mut packed = lzw([data, vec![1, 2, 3, 4]].concat());
        packed.truncate(packed.len() - 2);
        packed
    };
    let zstd =
        |data: Vec<u8>| ruzstd::encoding::compress_to_vec(&data[..], ruzstd::encoding::CompressionLevel::Fastest);
    let pack_bits = |data: Vec<u8>| data.chunks(100).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect();
    let reversed = |data: Vec<u8>| data.into_iter().map(u8::reverse_bits).collect();
    assert!(tiled(1, &[], |data| data) == expected);
    assert!(tiled(1, &[(266, &[2])], reversed) == expected);
    assert!(tiled(8, &[], zlib) == expected);
    assert!(tiled(5, &[], lzw) == expected);
    assert!(tiled(5, &[], lzw_without_end) == expected);
    assert!(tiled(32773, &[], pack_bits) == expected);
    assert!(tiled(50000, &[], zstd) == expected);
    assert!(tiled(8, &[(317, &[2])], |data| zlib(differences(data))) == expected);
    assert!(tiled(5, &[(317, &[2])], |data| lzw(differences(data))) == expected);
}

#[test]
fn jpeg_inside_is_decoded_as_the_tags_say() {
    let picture = RgbImage::from_fn(32, 16, |x, y| image::Rgb([x as u8 * 8, y as u8 * 16, 90]));
    let jpeg = encoded(picture, ImageFormat::Jpeg);
    let alone = load_bytes("a.jpg", &jpeg).0;
    let tags = with(plain(32, 16, &[8; 3], 6), &[(259, &[7])]);
    let inside = strip(&tags, &jpeg);
    assert!(floats(&alone).iter().zip(&inside).all(|(a, b)| (a - b).abs() <= 2.0 / 255.0));
    // As RGB, the three components are colours: a bright first one is red.
    let rgb = strip(&with(tags, &[(262, &[2])]), &jpeg);
    let luma = |p: &[f32]| 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
    assert!((rgb[0] - luma(&inside[..3])).abs() <= 2.0 / 255.0);
}

#[test]
fn bigtiff_of_both_byte_orders_is_read() {
    for big_endian in [false, true] {
        let number = |value: u64, bytes: usize| {
            let all = value.to_be_bytes()[8 - bytes..].to_vec();
            if big_endian { all } else { all.into_iter().rev().collect() }
        };
        let entry = |tag: u64, kind: u64, value: u64| {
            let size = if kind == 3 { 2 } else { 8 };
            let mut field = number(value, size);
            field.resize(8, 0);
            [number(tag, 2), number(kind, 2), number(1, 8), field].concat()
        };
        let entries = [
            (256, 3, 2),
            (257, 3, 1),
            (258, 3, 16),
            (259, 3, 1),
            (262, 3, 1),
            (273, 16, 16),
            (278, 3, 1),
            (279, 16, 4),
        ];
        let head = if big_endian { b"MM" } else { b"II" };
        let file = [
            head.to_vec(),
            [number(43, 2), number(8, 2), number(0, 2), number(24, 8)].concat(),
            [number(256, 2), number(65535, 2), vec![0; 4]].concat(),
            number(8, 8),
            entries.into_iter().flat_map(|(tag, kind, value)| entry(tag, kind, value)).collect(),
            vec![0; 8],
        ];
        let (image, _) = load_bytes("a.tif", &file.concat());
        assert_eq!(floats(&image)[..4], [256.0 / 65535.0, 256.0 / 65535.0, 256.0 / 65535.0, 1.0]);
    }
}

#[test]
fn what_is_not_supported_is_named_and_never_called_damaged() {
    let refused = |more: &[(u16, &[u32])]| {
        let file = tiff_file(&with(plain(1, 1, &[8; 3], 2), more), &[vec![0; 64]], STRIPS);
        let message = refused("a.tif", &file);
        assert!(!message.contains("damaged"), "{message}");
        message
    };
    assert_snapshot!(refused(&[(262, &[8])]), @"path: reading a picture: expected a TIFF file of a common kind, got one with Lab colours, which is not supported; convert it to PNG with another program first: <folder>/a.tif");
    for (more, words) in [
        (&[(262, &[8_u32][..])][..], "Lab colours"),
        (&[(259, &[6])], "old JPEG compression"),
        (&[(259, &[34887])], "LERC compression"),
        (&[(259, &[34925])], "LZMA compression"),
        (&[(259, &[50001])], "WebP compression"),
        (&[(259, &[34712])], "JPEG 2000 compression"),
        (&[(259, &[2])], "CCITT"),
        (&[(259, &[999])], "unknown (999) compression"),
        (&[(258, &[5, 6, 5])], "different bits"),
        (&[(339, &[6, 6, 6])], "complex numbers"),
        (&[(262, &[32803])], "raw pixels"),
        (&[(50706, &[1])], "DNG"),
        (&[(262, &[5]), (332, &[2])], "other inks"),
    ] {
        assert!(refused(more).contains(words), "{words}: {}", refused(more));
    }
}
