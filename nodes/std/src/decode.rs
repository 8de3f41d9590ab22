//! Turns picture files into floats.

use crate::{
    gif_file::first_frame,
    memory::zeros,
    orient::{Source, orient},
    tiff_file::{Facts, read_planes},
};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation};
use splatgraph_sdk::{check_picture_size, prelude::*};
use std::{
    error::Error as _,
    io::{BufRead, ErrorKind, Read, Seek, SeekFrom},
};

/// The bytes that a decoder may allocate besides the picture, for metadata, colour profiles and a few rows.
const DECODER_BYTES: u64 = 256 << 20;

/// A value of `--max-pixels` that allows most files.
const LARGE: u64 = 1_000_000_000;

/// The most bytes of a decoded pixel: four floats.
const LARGEST_PIXEL: u64 = 16;

const FORMATS: &str = "PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR";

/// A decoded picture, upright.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Pixels in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// `[height, width, 3]`; 8 and 16 bits as 0..1, floats unchanged.
    pub(crate) colours: Vec<f32>,
    /// `[height, width]`, 0..1; `None` if the file has no alpha.
    pub(crate) alpha: Option<Vec<f32>>,
}

impl Picture {
    /// Turns colours that are multiplied by alpha into plain ones. Colours at alpha 0 stay as they are.
    fn divide_by_alpha(&mut self) {
        let alpha = self.alpha.iter().flatten();
        for (pixel, alpha) in
            self.colours.as_chunks_mut::<3>().0.iter_mut().zip(alpha).filter(|(_, alpha)| **alpha > 0.0)
        {
            *pixel = pixel.map(|value| value / alpha);
        }
    }
}

/// Reads a picture. `extension` is the extension of the file, for the one format (TGA) that its content does not identify.
/// `max_pixels` is the largest number of pixels that the user allows, if the user said so.
///
/// # Errors
/// The file is not a picture, is damaged, or declares too many pixels.
pub(crate) fn decode<R: BufRead + Seek>(
    mut reader: R,
    extension: Option<&str>,
    max_pixels: Option<u64>,
) -> Result<Picture> {
    let format = format_of(&mut reader, extension)?;
    if format == ImageFormat::Jpeg {
        check_jpeg_end(&mut reader)?;
    }
    let tiff = if format == ImageFormat::Tiff { Facts::read(&mut reader)? } else { Facts::default() };
    let frame = if format == ImageFormat::Gif { first_frame(&mut reader)? } else { None };
    let length = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(0))?;
    let damaged = |reason: String| {
        Error::new(format!(
            "expected a whole {} file, got a damaged or truncated one ({reason}); get the file again",
            name(format)
        ))
    };
    let memory = DECODER_BYTES.saturating_add(max_pixels.unwrap_or(0).saturating_mul(LARGEST_PIXEL));
    let refused = |e: ImageError| match e {
        ImageError::Limits(_) => Error::new(format!(
            "expected a {} file that needs at most {} MiB of memory besides its pixels, got a damaged one or one that needs more; \
             get the file again, or, if it is right, allow it with --max-pixels {LARGE}",
            name(format),
            memory >> 20
        )),
        e => damaged(reason(&e)),
    };

    let mut image = ImageReader::with_format(&mut reader, format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory);
    image.limits(limits.clone());
    let mut decoder = image.into_decoder().map_err(refused)?;
    let size = decoder.dimensions();
    let colour = decoder.color_type();
    let bytes = decoder.total_bytes();
    let floats = if colour.has_alpha() { 4 } else { 3 } * 4;
    for size in [Some(size), frame].into_iter().flatten() {
        check_picture_size(size, floats + u64::from(colour.bytes_per_pixel()), length, max_pixels)?;
    }
    limits.max_alloc = Some(memory.saturating_add(bytes));
    decoder.set_limits(limits).map_err(refused)?;
    // Wrong EXIF data are no reason to refuse a picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut data = zeros::<u8>(usize::try_from(bytes)?)?;
    if tiff.padded_planes {
        if decoder.original_color_type() != colour.into() {
            bail!(
                "expected a TIFF file of grey or RGB, got planes of {:?}; convert it to PNG first",
                decoder.original_color_type()
            );
        }
        drop(decoder);
        reader.seek(SeekFrom::Start(0))?;
        read_planes(reader, colour, &mut data).map_err(|e| damaged(e.to_string()))?;
    } else {
        decoder.read_image(&mut data).map_err(refused)?;
    }
    let mut picture = to_floats(&data, (size.0 as usize, size.1 as usize), colour, orientation)?;
    if tiff.premultiplied {
        picture.divide_by_alpha();
    }
    Ok(picture)
}

