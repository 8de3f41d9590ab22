//! The tags of TIFF files that say how the pixels are stored.

use crate::picture_file::{ifd::Directory, refusal::Refusal};
use std::io::{Read, Seek};

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// A whole number from 0.
    Unsigned,
    /// A whole number that can be negative.
    Signed,
    /// A number with a floating point.
    Float,
}

/// What the samples of a pixel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Grey, with 0 for white if so.
    Grey { white_is_zero: bool },
    /// Red, green and blue.
    Rgb,
    /// An index into a list of colours.
    Palette,
    /// Inks.
    Cmyk,
    /// Brightness and two differences.
    YCbCr,
}

/// What is stored beside the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alpha {
    /// The sample.
    pub(super) sample: usize,
    /// The colours are multiplied by it.
    pub(super) premultiplied: bool,
}

/// How the pixels of a file are stored: in pieces (strips or tiles), row by row.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Bits of a sample.
    pub(super) bits: u32,
    pub(super) number: Number,
    /// Samples of a pixel.
    pub(super) samples: usize,
    pub(super) meaning: Meaning,
    pub(super) alpha: Option<Alpha>,
    /// Each sample has pieces of its own.
    pub(super) planar: bool,
    pub(super) compression: u64,
    pub(super) predictor: u64,
    /// The first pixel is in the lowest bit of a byte.
    pub(super) lowest_first: bool,
    pub(super) big_endian: bool,
    /// Width and height of a piece.
    pub(super) piece: (u64, u64),
    /// The pieces are tiles, of which the last ones reach beyond the picture.
    pub(super) tiles: bool,
    pub(super) offsets: Vec<u64>,
    /// Bytes of the pieces; empty if the file does not say.
    pub(super) lengths: Vec<u64>,
    /// Pixels that share a value of Cb and Cr.
    pub(super) subsampling: (usize, usize),
}

impl Layout {
    /// Reads the tags.
    ///
    /// # Errors
    /// The file is damaged or stores its pixels in a way that the program does not read.
    pub(super) fn read<R: Read + Seek>(tags: &mut Directory<R>) -> Result<Self, Refusal> {
        if tags.has(50706) {
            return Err(Refusal::Unsupported("a camera's raw pixels (DNG)".to_owned()));
        }
        let need = |value: Option<u64>, what: &str| value.ok_or_else(|| Refusal::Damaged(format!("no {what}")));
        let (width, height) = (need(tags.number(256)?, "width")?, need(tags.number(257)?, "height")?);
        if width > u64::from(u32::MAX) || height > u64::from(u32::MAX) {
            return Err(Refusal::Damaged(format!("a size of {width} x {height}")));
        }
        let samples = tags.number(277)?.unwrap_or(1);
        if !(1..=64).contains(&samples) {
            return Err(Refusal::Unsupported(format!("{samples} channels")));
        }
        let samples = samples as usize;
        let bits = same(&tags.numbers(258)?.unwrap_or_else(|| vec![1]), "bits")?;
        let number = match same(&tags.numbers(339)?.unwrap_or_else(|| vec![1]), "kinds of numbers")? {
            1 | 4 => Number::Unsigned,
            2 => Number::Signed,
            3 => Number::Float,
            _ => return Err(Refusal::Unsupported("complex numbers".to_owned())),
        };
        let supported = match number {
            Number::Unsigned => (1..=32).contains(&bits) || bits == 64,
            Number::Signed => matches!(bits, 8 | 16 | 32 | 64),
            Number::Float => matches!(bits, 16 | 32 | 64),
        };
        if !supported {
            return Err(Refusal::Unsupported(format!("{bits} bits a channel")));
        }
        let compression = tags.number(259)?.unwrap_or(1);
        if let Some(name) = unsupported(compression) {
            return Err(Refusal::Unsupported(format!("{name} compression")));
        }
        if compression == 3 && tags.number(292)?.unwrap_or(0) & 1 == 1 {
            return Err(Refusal::Unsupported("CCITT compression in two dimensions".to_owned()));
        }
        let extra = tags.numbers(338)?;
        let beside = extra.as_ref().map_or(0, Vec::len);
        let meaning = meaning(tags, compression, samples.saturating_sub(beside))?;
        let colours = match meaning {
            Meaning::Grey { .. } | Meaning::Palette => 1,
            Meaning::Rgb | Meaning::YCbCr => 3,
            Meaning::Cmyk => 4,
        };
        if samples < colours || (colours == 1 && samples > 2) {
            return Err(Refusal::Unsupported(format!("{samples} channels of {meaning:?}")));
        }
        let alpha = match &extra {
            // 999 is what Corel's programs write.
            Some(kinds) => kinds
                .iter()
                .position(|kind| matches!(kind, 1 | 2 | 999))
                .map(|at| Alpha { sample: samples - kinds.len().min(samples) + at, premultiplied: kinds[at] == 1 }),
            None => (samples > colours).then_some(Alpha { sample: colours, premultiplied: false }),
        };
        if alpha.is_some() && meaning == Meaning::YCbCr {
            return Err(Refusal::Unsupported(format!("alpha beside {meaning:?}")));
        }
        let planar = samples > 1 && tags.number(284)? == Some(2);
        let tiles = tags.has(324) || tags.has(322);
        let piece = if tiles {
            (need(tags.number(322)?, "width of tiles")?, need(tags.number(323)?, "height of tiles")?)
        } else {
            (width, tags.number(278)?.unwrap_or(height).min(height))
        };
        if width == 0 || height == 0 || piece.0 == 0 || piece.1 == 0 {
            return Err(Refusal::Damaged(format!(
                "a size of {width} x {height} in pieces of {} x {}",
                piece.0, piece.1
            )));
        }
        let (offsets, lengths) = if tags.has(324) { (324, 325) } else { (273, 279) };
        let subsampling = match tags.numbers(530)?.as_deref() {
            Some(&[across @ 1..=4, down @ 1..=4]) => (across as usize, down as usize),
            Some(_) => return Err(Refusal::Damaged("wrong numbers for the sampling of colours".to_owned())),
            None => (2, 2),
        };
        let layout = Self {
            width,
            height,
            bits: bits as u32,
            number,
            samples,
            meaning,
            alpha,
            planar,
            compression,
            predictor: tags.number(317)?.unwrap_or(1),
            lowest_first: tags.number(266)? == Some(2),
            big_endian: tags.big_endian(),
            piece,
            tiles,
            offsets: tags.numbers(offsets)?.unwrap_or_default(),
            lengths: tags.numbers(lengths)?.unwrap_or_default(),
            subsampling,
        };
        let pieces = layout.across().saturating_mul(layout.down());
        let pieces = pieces.saturating_mul(if planar { samples as u64 } else { 1 });
        if (layout.offsets.len() as u64) < pieces {
            return Err(Refusal::Damaged(format!("{} of {pieces} pieces of pixels", layout.offsets.len())));
        }
        Ok(layout)
    }

