//! Turns picture files into floats: `kind` tells the format, a file for each format reads pixels as they are stored and what the file
//! says about them, and `stored` turns them upright and into sRGB floats.

mod bmp;
mod gif;
mod ico;
mod ifd;
mod jpeg;
mod kind;
mod metadata;
mod orient;
mod png;
mod profile;
mod refusal;
mod stored;
mod tiff;

use gif::first_frame;
use image::{ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation};
use kind::{START, format_of, name};
use metadata::Metadata;
use png::Chunks;
use refusal::Refusal;
pub(crate) use refusal::reason;
use splatgraph_sdk::{Choice, check_picture_size, prelude::*};
use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};
pub(crate) use stored::Picture;
use stored::{Depth, Form, Stored};

/// The bytes that a decoder may allocate besides the picture, for metadata, colour profiles and a few rows.
const DECODER_BYTES: u64 = 256 << 20;

/// A value of `--max-pixels` that allows most files.
const LARGE: u64 = 1_000_000_000;

/// The most bytes of a decoded pixel: four floats.
const LARGEST_PIXEL: u64 = 16;

/// What to do with a colour profile in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum ProfileUse {
    /// Convert the colours to sRGB.
    Convert,
    /// Take the numbers as they are in the file.
    Ignore,
}

/// What the user allows and wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    /// The largest number of pixels, if the user said so.
    pub(crate) max_pixels: Option<u64>,
    /// What to do with colour profiles.
    pub(crate) profile: ProfileUse,
}

/// Pixels with what the file says about them.
struct Decoded {
    stored: Stored,
    orientation: Orientation,
    metadata: Metadata,
    warning: Option<String>,
}

/// Reads a picture. `extension` is the extension of the file, for the one format (TGA) that its content does not identify.
///
/// # Errors
/// The file is not a picture, is of a kind that is not supported, is damaged, or declares too many pixels.
pub(crate) fn decode<R: BufRead + Seek>(mut reader: R, extension: Option<&str>, wishes: Wishes) -> Result<Picture> {
    let mut start = Vec::new();
    reader.by_ref().take(START as u64).read_to_end(&mut start)?;
    reader.seek(SeekFrom::Start(0))?;
    let format = format_of(&start, extension)?;
    let decoded = read(&mut reader, format, &start, wishes).map_err(|refusal| refusal.about(format))?;
    let colours = decoded.stored.form.colours;
    let mut warnings: Vec<String> = decoded.warning.into_iter().collect();
    // Floats are linear light, which a profile for 8 bits does not describe.
    let icc = decoded.metadata.icc.filter(|_| decoded.stored.form.depth != Depth::Float);
    let conversion = match icc.filter(|_| wishes.profile == ProfileUse::Convert) {
        None => None,
        Some(icc) => profile::conversion(&icc, colours).unwrap_or_else(|reason| {
            warnings.push(format!("the colour profile of the picture is not used: {reason}"));
            None
        }),
    };
    let mut picture = decoded.stored.into_picture(decoded.orientation, conversion.as_ref())?;
    picture.warnings = warnings;
    Ok(picture)
}

fn read<R: BufRead + Seek>(
    reader: &mut R,
    format: ImageFormat,
    start: &[u8],
    wishes: Wishes,
) -> Result<Decoded, Refusal> {
    let length = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(0))?;
    let check = |size, form: Form| check_picture_size(size, form.peak_bytes(), length, wishes.max_pixels);
    let whole = |reader: &mut R| -> Result<Vec<u8>, Refusal> {
        let mut file = Vec::new();
        reader.read_to_end(&mut file)?;
        Ok(file)
    };
    match format {
        ImageFormat::Jpeg => {
            let convert = wishes.profile == ProfileUse::Convert;
            let (stored, metadata, warning) = jpeg::read(&whole(reader)?, convert, check)?;
            Ok(Decoded { stored, orientation: metadata.orientation(), metadata, warning })
        }
        ImageFormat::Tiff => {
            let memory = memory(wishes.max_pixels);
            let (stored, orientation, metadata) = tiff::read(reader, memory, check)?;
            Ok(Decoded { stored, orientation, metadata, warning: None })
        }
        ImageFormat::Png => read_png(reader, length, wishes.max_pixels),
        ImageFormat::Ico => {
            let picture = ico::largest(&whole(reader)?)?;
            if picture.starts_with(png::SIGNATURE) {
                read_png(&mut Cursor::new(picture), length, wishes.max_pixels)
            } else {
                through_image(Cursor::new(picture), ImageFormat::Ico, None, length, wishes.max_pixels)
            }
        }
        ImageFormat::Gif => {
            let frame = first_frame(reader)?;
            through_image(reader, format, frame, length, wishes.max_pixels)
        }
        ImageFormat::Bmp => {
            let mut file = whole(reader)?;
            bmp::mend(&mut file);
            through_image(Cursor::new(file), format, None, length, wishes.max_pixels)
        }
        ImageFormat::Tga => {
            let header = start;
            let mut decoded = through_image(reader, format, None, length, wishes.max_pixels)?;
            // Four bytes a pixel, of which the header says that none is alpha.
            if matches!(header.get(16..18), Some([32, flags]) if flags & 15 == 0) && decoded.stored.form.alpha {
                decoded.stored.data.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel[3] = 255);
            }
            Ok(decoded)
        }
        _ => through_image(reader, format, None, length, wishes.max_pixels),
    }
}

