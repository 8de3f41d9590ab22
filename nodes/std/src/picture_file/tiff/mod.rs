//! TIFF files: tags, pieces of pixels, and what the samples mean.

mod layout;
mod samples;
mod unpack;

use super::{
    ifd::Directory,
    metadata::Metadata,
    refusal::Refusal,
    stored::{Colours, Depth, Form, Stored},
};
use image::metadata::Orientation;
use layout::{Layout, Meaning, Number};
use samples::Place;
use splatgraph_sdk::prelude::*;
use std::io::{Read, Seek, SeekFrom};

/// The first picture of a file, how to turn it, and what the file says about its pixels.
///
/// # Errors
/// The file is damaged, stores its pixels in a way that the program does not read, or `check` refuses it.
/// `memory` is the most bytes that a piece of pixels may take beside the picture.
pub(crate) fn read<R: Read + Seek>(
    mut reader: R,
    memory: u64,
    check: impl Fn((u32, u32), Form) -> Result<()>,
) -> Result<(Stored, Orientation, Metadata), Refusal> {
    let length = reader.seek(SeekFrom::End(0))?;
    let mut tags = Directory::first(reader)?;
    let layout = Layout::read(&mut tags)?;
    let form = form(&layout);
    check((layout.width as u32, layout.height as u32), form)?;
    let piece_bytes = layout.piece.0.saturating_mul(layout.piece.1).saturating_mul(u64::from(layout.bits)).div_ceil(8);
    let piece_bytes = piece_bytes.saturating_mul(layout.together() as u64);
    let picture_bytes = layout.width * layout.height * form.pixel_bytes() as u64;
    if piece_bytes > memory.saturating_add(picture_bytes.saturating_mul(4)) {
        return Err(Refusal::Damaged(format!("pieces of {} x {} pixels", layout.piece.0, layout.piece.1)));
    }
    let size = (usize::try_from(layout.width), usize::try_from(layout.height));
    let (Ok(width), Ok(height)) = size else { return Err(Refusal::Damaged("a size without an end".to_owned())) };
    let mut stored = Stored::black((width, height), form)?;
    stored.premultiplied = layout.alpha.is_some_and(|alpha| alpha.premultiplied);

    let palette =
        if layout.meaning == Meaning::Palette { Some(samples::palette(&mut tags, layout.bits)?) } else { None };
    let ycbcr = samples::YCbCr::read(&mut tags)?;
    let tables = tags.bytes(347)?;
    let (across, down) = (layout.across(), layout.down());
    let planes = if layout.planar { layout.samples as u64 } else { 1 };
    for index in 0..planes * across * down {
        let (plane, piece) = (index / (across * down), index % (across * down));
        let (left, top) = (piece % across * layout.piece.0, piece / across * layout.piece.1);
        let place = Place {
            left: left as usize,
            top: top as usize,
            width: layout.piece.0.min(layout.width - left) as usize,
            height: layout.piece.1.min(layout.height - top) as usize,
            plane: plane as usize,
        };
        // Tiles are stored whole; the last strip is as high as the picture.
        let whole =
            if layout.tiles { (layout.piece.0 as usize, layout.piece.1 as usize) } else { (place.width, place.height) };
        let offset = layout.offsets[index as usize];
        let bytes = match layout.lengths.get(index as usize) {
            Some(bytes) if *bytes > 0 => *bytes,
            _ => length.saturating_sub(offset),
        };
        let bytes = tags.read(offset, bytes)?;
        let rows = unpack::unpack(&layout, bytes, whole, tables.as_deref())?;
        match (&palette, layout.meaning) {
            (Some(palette), _) => samples::look_up(&mut stored, &layout, place, &rows, palette),
            (None, Meaning::YCbCr) if layout.compression != 7 => ycbcr.put(&mut stored, &layout, place, whole.0, &rows),
            _ => samples::put(&mut stored, &layout, place, &rows),
        }
    }
    // Wrong data about the pixels are no reason to refuse them.
    let metadata = Metadata { exif: None, xmp: tags.bytes(700).ok().flatten(), icc: tags.bytes(34675).ok().flatten() };
    let orientation = match tags.number(274).ok().flatten() {
        Some(value) => u8::try_from(value).ok().and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms),
        None => metadata.orientation(),
    };
    Ok((stored, orientation, metadata))
}

/// The form in which the pixels are kept: 8 and 16 bits as they are, others as floats.
fn form(layout: &Layout) -> Form {
    let colours = match layout.meaning {
        Meaning::Grey { .. } => Colours::Grey,
        Meaning::Rgb | Meaning::Palette | Meaning::YCbCr => Colours::Rgb,
        Meaning::Cmyk => Colours::Cmyk,
    };
    let depth = match (layout.meaning, layout.number, layout.bits) {
        (Meaning::Palette | Meaning::YCbCr, ..) | (_, Number::Unsigned, 1 | 2 | 4 | 8) => Depth::Bits8,
        (_, Number::Unsigned, 16) => Depth::Bits16,
        _ => Depth::Float,
    };
    Form { colours, alpha: layout.alpha.is_some(), depth }
}
