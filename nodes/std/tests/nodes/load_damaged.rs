//! `std.LoadImage`: files that are no pictures, or no whole ones.

use crate::told;
use image::{DynamicImage, ImageFormat, RgbImage};
use insta::assert_snapshot;
use splatgraph_pack_std::load_image::load_image;
use splatgraph_sdk::testing::{Recorder, json, run, run_with};
use std::{fs, io::Cursor};

/// The error for a file of these bytes.
pub(crate) fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    told(run::<load_image>(json!({"path": path}), []), folder.path())
}

fn noise(format: ImageFormat) -> Vec<u8> {
    let picture =
        RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * 7919 + y * 104_729) as u8, (x * y) as u8, x as u8]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG that says it has this size, with hardly any data.
fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]).unwrap();
    drop(writer);
    bytes
}

#[test]
fn what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.png");
    assert_snapshot!(told(run::<load_image>(json!({"path": missing}), []), folder.path()), @"path: reading a picture: expected a file, found none; check the name and the folder: <folder>/missing.png");
    assert_snapshot!(told(run::<load_image>(json!({"path": folder.path()}), []), folder.path()), @"path: reading a picture: expected a picture file, got a folder: <folder>");
}

#[test]
fn what_is_no_picture() {
    assert_snapshot!(refused("a.png", b""), @"path: reading a picture: expected a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR), got an empty file: <folder>/a.png");
    assert_snapshot!(refused("a.png", b"{\"version\": 1, \"nodes\": {}}"), @r#"path: reading a picture: expected a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR), got a file that starts with "{\"version\": 1, \"": <folder>/a.png"#);
    assert_snapshot!(refused("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0"), @"path: reading a picture: expected a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR), got HEIC, which is not supported; convert it to PNG or JPEG with another program first: <folder>/a.heic");
    assert_snapshot!(refused("a.avif", b"\0\0\0\0ftypavif\0\0\0\0"), @"path: reading a picture: expected a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR), got AVIF, which is not supported; convert it to PNG or JPEG with another program first: <folder>/a.avif");
    assert_snapshot!(refused("a.tga", b"no picture either, only a name"), @"path: reading a picture: expected a TGA file of a common kind, got one with pixels of type Unknown(114), which is not supported; convert it to PNG with another program first: <folder>/a.tga");
}

#[test]
fn a_picture_that_is_cut_off() {
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("a.jpg", ImageFormat::Jpeg),
        ("a.webp", ImageFormat::WebP),
        ("a.bmp", ImageFormat::Bmp),
        ("a.gif", ImageFormat::Gif),
        ("a.tiff", ImageFormat::Tiff),
        ("a.qoi", ImageFormat::Qoi),
        ("a.ppm", ImageFormat::Pnm),
        ("a.tga", ImageFormat::Tga),
        ("a.ico", ImageFormat::Ico),
    ] {
        let whole = noise(format);
        for length in [3, 20, 40, whole.len() / 2, whole.len() * 9 / 10] {
            refused(name, &whole[..length]);
        }
    }
    let half = |format| {
        let whole = noise(format);
        whole[..whole.len() / 2].to_vec()
    };
    assert_snapshot!(refused("a.png", &half(ImageFormat::Png)), @"path: reading a picture: expected a whole PNG file, got a damaged or truncated one (the file ends too early); get the file again: <folder>/a.png");
    assert_snapshot!(refused("a.jpg", &half(ImageFormat::Jpeg)), @"path: reading a picture: expected a whole JPEG file, got a damaged or truncated one (no end marker in 2283 bytes, and not all pixels); get the file again: <folder>/a.jpg");
    assert_snapshot!(refused("a.webp", &half(ImageFormat::WebP)), @"path: reading a picture: expected a whole WebP file, got a damaged or truncated one (Corrupt bitstream); get the file again: <folder>/a.webp");
}

#[test]
fn a_jpeg_preview_is_not_taken_for_the_end() {
    // A preview inside a segment has an end marker of its own.
    let whole = noise(ImageFormat::Jpeg);
    let segment = [&[0xff, 0xe1, 0, 8][..], &[1, 2, 0xff, 0xd9, 3, 4]].concat();
    let cut = [&whole[..2], &segment, &whole[2..whole.len() / 2]].concat();
    assert!(refused("a.jpg", &cut).contains("end marker"));
}

#[test]
fn a_damaged_picture() {
    let mut png = noise(ImageFormat::Png);
    let middle = png.len() / 2;
    png[middle] ^= 0xff;
    assert_snapshot!(refused("a.png", &png), @"path: reading a picture: expected a whole PNG file, got a damaged or truncated one (Unknown filter method 33); get the file again: <folder>/a.png");
}

