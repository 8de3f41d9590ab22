//! `std.LoadImage`: the orientation, wherever a program writes it.

use crate::load::{encoded, load_bytes};
use image::{ImageFormat, RgbImage};

/// EXIF data with an orientation, as one number of 16 or 32 bits.
fn exif(orientation: u8, long: bool) -> Vec<u8> {
    let kind = if long { 4 } else { 3 };
    [b"II*\0\x08\0\0\0\x01\0\x12\x01", &[kind, 0, 1, 0, 0, 0, orientation, 0, 0, 0][..], &[0; 4]].concat()
}

const PREFIX: &[u8] = b"Exif\0\0";
const XMP: &str = r#"<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>"#;

fn wide() -> RgbImage {
    RgbImage::from_fn(6, 4, |x, y| image::Rgb([x as u8 * 40, y as u8 * 60, 0]))
}

/// Whether a picture of 6 x 4 stands upright as 4 x 6.
fn turned(name: &str, bytes: &[u8]) -> bool {
    load_bytes(name, bytes).0.image.shape()[1..3] == [6, 4]
}

/// A lossless WebP with another chunk.
fn webp_with(kind: &[u8; 4], data: &[u8], flag: u8) -> Vec<u8> {
    let plain = encoded(wide(), ImageFormat::WebP);
    let chunk = |kind: &[u8], data: &[u8]| {
        let length = (data.len() as u32).to_le_bytes();
        [kind, &length, data, &[0][..data.len() % 2]].concat()
    };
    let header = chunk(b"VP8X", &[flag, 0, 0, 0, 5, 0, 0, 3, 0, 0]);
    let body = [b"WEBP", &header[..], &plain[12..], &chunk(kind, data)].concat();
    chunk(b"RIFF", &body)
}

fn png_with(write: impl FnOnce(&mut png::Writer<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 6, 4);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    write(&mut writer);
    writer.write_image_data(&wide()).unwrap();
    drop(writer);
    bytes
}

#[test]
fn webp_with_any_form_of_exif_and_with_xmp_is_turned() {
    assert!(!turned("a.webp", &webp_with(b"EXIF", &exif(1, false), 8)));
    for long in [false, true] {
        assert!(turned("a.webp", &webp_with(b"EXIF", &exif(6, long), 8)));
        assert!(turned("a.webp", &webp_with(b"EXIF", &[PREFIX, &exif(6, long)].concat(), 8)));
    }
    assert!(turned("a.webp", &webp_with(b"XMP ", XMP.as_bytes(), 4)));
}

#[test]
fn png_with_any_form_of_exif_and_with_xmp_is_turned() {
    let chunk = png::chunk::ChunkType(*b"eXIf");
    assert!(turned("a.png", &png_with(|writer| writer.write_chunk(chunk, &exif(6, true)).unwrap())));
    for (key, prefix) in [("exif", &b""[..]), ("exif", PREFIX), ("APP1", PREFIX)] {
        let data = [prefix, &exif(6, true)].concat();
        let digits: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = digits.chunks(36).map(<[String]>::concat).collect();
        let text = format!("\n{key}\n{:8}\n{}\n", data.len(), lines.join("\n"));
        let key = format!("Raw profile type {key}");
        let plain = png::text_metadata::TEXtChunk::new(key.as_str(), text.as_str());
        assert!(turned("a.png", &png_with(|writer| writer.write_text_chunk(&plain).unwrap())));
        let packed = png::text_metadata::ZTXtChunk::new(key, text);
        assert!(turned("a.png", &png_with(|writer| writer.write_text_chunk(&packed).unwrap())));
    }
    for compressed in [false, true] {
        let mut chunk = png::text_metadata::ITXtChunk::new("XML:com.adobe.xmp", XMP);
        chunk.compressed = compressed;
        assert!(turned("a.png", &png_with(|writer| writer.write_text_chunk(&chunk).unwrap())));
    }
}

#[test]
fn jpeg_with_xmp_alone_is_turned_and_exif_counts_before_it() {
    let jpeg = encoded(wide(), ImageFormat::Jpeg);
    let segment = |data: &[u8]| [&[0xff, 0xe1][..], &(data.len() as u16 + 2).to_be_bytes(), data].concat();
    let xmp = segment(&[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat());
    let exif = |orientation, long| segment(&[PREFIX, &exif(orientation, long)].concat());
    let with = |segments: &[&[u8]]| [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat();
    assert!(turned("a.jpg", &with(&[&xmp])));
    assert!(turned("a.jpg", &with(&[&exif(8, true)])));
    assert!(!turned("a.jpg", &with(&[&xmp, &exif(3, false)])));
}
