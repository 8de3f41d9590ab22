//! `std.LoadImage`: what pictures become.

use crate::{floats, output};
use image::{DynamicImage, ImageFormat, RgbImage, metadata::Orientation};
use splatgraph_pack_std::load_image::load_image;
use splatgraph_sdk::{
    prelude::*,
    testing::{json, run, shard},
};
use std::{fs, io::Cursor, path::Path};

fn load(path: &Path) -> (Image, Mask) {
    let values = run::<load_image>(json!({"path": path}), []).unwrap();
    (output(&values, 0), Mask::from_value(&values[1]).unwrap())
}

pub(crate) fn load_bytes(name: &str, bytes: &[u8]) -> (Image, Mask) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    load(&path)
}

pub(crate) fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// All byte values, in every channel elsewhere.
fn bytes_16x16() -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| {
        let v = (y * 16 + x) as u8;
        image::Rgb([v, 255 - v, v ^ 0x55])
    })
}

#[test]
fn a_byte_is_exactly_v_over_255() {
    let picture = bytes_16x16();
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::WebP,
        ImageFormat::Tiff,
        ImageFormat::Tga,
        ImageFormat::Qoi,
        ImageFormat::Pnm,
    ] {
        let name = format!("a.{}", format.extensions_str()[0]);
        let (image, mask) = load_bytes(&name, &encoded(picture.clone(), format));
        assert_eq!(image.image.shape(), [1, 16, 16, 3], "{format:?}");
        let expected: Vec<f32> = picture.iter().map(|v| f32::from(*v) / 255.0).collect();
        assert_eq!(floats(&image), expected, "{format:?}");
        assert_eq!(mask.mask.shape(), [1, 16, 16]);
        assert!(mask.mask.as_slice::<f32>().unwrap().iter().all(|m| *m == 0.0));
    }
}

#[test]
fn the_content_says_the_format_not_the_name() {
    let (image, _) = load_bytes("photo.jpg", &encoded(bytes_16x16(), ImageFormat::Png));
    assert_eq!(floats(&image)[3], 1.0 / 255.0);
}

#[test]
fn sixteen_bits_keep_their_precision() {
    let picture =
        image::ImageBuffer::<image::Rgb<u16>, _>::from_fn(3, 1, |x, _| image::Rgb([x as u16 * 257 + 1, 0, 65535]));
    let (image, _) = load_bytes("a.png", &encoded(picture, ImageFormat::Png));
    assert_eq!(floats(&image)[..6], [1.0 / 65535.0, 0.0, 1.0, 258.0 / 65535.0, 0.0, 1.0]);
}

#[test]
fn grey_becomes_three_channels() {
    let grey = image::GrayImage::from_fn(2, 1, |x, _| image::Luma([x as u8 * 51]));
    let (image, _) = load_bytes("a.png", &encoded(grey, ImageFormat::Png));
    assert_eq!(floats(&image), [0.0, 0.0, 0.0, 0.2, 0.2, 0.2]);
    let deep = image::ImageBuffer::<image::LumaA<u16>, _>::from_pixel(1, 1, image::LumaA([13107, 52428]));
    let (image, mask) = load_bytes("a.png", &encoded(deep, ImageFormat::Png));
    assert_eq!(floats(&image), [0.2; 3]);
    assert_eq!(mask.mask.as_slice::<f32>().unwrap(), [1.0 - 0.8]);
}

#[test]
fn alpha_goes_to_the_mask_and_leaves_colours_as_they_are() {
    let picture = image::RgbaImage::from_fn(2, 1, |x, _| image::Rgba([255, 51, 0, x as u8 * 255]));
    let (image, mask) = load_bytes("a.png", &encoded(picture, ImageFormat::Png));
    assert_eq!(floats(&image), [1.0, 0.2, 0.0, 1.0, 0.2, 0.0]);
    assert_eq!(mask.mask.as_slice::<f32>().unwrap(), [1.0, 0.0]);
}

