//! Writes 8-bit RGB as picture files.

use crate::picture_file::reason;
use image::{
    ExtendedColorType, ImageEncoder, ImageError, ImageResult,
    codecs::{bmp::BmpEncoder, jpeg::JpegEncoder, pnm, qoi::QoiEncoder, tga::TgaEncoder, webp::WebPEncoder},
};
use splatgraph_sdk::prelude::*;
use std::io::Cursor;
use tiff::encoder::{TiffEncoder, colortype::RGB8};

/// The format of a picture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    WebP,
    Bmp,
    Tiff,
    Tga,
    Qoi,
    Ppm,
}

pub(crate) const EXTENSIONS: [(&str, Format); 10] = [
    ("png", Format::Png),
    ("jpg", Format::Jpeg),
    ("jpeg", Format::Jpeg),
    ("webp", Format::WebP),
    ("bmp", Format::Bmp),
    ("tif", Format::Tiff),
    ("tiff", Format::Tiff),
    ("tga", Format::Tga),
    ("qoi", Format::Qoi),
    ("ppm", Format::Ppm),
];

impl Format {
    /// The format of a file extension, in upper or lower case.
    ///
    /// # Errors
    /// No format has this extension. The message lists all extensions.
    pub(crate) fn from_extension(extension: Option<&str>) -> Result<Self> {
        let found = EXTENSIONS.iter().find(|(known, _)| extension.is_some_and(|e| e.eq_ignore_ascii_case(known)));
        found.map(|(_, format)| *format).ok_or_else(|| {
            let known: Vec<&str> = EXTENSIONS.iter().map(|(known, _)| *known).collect();
            let got = extension.map_or("no extension".to_owned(), |e| format!("`.{e}`"));
            Error::input("path", format!("expected a file name that ends in one of {}, got {got}", known.join(", ")))
        })
    }
}

/// The bytes of a picture file, from `[height, width, 3]`. WebP is lossless. `quality`, 1..100, is for JPEG only. `text`, keys and
/// texts, is for PNG only.
///
/// # Errors
/// The format can't hold a picture of this size, or PNG does not allow a key.
pub(crate) fn encode(
    rgb: &[u8],
    (width, height): (u32, u32),
    format: Format,
    quality: u8,
    text: &[(&str, &str)],
) -> Result<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    let colour = ExtendedColorType::Rgb8;
    let written: ImageResult<()> = match format {
        Format::Png => return png(rgb, (width, height), text),
        Format::Jpeg => JpegEncoder::new_with_quality(&mut out, quality).write_image(rgb, width, height, colour),
        Format::WebP => WebPEncoder::new_lossless(&mut out).write_image(rgb, width, height, colour),
        Format::Bmp => BmpEncoder::new(&mut out).write_image(rgb, width, height, colour),
        Format::Tiff => return tiff(rgb, (width, height)),
        Format::Tga => TgaEncoder::new(&mut out).write_image(rgb, width, height, colour),
        Format::Qoi => QoiEncoder::new(&mut out).write_image(rgb, width, height, colour),
        Format::Ppm => {
            let subtype = pnm::PnmSubtype::Pixmap(pnm::SampleEncoding::Binary);
            pnm::PnmEncoder::new(&mut out).with_subtype(subtype).write_image(rgb, width, height, colour)
        }
    };
    written.map_err(|e: ImageError| too_large(format, (width, height), &reason(&e)))?;
    Ok(out.into_inner())
}

#[track_caller]
fn too_large(format: Format, (width, height): (u32, u32), reason: &str) -> Error {
    Error::new(format!("expected a picture that fits {format:?}, got {width} x {height}; try .png ({reason})"))
}

/// Uses the crate `tiff` itself, as the encoder of `image` is compiled for all kinds of pixels.
fn tiff(rgb: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    let written = TiffEncoder::new(&mut out).and_then(|mut tiff| tiff.write_image::<RGB8>(width, height, rgb));
    written.map_err(|e| too_large(Format::Tiff, (width, height), &e.to_string()))?;
    Ok(out.into_inner())
}

fn png(rgb: &[u8], (width, height): (u32, u32), text: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    for (key, text) in text {
        // Every reader knows tEXt, but it is Latin-1. Readers that guess the encoding agree only on plain ASCII.
        if text.is_ascii() {
            encoder.add_text_chunk((*key).to_owned(), (*text).to_owned())?;
        } else {
            encoder.add_itxt_chunk((*key).to_owned(), (*text).to_owned())?;
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(out)
}
