//! JPEG files. `zune-jpeg` decodes nearly all. `jpeg-decoder` decodes the few that the first one shows wrong: components in separate
//! scans or in another order, unusual sampling, CMYK that a profile converts, and files without their end.

mod header;

use super::{
    metadata::Metadata,
    refusal::Refusal,
    stored::{Colours, Depth, Form, Stored},
};
use crate::memory::zeros;
use header::Header;
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};
use splatgraph_sdk::prelude::*;
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Bytes of zeros or of ones and zeros that stand for pixels that a file does not have.
const PADDING: usize = 64;

/// The pixels of a file, what it says about them, and a warning.
///
/// # Errors
/// The file is damaged, has no pixels for some rows, is of a kind that no decoder reads, or `check` refuses it.
pub(crate) fn read(
    file: &[u8],
    convert: bool,
    check: impl Fn((u32, u32), Form) -> Result<()>,
) -> Result<(Stored, Metadata, Option<String>), Refusal> {
    let mut header = Header::read(file);
    if let Some(what) = header.unsupported() {
        return Err(Refusal::Unsupported(what));
    }
    let metadata = std::mem::take(&mut header.metadata);
    let size = (u32::from(header.size.0), u32::from(header.size.1));
    let check = |colours| check(size, Form { colours, alpha: false, depth: Depth::Bits8 });
    if header.end.is_none() {
        check(Colours::Cmyk)?;
        let warning = "the JPEG file has no end marker, but all its pixels; it may be cut off behind them";
        return Ok((without_end(file, &header)?, metadata, Some(warning.to_owned())));
    }
    let late = || "the JPEG file lacks some of its scans; the picture is less sharp than it was".to_owned();
    let warning = (header.frame == 0xc2 && !header.has_all_scans()).then(late);
    let cmyk = header.components.len() == 4 && convert && metadata.icc.is_some();
    if header.is_common()
        && !cmyk
        && let Some((stored, damage)) = first(file, &header, check)?
    {
        return Ok((stored, metadata, damage.or(warning)));
    }
    check(Colours::Cmyk)?;
    Ok((second(file, &header)?, metadata, warning))
}

/// Decodes with the first decoder. The text is a warning. `None` if it does not understand the headers or takes RGB for YCbCr.
fn first(
    file: &[u8],
    header: &Header,
    check: impl Fn(Colours) -> Result<()>,
) -> Result<Option<(Stored, Option<String>)>, Refusal> {
    // A strict decoder reports missing pixels, for which the other one invents grey ones.
    let mut strict = true;
    let mut opened = open(file, strict);
    if opened.as_ref().is_err_and(only_strict) {
        strict = false;
        opened = open(file, strict);
    }
    let Ok(mut decoder) = opened else { return Ok(None) };
    let (Some(from), Some(size)) = (decoder.input_colorspace(), decoder.dimensions()) else { return Ok(None) };
    if header.components.len() == 3 && (from == ColorSpace::RGB) != header.is_rgb() {
        return Ok(None);
    }
    let colours = if from == ColorSpace::Luma { Colours::Grey } else { Colours::Rgb };
    check(colours)?;
    let form = Form { colours, alpha: false, depth: Depth::Bits8 };
    let mut stored = Stored::black(size, form)?;
    if let Err(error) = decoder.decode_into(&mut stored.data) {
        // The second decoder can continue behind some damage, as other programs do.
        let stored = second(file, header).map_err(|_| refusal(error))?;
        return Ok(Some((stored, Some("the JPEG file is damaged; some of its pixels may be wrong".to_owned()))));
    }
    if header.frame != 0xc2 && corner_repeats(&stored) && ends_early(file, header, &stored)? {
        return Err(Refusal::Damaged("its end marker comes before its last rows".to_owned()));
    }
    Ok(Some((stored, None)))
}

/// The first decoder, which has read the headers and gives grey or RGB.
fn open(file: &[u8], strict: bool) -> Result<JpegDecoder<ZCursor<&[u8]>>, DecodeErrors> {
    let options =
        DecoderOptions::default().set_strict_mode(strict).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers()?;
    let to = if decoder.input_colorspace() == Some(ColorSpace::Luma) { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(to));
    Ok(decoder)
}

