//! From the samples of TIFF files to pixels.

use super::{
    layout::{Layout, Meaning, Number},
    unpack::Rows,
};
use crate::picture_file::{
    ifd::Directory,
    refusal::Refusal,
    stored::{Depth, Stored},
};
use half::f16;
use std::io::{Read, Seek};

/// The part of the picture that a piece fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// The sample, if each sample has pieces of its own.
    pub(super) plane: usize,
}

/// Puts the samples of a piece into a picture.
pub(super) fn put(stored: &mut Stored, layout: &Layout, place: Place, rows: &Rows) {
    let (bits, big) = (layout.bits as usize, layout.big_endian);
    let invert = layout.meaning == (Meaning::Grey { white_is_zero: true });
    match (stored.form.depth, bits) {
        (Depth::Bits8, 8) => spread(stored, layout, place, rows, |row, at, alpha| {
            [if invert && !alpha { 255 - row[at] } else { row[at] }]
        }),
        (Depth::Bits8, _) => {
            let most = (1_u8 << bits) - 1;
            spread(stored, layout, place, rows, |row, at, alpha| {
                let value = bits_at(row, at, bits) as u8;
                [(if invert && !alpha { most - value } else { value }) * (255 / most)]
            });
        }
        (Depth::Bits16, _) => spread(stored, layout, place, rows, |row, at, alpha| {
            let bytes = [row[2 * at], row[2 * at + 1]];
            let value = if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
            (if invert && !alpha { u16::MAX - value } else { value }).to_ne_bytes()
        }),
        (Depth::Float, _) => spread(stored, layout, place, rows, |row, at, alpha| {
            let value = float(layout, row, at);
            (if invert && !alpha { 1.0 - value } else { value }).to_ne_bytes()
        }),
    }
}

/// Sets each channel of each pixel to the `N` bytes that `get` makes of a row, the index of a sample, and whether it is alpha.
fn spread<const N: usize>(
    stored: &mut Stored,
    layout: &Layout,
    place: Place,
    rows: &Rows,
    get: impl Fn(&[u8], usize, bool) -> [u8; N],
) {
    let colours = stored.form.colours.count();
    let together = layout.together();
    let mut channels: Vec<(usize, usize, bool)> = (0..colours).map(|c| (c, c, false)).collect();
    channels.extend(layout.alpha.map(|alpha| (alpha.sample, colours, true)));
    if layout.planar {
        channels.retain(|(sample, ..)| *sample == place.plane);
        channels.iter_mut().for_each(|(sample, ..)| *sample = 0);
    }
    let pixel = stored.form.pixel_bytes();
    for (y, row) in rows.data.chunks_exact(rows.row).take(place.height).enumerate() {
        let start = ((place.top + y) * stored.size.0 + place.left) * pixel;
        let to = &mut stored.data[start..start + place.width * pixel];
        for (x, to) in to.chunks_exact_mut(pixel).enumerate() {
            for (sample, channel, alpha) in &channels {
                to[channel * N..(channel + 1) * N].copy_from_slice(&get(row, x * together + sample, *alpha));
            }
        }
    }
}

/// The whole number of up to 32 bits at an index, from the highest bit of the first byte on.
fn bits_at(row: &[u8], at: usize, bits: usize) -> u64 {
    let (first, end) = (at * bits, (at + 1) * bits);
    let bytes = &row[first / 8..end.div_ceil(8)];
    let all = bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    (all >> (bytes.len() * 8 - (end - first / 8 * 8))) & ((1 << bits) - 1)
}

/// A sample as a float: whole numbers as a part of the largest one, floats as they are.
fn float(layout: &Layout, row: &[u8], at: usize) -> f32 {
    let bits = layout.bits as usize;
    let number = || -> u64 {
        if !matches!(bits, 8 | 16 | 24 | 32 | 64) {
            return bits_at(row, at, bits);
        }
        let bytes = &row[at * bits / 8..(at + 1) * bits / 8];
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if layout.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    };
    let number = number();
    match layout.number {
        Number::Unsigned => (number as f64 / (u64::MAX >> (64 - bits)) as f64) as f32,
        Number::Signed => {
            let signed = (number << (64 - bits)).cast_signed() >> (64 - bits);
            (signed as f64 / (i64::MAX >> (64 - bits)) as f64) as f32
        }
        Number::Float => match bits {
            16 => f16::from_bits(number as u16).to_f32(),
            32 => f32::from_bits(number as u32),
            _ => f64::from_bits(number) as f32,
        },
    }
}