#[test]
fn a_palette_is_looked_up_and_small_greys_are_spread() {
    let png = |colour: png::ColorType, depth: png::BitDepth, palette: Option<Vec<u8>>, data: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 4, 1);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette);
            encoder.set_trns(vec![255, 0]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    };
    let palette = vec![255, 0, 0, 0, 255, 0, 0, 0, 255];
    let (image, mask) =
        load_bytes("a.png", &png(png::ColorType::Indexed, png::BitDepth::Two, Some(palette), &[0b00_01_10_00]));
    assert_eq!(floats(&image), [1., 0., 0., 0., 1., 0., 0., 0., 1., 1., 0., 0.]);
    assert_eq!(mask.mask.as_slice::<f32>().unwrap(), [0.0, 1.0, 0.0, 0.0]);
    let (image, _) = load_bytes("a.png", &png(png::ColorType::Grayscale, png::BitDepth::Two, None, &[0b00_01_10_11]));
    let greys: Vec<f32> = floats(&image).iter().step_by(3).copied().collect();
    assert_eq!(greys, [0.0, 85.0 / 255.0, 170.0 / 255.0, 1.0]);
}

#[test]
fn floats_stay_as_they_are() {
    let picture = image::Rgb32FImage::from_pixel(1, 1, image::Rgb([-0.5, 0.25, 7.0]));
    let (image, _) = load_bytes("a.tiff", &encoded(picture, ImageFormat::Tiff));
    assert_eq!(floats(&image), [-0.5, 0.25, 7.0]);
}

/// Puts an EXIF segment with an orientation behind the first marker of a JPEG.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    let mut segment = b"Exif\0\0".to_vec();
    segment.extend(tiff);
    segment.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &segment, &jpeg[2..]].concat()
}

#[test]
fn exif_orientation_turns_the_picture_upright() {
    // Wide, and no two corners alike; larger than the blocks in which pixels are turned.
    let stored = RgbImage::from_fn(45, 35, |x, y| image::Rgb([x as u8 * 5, y as u8 * 7, if x < 9 { 255 } else { 0 }]));
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 100).encode_image(&stored).unwrap();
    let plain = image::load_from_memory(&jpeg).unwrap();
    for exif in 1..=8 {
        let mut expected = plain.clone();
        expected.apply_orientation(Orientation::from_exif(exif).unwrap());
        let (image, _) = load_bytes("a.jpg", &with_orientation(&jpeg, exif));
        assert_eq!(image.image.shape()[1..3], [expected.height() as usize, expected.width() as usize], "{exif}");
        let expected: Vec<f32> = expected.to_rgb8().iter().map(|v| f32::from(*v) / 255.0).collect();
        assert!(floats(&image) == expected, "orientation {exif}");
    }
}

#[test]
fn wrong_exif_is_passed_over() {
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&bytes_16x16()).unwrap();
    let (image, _) = load_bytes("a.jpg", &with_orientation(&jpeg, 77));
    assert_eq!(image.image.shape(), [1, 16, 16, 3]);
}

#[test]
fn a_member_of_a_shard_is_the_picture_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let picture = bytes_16x16();
    // Formats whose readers seek, take the whole file, and need the name.
    let formats = [
        ("1.png", ImageFormat::Png),
        ("2.tiff", ImageFormat::Tiff),
        ("3.tga", ImageFormat::Tga),
        ("4.gif", ImageFormat::Gif),
    ];
    let files = formats.map(|(name, format)| (name, encoded(picture.clone(), format)));
    fs::write(&path, shard(files.iter().map(|(name, bytes)| (*name, bytes.as_slice())))).unwrap();
    for (name, bytes) in &files {
        let (file, member) = (load_bytes(name, bytes), load(&path.join(name)));
        assert_eq!(floats(&file.0), floats(&member.0), "{name}");
    }
    let error = run::<load_image>(json!({"path": path.join("5.png")}), []).err().unwrap().message;
    let expected = "expected a member of a shard, got no member \"5.png\"; `tar tf` lists the members of the shard: ";
    assert!(error.contains(expected), "{error}");
}
