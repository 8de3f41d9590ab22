//! Pixels as a file has them, and how they become floats.

use super::{
    orient::{Source, orient},
    profile::Conversion,
};
use crate::{memory::zeros, parallel::pieces};
use image::{ColorType, metadata::Orientation};
use splatgraph_sdk::prelude::*;

/// The pixels that one task of the conversion of colours has.
const PIXELS: usize = 1 << 14;

/// The numbers of a pixel that are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// One, 0 for black.
    Grey,
    /// Three.
    Rgb,
    /// Four, 0 for no ink.
    Cmyk,
}

impl Colours {
    /// How many numbers these are.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// The form of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 0..255
    Bits8,
    /// 0..65535, in the byte order of the machine.
    Bits16,
    /// f32, in the byte order of the machine.
    Float,
}

impl Depth {
    /// Bytes of one number.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
            Self::Float => 4,
        }
    }
}

/// The form of a pixel: colours, then alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// The colours.
    pub(crate) colours: Colours,
    /// Whether alpha follows the colours.
    pub(crate) alpha: bool,
    /// The form of each number.
    pub(crate) depth: Depth,
}

impl Form {
    /// Bytes of one pixel.
    pub(crate) fn pixel_bytes(self) -> usize {
        (self.colours.count() + usize::from(self.alpha)) * self.depth.bytes()
    }

    /// Bytes that one pixel takes while it is read: as stored and as floats.
    pub(crate) fn peak_bytes(self) -> u64 {
        (if self.alpha { 16 } else { 12 }) + self.pixel_bytes() as u64
    }

    /// The form of a decoder of the crate `image`.
    ///
    /// # Errors
    /// The decoder has another form.
    pub(crate) fn of(colour: ColorType) -> Result<Self> {
        let depth = match colour.bytes_per_pixel() / colour.channel_count() {
            1 => Depth::Bits8,
            2 => Depth::Bits16,
            4 => Depth::Float,
            _ => bail!("expected 8, 16 or 32 bits a channel, got pixels of type {colour:?}"),
        };
        let colours = if colour.has_color() { Colours::Rgb } else { Colours::Grey };
        Ok(Self { colours, alpha: colour.has_alpha(), depth })
    }
}

/// A decoded picture, not upright yet.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Width and height.
    pub(crate) size: (usize, usize),
    /// The form of each pixel.
    pub(crate) form: Form,
    /// The colours are multiplied by alpha.
    pub(crate) premultiplied: bool,
    /// `height * width * form.pixel_bytes()` bytes.
    pub(crate) data: Vec<u8>,
}

impl Stored {
    /// A black picture.
    ///
    /// # Errors
    /// There is not enough memory.
    pub(crate) fn black(size: (usize, usize), form: Form) -> Result<Self> {
        let data = zeros::<u8>(size.0 * size.1 * form.pixel_bytes())?;
        Ok(Self { size, form, premultiplied: false, data })
    }

    /// Turns the picture upright and its colours into sRGB; without `conversion`, they are sRGB already.
    ///
    /// # Errors
    /// There is not enough memory.
    pub(crate) fn into_picture(self, orientation: Orientation, conversion: Option<&Conversion>) -> Result<Picture> {
        let bytes: [f32; 256] = std::array::from_fn(|v| v as f32 / 255.0);
        let mut picture = match self.form.depth {
            Depth::Bits8 => self.spread(orientation, conversion, |pixel, c| bytes[usize::from(pixel[c])]),
            Depth::Bits16 => self.spread(orientation, conversion, |pixel, c| {
                f32::from(u16::from_ne_bytes([pixel[2 * c], pixel[2 * c + 1]])) / 65535.0
            }),
            Depth::Float => self.spread(orientation, conversion, |pixel, c| {
                f32::from_ne_bytes([pixel[4 * c], pixel[4 * c + 1], pixel[4 * c + 2], pixel[4 * c + 3]])
            }),
        }?;
        if self.premultiplied {
            picture.divide_by_alpha(self.form.depth != Depth::Float);
        }
        if let Some(conversion) = conversion.filter(|_| self.form.colours != Colours::Cmyk) {
            pieces(&mut picture.colours, 3 * PIXELS, &|_, values| {
                values.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| {
                    *pixel = conversion.srgb([pixel[0], pixel[1], pixel[2], 0.0]);
                });
            });
        }
        Ok(picture)
    }

    fn spread(
        &self,
        orientation: Orientation,
        conversion: Option<&Conversion>,
        channel: impl Fn(&[u8], usize) -> f32 + Sync,
    ) -> Result<Picture> {
        let source = Source { data: &self.data, size: self.size, pixel_bytes: self.form.pixel_bytes() };
        let colours = match (self.form.colours, conversion) {
            (Colours::Rgb, _) => orient(source, orientation, |p, out: &mut [f32; 3]| {
                *out = [channel(p, 0), channel(p, 1), channel(p, 2)];
            })?,
            (Colours::Grey, _) => orient(source, orientation, |p, out: &mut [f32; 3]| *out = [channel(p, 0); 3])?,
            (Colours::Cmyk, Some(conversion)) => orient(source, orientation, |p, out: &mut [f32; 3]| {
                *out = conversion.srgb([channel(p, 0), channel(p, 1), channel(p, 2), channel(p, 3)]);
            })?,
            (Colours::Cmyk, None) => orient(source, orientation, |p, out: &mut [f32; 3]| {
                *out = [0, 1, 2].map(|c| (1.0 - channel(p, c)) * (1.0 - channel(p, 3)));
            })?,
        };
        let alpha = if self.form.alpha {
            let last = self.form.colours.count();
            Some(orient(source, orientation, |p, out: &mut [f32; 1]| *out = [channel(p, last)])?)
        } else {
            None
        };
        let (width, height) = source.upright_size(orientation);
        Ok(Picture { width, height, colours, alpha, warnings: Vec::new() })
    }
}

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
    /// What the user should know.
    pub(crate) warnings: Vec<String>,
}

impl Picture {
    /// Turns colours that are multiplied by alpha into plain ones. Colours at alpha 0 stay as they are. `cut` is whether colours
    /// end at 1.
    fn divide_by_alpha(&mut self, cut: bool) {
        let most = if cut { 1.0 } else { f32::INFINITY };
        let alpha = self.alpha.iter().flatten();
        for (pixel, alpha) in
            self.colours.as_chunks_mut::<3>().0.iter_mut().zip(alpha).filter(|(_, alpha)| **alpha > 0.0)
        {
            *pixel = pixel.map(|value| (value / alpha).min(most));
        }
    }
}