fn format_of<R: BufRead + Seek>(reader: &mut R, extension: Option<&str>) -> Result<ImageFormat> {
    let mut start = Vec::new();
    reader.take(16).read_to_end(&mut start)?;
    reader.seek(SeekFrom::Start(0))?;
    if start.is_empty() {
        bail!("expected a picture ({FORMATS}), got an empty file");
    }
    let by_extension = || extension.filter(|e| e.eq_ignore_ascii_case("tga")).map(|_| ImageFormat::Tga);
    let Some(format) = image::guess_format(&start).ok().or_else(by_extension) else {
        bail!("expected a picture ({FORMATS}), got a file that starts with \"{}\"", start.escape_ascii());
    };
    if !format.reading_enabled() {
        bail!("expected {FORMATS}, got {}; convert it to PNG first", name(format));
    }
    Ok(format)
}

fn name(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        ImageFormat::OpenExr => "OpenEXR".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}

/// The message of the codec, without a prefix that repeats the format.
pub(crate) fn reason(error: &ImageError) -> String {
    let words = match error {
        ImageError::Decoding(e) => e.source().map(ToString::to_string),
        ImageError::Encoding(e) => e.source().map(ToString::to_string),
        ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => Some("the file ends too early".to_owned()),
        _ => None,
    };
    let words = words.unwrap_or_else(|| error.to_string());
    words.trim_end_matches('.').to_owned()
}

/// Looks for the end marker of a JPEG file, as the decoder fills missing parts with grey without an error.
fn check_jpeg_end<R: BufRead + Seek>(reader: &mut R) -> Result<()> {
    let mut file = Vec::new();
    reader.read_to_end(&mut file)?;
    reader.seek(SeekFrom::Start(0))?;
    // The length of each segment before the pixels leads to the next one. A preview among them has its own end marker.
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = file.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([high, low]));
        at += match marker {
            0xff => 1, // a filler
            _ => 2 + length,
        };
        if marker == 0xda {
            break;
        }
    }
    let pixels = file.get(at..).unwrap_or_default();
    if !pixels.windows(2).any(|pair| pair == [0xff, 0xd9]) {
        bail!(
            "expected a whole JPEG file, got a truncated one (no end marker in {} bytes); get the file again",
            file.len()
        );
    }
    Ok(())
}

/// Turns the bytes of a decoder, in the byte order of the machine, into upright floats.
fn to_floats(data: &[u8], size: (usize, usize), colour: ColorType, orientation: Orientation) -> Result<Picture> {
    let bytes: [f32; 256] = std::array::from_fn(|v| v as f32 / 255.0);
    match usize::from(colour.bytes_per_pixel() / colour.channel_count()) {
        1 => spread(data, size, colour, orientation, |pixel, c| bytes[usize::from(pixel[c])]),
        2 => spread(data, size, colour, orientation, |pixel, c| {
            f32::from(u16::from_ne_bytes([pixel[2 * c], pixel[2 * c + 1]])) / 65535.0
        }),
        4 => spread(data, size, colour, orientation, |pixel, c| {
            f32::from_ne_bytes([pixel[4 * c], pixel[4 * c + 1], pixel[4 * c + 2], pixel[4 * c + 3]])
        }),
        _ => bail!("expected 8, 16 or 32 bits a channel, got pixels of type {colour:?}"),
    }
}

fn spread(
    data: &[u8],
    size: (usize, usize),
    colour: ColorType,
    orientation: Orientation,
    channel: impl Fn(&[u8], usize) -> f32 + Sync,
) -> Result<Picture> {
    let source = Source { data, size, pixel_bytes: usize::from(colour.bytes_per_pixel()) };
    let last = usize::from(colour.channel_count()) - 1;
    let colours = if colour.has_color() {
        orient(source, orientation, |p, out: &mut [f32; 3]| *out = [channel(p, 0), channel(p, 1), channel(p, 2)])?
    } else {
        orient(source, orientation, |p, out: &mut [f32; 3]| *out = [channel(p, 0); 3])?
    };
    let alpha = if colour.has_alpha() {
        Some(orient(source, orientation, |p, out: &mut [f32; 1]| *out = [channel(p, last)])?)
    } else {
        None
    };
    let (width, height) = source.upright_size(orientation);
    Ok(Picture { width, height, colours, alpha })
}