/// Whether only a strict decoder refuses the file.
fn only_strict(error: &DecodeErrors) -> bool {
    format!("{error:?}").contains("strict-mode")
}

/// Whether the last row ends with blocks that are alike, as all are that the decoder invents behind the end.
fn corner_repeats(stored: &Stored) -> bool {
    let pixel = stored.form.pixel_bytes();
    let row = &stored.data[stored.data.len() - stored.size.0 * pixel..];
    let Some(corner) = row.len().checked_sub(64 * pixel).map(|from| &row[from..]) else { return true };
    let block = |index: usize| &corner[index * 16 * pixel..(index + 1) * 16 * pixel];
    block(0) == block(1) && block(1) == block(2)
}

/// Whether bits between the pixels and the end marker change the picture: then they are taken for pixels that the file lacks.
fn ends_early(file: &[u8], header: &Header, stored: &Stored) -> Result<bool, Refusal> {
    let pixels = &file[..header.end.unwrap_or(file.len())];
    let longer = [pixels, &[0x55; PADDING], &[0xff, 0xd9]].concat();
    let mut other = zeros::<u8>(stored.data.len())?;
    Ok(open(&longer, false).is_ok_and(|mut decoder| decoder.decode_into(&mut other).is_ok()) && other != stored.data)
}

fn refusal(error: DecodeErrors) -> Refusal {
    match error {
        DecodeErrors::Unsupported(_) => Refusal::Unsupported(format!("{error:?}")),
        error => Refusal::Damaged(format!("{error:?}").trim_matches(['"', '.']).to_owned()),
    }
}

/// Decodes with the second decoder.
fn second(file: &[u8], header: &Header) -> Result<Stored, Refusal> {
    let transform = match (header.components.len(), header.adobe) {
        (1, _) => ColorTransform::Grayscale,
        (4, None | Some(0)) => ColorTransform::CMYK,
        (4, _) => ColorTransform::YCCK,
        _ if header.is_rgb() => ColorTransform::RGB,
        _ => ColorTransform::YCbCr,
    };
    decode(file, transform)
}

/// Decodes with the second decoder and this transform of colours. CMYK has its usual form in JPEG files, in which 255 is no ink.
///
/// # Errors
/// The file is damaged or of a kind that the decoder does not read.
pub(crate) fn decode(file: &[u8], transform: ColorTransform) -> Result<Stored, Refusal> {
    let mut decoder = Decoder::new(file);
    decoder.set_color_transform(transform);
    let data = decoder.decode().map_err(|error| match error {
        jpeg_decoder::Error::Io(error) => error.into(),
        jpeg_decoder::Error::Unsupported(what) => Refusal::Unsupported(format!("{what:?}")),
        error => Refusal::Damaged(error.to_string()),
    })?;
    let info = decoder.info().ok_or_else(|| Refusal::Damaged("no frame".to_owned()))?;
    let colours = match info.pixel_format {
        PixelFormat::L8 => Colours::Grey,
        PixelFormat::RGB24 => Colours::Rgb,
        PixelFormat::CMYK32 => Colours::Cmyk,
        PixelFormat::L16 => return Err(Refusal::Unsupported("16 bits a colour".to_owned())),
    };
    let size = (usize::from(info.width), usize::from(info.height));
    if data.len() != size.0 * size.1 * colours.count() {
        return Err(Refusal::Damaged("some of its scans are missing".to_owned()));
    }
    let form = Form { colours, alpha: false, depth: Depth::Bits8 };
    Ok(Stored { size, form, premultiplied: false, data })
}

/// The pixels of a file without its end, if all are there. Then bits behind the end of the file change no pixel.
fn without_end(file: &[u8], header: &Header) -> Result<Stored, Refusal> {
    let mut whole = file;
    while let Some(rest) = whole.strip_suffix(b"\xff") {
        whole = rest;
    }
    let with = |byte: u8| second(&[whole, &[byte; PADDING], &[0xff, 0xd9]].concat(), header);
    if header.has_all_scans()
        && let (Ok(one), Ok(other)) = (with(0), with(0x55))
        && one.data == other.data
    {
        return Ok(one);
    }
    Err(Refusal::Damaged(format!("no end marker in {} bytes, and not all pixels", file.len())))
}