    /// Pieces beside each other.
    pub(super) fn across(&self) -> u64 {
        self.width.div_ceil(self.piece.0)
    }

    /// Pieces above each other.
    pub(super) fn down(&self) -> u64 {
        self.height.div_ceil(self.piece.1)
    }

    /// Samples that stand side by side in a piece.
    pub(super) fn together(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }
}

/// The value that all values of a list are.
fn same(values: &[u64], what: &str) -> Result<u64, Refusal> {
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value == first) => Ok(*first),
        _ => Err(Refusal::Unsupported(format!("different {what} in its channels ({values:?})"))),
    }
}

fn meaning<R: Read + Seek>(tags: &mut Directory<R>, compression: u64, colours: usize) -> Result<Meaning, Refusal> {
    let what = match tags.number(262)? {
        Some(0) => return Ok(Meaning::Grey { white_is_zero: true }),
        Some(1) => return Ok(Meaning::Grey { white_is_zero: false }),
        Some(2) => return Ok(Meaning::Rgb),
        Some(3) => return Ok(Meaning::Palette),
        Some(5) if tags.number(332)?.unwrap_or(1) == 1 => return Ok(Meaning::Cmyk),
        Some(6) => return Ok(Meaning::YCbCr),
        None if colours == 3 => return Ok(Meaning::Rgb),
        None if colours == 1 => return Ok(Meaning::Grey { white_is_zero: matches!(compression, 2..=4) }),
        Some(4) => "a mask for transparency instead of colours".to_owned(),
        Some(5) => "other inks than CMYK".to_owned(),
        Some(8..=10) => "Lab colours".to_owned(),
        Some(32803 | 34892) => "a camera's raw pixels".to_owned(),
        Some(32844 | 32845) => "LogLuv colours".to_owned(),
        Some(other) => format!("colours of the unknown kind {other}"),
        None => "colours of no kind".to_owned(),
    };
    Err(Refusal::Unsupported(what))
}

/// The name of a compression that the program does not read; `None` for others.
fn unsupported(compression: u64) -> Option<String> {
    let name = match compression {
        1 | 3 | 4 | 5 | 7 | 8 | 32773 | 32946 | 50000 => return None,
        2 | 32771 => "CCITT (without ends of rows)",
        6 => "old JPEG",
        9 | 10 | 34661 => "JBIG",
        32766 => "NeXT",
        32809 => "ThunderScan",
        34676 | 34677 => "SGI Log",
        33003 | 33005 | 34712 => "JPEG 2000",
        34887 => "LERC",
        34925 => "LZMA",
        50001 => "WebP",
        50002 | 52546 => "JPEG XL",
        other => return Some(format!("the unknown ({other})")),
    };
    Some(name.to_owned())
}