#[test]
fn a_picture_that_is_too_large() {
    assert_snapshot!(refused("a.png", &png_that_claims(100_000, 100_000)), @"path: reading a picture: expected a picture that takes at most 1 GB of memory beyond twice the size of its file, got a picture of 100000 x 100000 = 10000000000 pixels, which takes 150000 MB for a file of 65 bytes; make it smaller with another program first, or allow it with --max-pixels 10000000000: <folder>/a.png");
    // Within the limit, but the file is too short to hold so much.
    assert_snapshot!(refused("a.png", &png_that_claims(16_384, 16_384)), @"path: reading a picture: expected a picture that takes at most 1 GB of memory beyond twice the size of its file, got a picture of 16384 x 16384 = 268435456 pixels, which takes 4027 MB for a file of 65 bytes; make it smaller with another program first, or allow it with --max-pixels 268435456: <folder>/a.png");
    assert_snapshot!(refused("a.webp", &webp_that_claims(16_383, 16_383)), @"path: reading a picture: expected a picture that takes at most 1 GB of memory beyond twice the size of its file, got a picture of 16383 x 16383 = 268402689 pixels, which takes 4027 MB for a file of 34 bytes; make it smaller with another program first, or allow it with --max-pixels 268402689: <folder>/a.webp");
    assert_snapshot!(refused("a.png", &png_that_claims(7000, 7000)), @"path: reading a picture: expected a whole PNG file, got a damaged or truncated one (IDAT or fDAT chunk does not have enough data for image); get the file again: <folder>/a.png");
}

/// A lossless WebP that says it has this size: 34 bytes.
fn webp_that_claims(width: u32, height: u32) -> Vec<u8> {
    let size = ((width - 1) | (height - 1) << 14).to_le_bytes();
    [&b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f"[..], &size, &[0x88, 0x88, 8, 0, 0, 0, 0, 0, 0]].concat()
}

/// A GIF of one pixel whose first frame says that it has this size: a bomb of a few bytes.
fn gif_with_a_frame(width: u16, height: u16) -> Vec<u8> {
    let [[w0, w1], [h0, h1]] = [width, height].map(u16::to_le_bytes);
    let head =
        [b"GIF89a", &[1, 0, 1, 0, 0x80, 0, 0][..], &[0, 0, 0, 9, 9, 9], &[0x21, 0xf9, 4, 0, 0, 0, 0, 0]].concat();
    [&head[..], &[0x2c, 0, 0, 0, 0, w0, w1, h0, h1, 0], &[2, 2, 4, 10, 0, 0x3b]].concat()
}

#[test]
fn a_gif_whose_frame_is_larger_than_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gif");
    fs::write(&path, gif_with_a_frame(2, 1)).unwrap();
    assert!(run::<load_image>(json!({"path": path}), []).is_ok());
    assert_snapshot!(refused("a.gif", &gif_with_a_frame(65535, 65535)), @"path: reading a picture: expected a picture that takes at most 1 GB of memory beyond twice the size of its file, got a picture of 65535 x 65535 = 4294836225 pixels, which takes 85897 MB for a file of 43 bytes; make it smaller with another program first, or allow it with --max-pixels 4294836225: <folder>/a.gif");
}

/// A TIFF of one pixel with a list of so many strips.
fn tiff_with_strips(count: u32) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let entries = [
        entry(256, 3, 1, 1),
        entry(257, 3, 1, 1),
        entry(258, 3, 1, 8),
        entry(259, 3, 1, 1),
        entry(262, 3, 1, 1),
        entry(273, 4, count, 8),
        entry(278, 3, 1, 1),
        entry(279, 4, count, 8),
    ];
    [b"II*\0\x08\0\0\0\x08\0", &entries.concat()[..], &[0; 4]].concat()
}

#[test]
fn a_file_whose_facts_take_too_much_memory() {
    assert_snapshot!(refused("a.tiff", &tiff_with_strips(1 << 30)), @"path: reading a picture: expected a whole TIFF file, got a damaged or truncated one (the file ends too early); get the file again: <folder>/a.tiff");
}

#[test]
fn the_user_says_how_many_pixels_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let load = |bytes: &[u8], most: u64| {
        fs::write(&path, bytes).unwrap();
        let host = Recorder::default();
        host.set(json!({"max_pixels": most}));
        run_with::<load_image>(&host, json!({"path": path}), [])
    };
    let whole = noise(ImageFormat::Png);
    assert_eq!(load(&whole, 64 * 64).unwrap().len(), 2);
    assert_snapshot!(told(load(&whole, 64 * 64 - 1), folder.path()), @"path: reading a picture: expected at most 4095 pixels, got a picture of 64 x 64 = 4096 pixels; make it smaller with another program first, or allow it with --max-pixels 4096: <folder>/a.png");
    // Allowed and not there: the pixels that the header claims are zeros that take no memory.
    assert_snapshot!(told(load(&png_that_claims(16_384, 16_384), 1 << 28), folder.path()), @"path: reading a picture: expected a whole PNG file, got a damaged or truncated one (IDAT or fDAT chunk does not have enough data for image); get the file again: <folder>/a.png");
    assert_snapshot!(told(load(&png_that_claims(20_000, 20_000), 1 << 28), folder.path()), @"path: reading a picture: expected at most 268435456 pixels, got a picture of 20000 x 20000 = 400000000 pixels; make it smaller with another program first, or allow it with --max-pixels 400000000: <folder>/a.png");
}

#[test]
fn damage_anywhere_never_panics() {
    for format in
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::Bmp]
    {
        let whole = noise(format);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            fs::write(&path, &bytes).unwrap();
            if let Err(e) = run::<load_image>(json!({"path": path}), []) {
                assert_ne!(e.code, splatgraph_sdk::Code::Panic, "{format:?} at {at}: {e}");
            }
        }
    }
}
