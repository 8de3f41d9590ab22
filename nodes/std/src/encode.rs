//! 8-bit RGB to picture files.

use crate::decode::reason;
use image::{
    ExtendedColorType, ImageEncoder, ImageError, ImageResult,
    codecs::{bmp::BmpEncoder, jpeg::JpegEncoder, pnm, qoi::QoiEncoder, tga::TgaEncoder, webp::WebPEncoder},
};
use splatgraph_sdk::prelude::*;
use std::io::Cursor;
use tiff::encoder::{TiffEncoder, colortype::RGB8};

/// What is written for an extension.
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

const EXTENSIONS: [(&str, Format); 10] = [
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
    /// By a file's extension, in upper or lower case.
    ///
    /// # Errors
    /// There is no such format; lists those that there are.
    pub(crate) fn from_extension(extension: Option<&str>) -> Result<Self> {
        let found = EXTENSIONS.iter().find(|(known, _)| extension.is_some_and(|e| e.eq_ignore_ascii_case(known)));
        found.map(|(_, format)| *format).ok_or_else(|| {
            let known: Vec<&str> = EXTENSIONS.iter().map(|(known, _)| *known).collect();
            let came = extension.map_or("no extension".to_owned(), |e| format!("`.{e}`"));
            Error::input(
                "path",
                format!("a file name that ends in one of {} was expected, {came} came", known.join(", ")),
            )
        })
    }
}

/// The bytes of a picture file from `[height, width, 3]`. WebP is lossless; `quality` is 1..100 and for JPEG only, `text`
/// holds keys and texts for PNG only.
///
/// # Errors
/// The format can't hold a picture of this size, or a key is no key of PNG.
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
    Error::new(format!("{format:?} can't hold this picture of {width} x {height}; try .png ({reason})"))
}

/// Without `image` in between, whose encoder is compiled for all kinds of pixels.
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
        // tEXt is what every reader knows, but it is Latin-1; only plain ASCII means the same to readers that guess.
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