/// The colours of a palette, of 8 bits.
///
/// # Errors
/// The palette is missing, too short, or has more than 256 colours.
pub(super) fn palette<R: Read + Seek>(tags: &mut Directory<R>, bits: u32) -> Result<Vec<[u8; 3]>, Refusal> {
    if !matches!(bits, 1 | 2 | 4 | 8) {
        return Err(Refusal::Unsupported(format!("a palette for {bits} bits")));
    }
    let count = 1 << bits;
    let values = tags.numbers(320)?.unwrap_or_default();
    let Some(values) = values.get(..3 * count) else {
        return Err(Refusal::Damaged("a palette that is too short".to_owned()));
    };
    // Some programs write 8 bits instead of 16.
    let shift = if values.iter().all(|value| *value < 256) { 0 } else { 8 };
    Ok((0..count).map(|i| [0, 1, 2].map(|c| (values[c * count + i] >> shift) as u8)).collect())
}

/// Puts the colours of a piece of indices into a picture.
pub(super) fn look_up(stored: &mut Stored, layout: &Layout, place: Place, rows: &Rows, palette: &[[u8; 3]]) {
    let (bits, together, pixel) = (layout.bits as usize, layout.together(), stored.form.pixel_bytes());
    let most = (1_usize << bits) - 1;
    let alpha = layout.alpha.map(|alpha| alpha.sample);
    for (y, row) in rows.data.chunks_exact(rows.row).take(place.height).enumerate() {
        let start = ((place.top + y) * stored.size.0 + place.left) * pixel;
        let to = &mut stored.data[start..start + place.width * pixel];
        for (x, to) in to.chunks_exact_mut(pixel).enumerate() {
            if place.plane == 0 {
                to[..3].copy_from_slice(&palette[bits_at(row, x * together, bits) as usize]);
            }
            if let Some(sample) = alpha.filter(|sample| !layout.planar || *sample == place.plane) {
                let at = if layout.planar { x } else { x * together + sample };
                to[3] = (bits_at(row, at, bits) as usize * (255 / most)) as u8;
            }
        }
    }
}

/// How to turn brightness and differences into RGB.
#[derive(Debug)]
pub(super) struct YCbCr {
    /// The parts of red, green and blue in the brightness.
    parts: [f32; 3],
    /// The levels of black and white of each value.
    levels: [f32; 6],
}

impl YCbCr {
    /// Reads the tags, or takes the usual values.
    ///
    /// # Errors
    /// The file is damaged.
    pub(super) fn read<R: Read + Seek>(tags: &mut Directory<R>) -> Result<Self, Refusal> {
        let parts = tags.fractions(529)?.filter(|parts| parts.len() == 3 && parts[1] > 0.0);
        let levels = tags.fractions(532)?.filter(|levels| levels.len() == 6);
        let all = |list: Vec<f64>, at: usize| list.get(at).copied().unwrap_or(0.0) as f32;
        let parts = parts.unwrap_or_else(|| vec![0.299, 0.587, 0.114]);
        let levels = levels.unwrap_or_else(|| vec![0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        Ok(Self {
            parts: std::array::from_fn(|at| all(parts.clone(), at)),
            levels: std::array::from_fn(|at| all(levels.clone(), at)),
        })
    }

    /// Puts a piece of `width` pixels a row into a picture. Each group of pixels has its brightnesses, then Cb, then Cr.
    pub(super) fn put(&self, stored: &mut Stored, layout: &Layout, place: Place, width: usize, rows: &Rows) {
        let (across, down) = layout.subsampling;
        let group = across * down + 2;
        debug_assert_eq!(rows.row, width.div_ceil(across) * group);
        for y in 0..place.height {
            let row = &rows.data[y / down * rows.row..][..rows.row];
            let start = ((place.top + y) * stored.size.0 + place.left) * 3;
            let to = stored.data[start..start + place.width * 3].as_chunks_mut::<3>().0;
            for (x, to) in to.iter_mut().enumerate() {
                let group = &row[x / across * group..][..group];
                let brightness = group[y % down * across + x % across];
                *to = self.rgb([brightness, group[across * down], group[across * down + 1]]);
            }
        }
    }

    fn rgb(&self, values: [u8; 3]) -> [u8; 3] {
        let [y, cb, cr] = [0, 1, 2].map(|c| {
            let (black, white) = (self.levels[2 * c], self.levels[2 * c + 1]);
            let most = if c == 0 { 255.0 } else { 127.0 };
            (f32::from(values[c]) - black) * most / (white - black)
        });
        let [red, green, blue] = self.parts;
        let (r, b) = (y + cr * (2.0 - 2.0 * red), y + cb * (2.0 - 2.0 * blue));
        [r, (y - red * r - blue * b) / green, b].map(|value| (value + 0.5).clamp(0.0, 255.0) as u8)
    }
}