fn read_png<R: BufRead + Seek>(reader: &mut R, length: u64, max_pixels: Option<u64>) -> Result<Decoded, Refusal> {
    let chunks = Chunks::read(reader)?;
    let mut decoded = if chunks.ends {
        through_image(reader, ImageFormat::Png, None, length, max_pixels)?
    } else {
        let mended = Cursor::new(chunks.mended(reader)?);
        let read = through_image(mended, ImageFormat::Png, None, length, max_pixels);
        let mut decoded = read.map_err(|refusal| match refusal {
            Refusal::Damaged(_) => Refusal::Damaged("the file ends too early".to_owned()),
            other => other,
        })?;
        let warning = "the PNG file has no end (chunk IEND), but all its pixels; it may be cut off behind them";
        decoded.warning = Some(warning.to_owned());
        decoded
    };
    decoded.orientation = chunks.metadata.orientation();
    decoded.metadata = chunks.metadata;
    if chunks.other_colours {
        let warning = "the PNG file says by its chunk cICP that its colours are not sRGB; they are taken as they are";
        decoded.warning.get_or_insert(warning.to_owned());
    }
    Ok(decoded)
}

/// The bytes that a decoder may take besides the picture.
fn memory(max_pixels: Option<u64>) -> u64 {
    DECODER_BYTES.saturating_add(max_pixels.unwrap_or(0).saturating_mul(LARGEST_PIXEL))
}

/// Reads with the crate `image`. `frame` is the size of a part of the picture that may be larger than it.
fn through_image<R: BufRead + Seek>(
    reader: R,
    format: ImageFormat,
    frame: Option<(u32, u32)>,
    length: u64,
    max_pixels: Option<u64>,
) -> Result<Decoded, Refusal> {
    let memory = memory(max_pixels);
    let refused = |e: ImageError| match e {
        ImageError::Limits(_) => too_much_memory(format, memory).into(),
        e => Refusal::of(&e),
    };
    let mut image = ImageReader::with_format(reader, format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory);
    image.limits(limits.clone());
    let mut decoder = image.into_decoder().map_err(refused)?;
    let size = decoder.dimensions();
    let form = Form::of(decoder.color_type())?;
    let bytes = decoder.total_bytes();
    for size in [Some(size), frame].into_iter().flatten() {
        check_picture_size(size, form.peak_bytes(), length, max_pixels)?;
    }
    limits.max_alloc = Some(memory.saturating_add(bytes));
    decoder.set_limits(limits).map_err(refused)?;
    // Wrong data about the pixels are no reason to refuse them.
    let metadata = Metadata {
        exif: decoder.exif_metadata().ok().flatten(),
        xmp: decoder.xmp_metadata().ok().flatten(),
        icc: decoder.icc_profile().ok().flatten(),
    };
    let mut stored = Stored::black((size.0 as usize, size.1 as usize), form)?;
    decoder.read_image(&mut stored.data).map_err(refused)?;
    Ok(Decoded { stored, orientation: metadata.orientation(), metadata, warning: None })
}

fn too_much_memory(format: ImageFormat, memory: u64) -> Error {
    Error::new(format!(
        "expected a {} file that needs at most {} MiB of memory besides its pixels, got a damaged one or one that needs more; get the \
         file again, or, if it is right, allow it with --max-pixels {LARGE}",
        name(format),
        memory >> 20
    ))
}
