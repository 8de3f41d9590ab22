//! Pieces of TIFF files: from the bytes of the file to rows of samples.

use super::layout::{Layout, Meaning, Number};
use crate::{
    memory::zeros,
    picture_file::{jpeg, refusal::Refusal, stored::Colours},
};
use fax::{Color, decoder};
use flate2::read::ZlibDecoder;
use jpeg_decoder::ColorTransform;
use std::io::{ErrorKind, Read};
use weezl::{BitOrder, LzwStatus, decode::Configuration};

/// Rows of samples.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) data: Vec<u8>,
    /// Bytes of a row.
    pub(super) row: usize,
}

/// Unpacks a piece of `size` pixels. `tables` are the tables for JPEG that all pieces share.
///
/// # Errors
/// The bytes are damaged or too few, or their compression is not one that the program reads.
pub(super) fn unpack(
    layout: &Layout,
    mut bytes: Vec<u8>,
    size: (usize, usize),
    tables: Option<&[u8]>,
) -> Result<Rows, Refusal> {
    if layout.compression == 7 {
        return in_jpeg(layout, &bytes, size, tables);
    }
    if layout.lowest_first {
        bytes.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    let (row, count) = if layout.meaning == Meaning::YCbCr {
        let (across, down) = layout.subsampling;
        (size.0.div_ceil(across) * (across * down + 2), size.1.div_ceil(down))
    } else {
        ((size.0 * layout.together() * layout.bits as usize).div_ceil(8), size.1)
    };
    let length = row.checked_mul(count).ok_or_else(|| Refusal::Damaged("pieces that are too large".to_owned()))?;
    let mut data = match layout.compression {
        1 => bytes,
        3 | 4 => fax(layout.compression == 4, bytes, size)?,
        5 => lzw(&bytes, length)?,
        8 | 32946 => read_to(ZlibDecoder::new(&bytes[..]), length)?,
        32773 => pack_bits(&bytes, length),
        50000 => {
            let corrupt = |_| Refusal::Damaged("corrupt ZSTD data".to_owned());
            let decoder = ruzstd::decoding::StreamingDecoder::new(&bytes[..]).map_err(corrupt)?;
            read_to(decoder, length).map_err(|refusal| match refusal {
                Refusal::Damaged(_) => Refusal::Damaged("corrupt ZSTD data".to_owned()),
                other => other,
            })?
        }
        other => return Err(Refusal::Unsupported(format!("the compression {other}"))),
    };
    if data.len() < length {
        return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
    }
    data.truncate(length);
    predict(layout, &mut data, row)?;
    Ok(Rows { data, row })
}

/// At most `length` bytes from a decoder; fewer if it ends before.
fn read_to(decoder: impl Read, length: usize) -> Result<Vec<u8>, Refusal> {
    let mut data = Vec::new();
    match decoder.take(length as u64).read_to_end(&mut data) {
        Ok(_) => Ok(data),
        Err(error) if error.kind() == ErrorKind::Other => Err(Refusal::Damaged(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

fn lzw(bytes: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    // Files from before 1992 have the bits of a code in the other order, and longer codes one code later.
    let configuration = match bytes {
        [0, second, ..] if second & 1 == 1 => Configuration::new(BitOrder::Lsb, 8),
        _ => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    let mut decoder = configuration.with_yield_on_full_buffer(true).build();
    let mut data = zeros::<u8>(length)?;
    let (mut from, mut to) = (0, 0);
    while to < length {
        let result = decoder.decode_bytes(&bytes[from..], &mut data[to..]);
        from += result.consumed_in;
        to += result.consumed_out;
        match result.status {
            Ok(LzwStatus::Ok) => (),
            Ok(LzwStatus::Done | LzwStatus::NoProgress) => break,
            Err(error) => return Err(Refusal::Damaged(error.to_string())),
        }
    }
    data.truncate(to);
    Ok(data)
}

fn pack_bits(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut data = Vec::new();
    let mut rest = bytes;
    while let [head, tail @ ..] = rest
        && data.len() < length
    {
        rest = tail;
        match head.cast_signed() {
            count @ 0.. => {
                let (run, tail) = rest.split_at(rest.len().min(count as usize + 1));
                data.extend(run);
                rest = tail;
            }
            i8::MIN => (),
            count => {
                let [byte, tail @ ..] = rest else { break };
                data.resize(data.len() + 1 - isize::from(count) as usize, *byte);
                rest = tail;
            }
        }
    }
    data
}

/// Rows of one bit a pixel, 1 for black.
fn fax(group_4: bool, mut bytes: Vec<u8>, size: (usize, usize)) -> Result<Vec<u8>, Refusal> {
    let width =
        u16::try_from(size.0).map_err(|_| Refusal::Unsupported("CCITT rows of 65536 pixels or more".to_owned()))?;
    let row = size.0.div_ceil(8);
    let mut data = Vec::new();
    let length = row * size.1;
    let mut add = |transitions: &[u16]| {
        if data.len() < length {
            let start = data.len();
            data.resize(start + row, 0);
            for (x, colour) in decoder::pels(transitions, width).enumerate().take(size.0) {
                if colour == Color::Black {
                    data[start + x / 8] |= 0x80 >> (x % 8);
                }
            }
        }
    };
    if group_4 {
        decoder::decode_g4(bytes.into_iter(), width, u16::try_from(size.1).ok(), &mut add);
    } else {
        // The decoder wants an end behind the last row too; most programs write one before each row.
        bytes.extend([0, 0, 1]);
        decoder::decode_g3(bytes.into_iter(), &mut add);
    }
    Ok(data)
}

fn in_jpeg(layout: &Layout, bytes: &[u8], size: (usize, usize), tables: Option<&[u8]>) -> Result<Rows, Refusal> {
    let transform = match (layout.meaning, layout.together()) {
        (_, 1) => ColorTransform::Grayscale,
        (Meaning::YCbCr, 3) => ColorTransform::YCbCr,
        (Meaning::Rgb, 3) => ColorTransform::RGB,
        (Meaning::Cmyk, 4) => ColorTransform::CMYK,
        (meaning, samples) => {
            return Err(Refusal::Unsupported(format!("JPEG compression of {samples} channels of {meaning:?}")));
        }
    };
    // The tables are a JPEG file without pixels: they go between the first marker and the rest.
    let tables = tables.and_then(|tables| tables.get(2..tables.len().saturating_sub(2))).unwrap_or_default();
    let file = [&[0xff, 0xd8], tables, bytes.get(2..).unwrap_or_default()].concat();
    let mut decoded = jpeg::decode(&file, transform)?;
    let channels = decoded.form.colours.count();
    if decoded.size.0 < size.0 || decoded.size.1 < size.1 || channels != layout.together() {
        return Err(Refusal::Damaged("a piece of pixels of another form than its file".to_owned()));
    }
    if decoded.form.colours == Colours::Cmyk {
        decoded.data.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    Ok(Rows { data: decoded.data, row: decoded.size.0 * channels })
}

/// Adds what the predictor took away.
fn predict(layout: &Layout, data: &mut [u8], row: usize) -> Result<(), Refusal> {
    let (bytes, step) = (layout.bits as usize / 8, layout.together());
    match (layout.predictor, layout.bits) {
        (1, _) => (),
        _ if matches!(layout.compression, 1 | 3 | 4) => (),
        (2, 8 | 16 | 32 | 64) if layout.meaning != Meaning::YCbCr => {
            data.chunks_exact_mut(row).for_each(|row| match bytes {
                1 => (step..row.len()).for_each(|at| row[at] = row[at].wrapping_add(row[at - step])),
                2 => add::<2>(row, step, layout.big_endian),
                4 => add::<4>(row, step, layout.big_endian),
                _ => add::<8>(row, step, layout.big_endian),
            });
        }
        (3, 16 | 32 | 64) if layout.number == Number::Float => {
            let mut values = vec![0; row];
            for row in data.chunks_exact_mut(row) {
                (step..row.len()).for_each(|at| row[at] = row[at].wrapping_add(row[at - step]));
                // All first bytes stand before all second ones, from the highest to the lowest.
                let count = row.len() / bytes;
                for (at, value) in values.chunks_exact_mut(bytes).enumerate() {
                    let from = |byte: usize| row[byte * count + at];
                    value.iter_mut().enumerate().for_each(|(byte, value)| {
                        *value = from(if layout.big_endian { byte } else { bytes - 1 - byte });
                    });
                }
                row.copy_from_slice(&values);
            }
        }
        (predictor, bits) => {
            return Err(Refusal::Unsupported(format!(
                "the predictor {predictor} for {bits} bits of {:?}",
                layout.meaning
            )));
        }
    }
    Ok(())
}

fn add<const N: usize>(row: &mut [u8], step: usize, big_endian: bool) {
    let values = row.as_chunks_mut::<N>().0;
    for at in step..values.len() {
        let mut carry = 0;
        for byte in 0..N {
            let byte = if big_endian { N - 1 - byte } else { byte };
            let sum = u16::from(values[at][byte]) + u16::from(values[at - step][byte]) + carry;
            values[at][byte] = sum as u8;
            carry = sum >> 8;
        }
    }
}
