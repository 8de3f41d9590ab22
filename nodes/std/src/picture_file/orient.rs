//! Turns a picture upright during the conversion of its pixels, without another copy.

use crate::{memory::zeros, parallel::pieces};
use image::metadata::Orientation;
use splatgraph_sdk::prelude::*;

/// The number of rows that one task writes. It reads a turned picture in runs of as many pixels.
const ROWS: usize = 16;

/// Stored pixels, row by row.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// `height * width * pixel_bytes` bytes.
    pub(crate) data: &'a [u8],
    /// Width and height.
    pub(crate) size: (usize, usize),
    /// Bytes of one pixel.
    pub(crate) pixel_bytes: usize,
}

impl Source<'_> {
    /// Width and height after turning.
    #[must_use]
    pub(crate) fn upright_size(&self, orientation: Orientation) -> (usize, usize) {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        let (width, height) = self.size;
        match orientation {
            Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => (height, width),
            _ => (width, height),
        }
    }
}

/// The stored place of the upright pixel (0, 0), and the stored distances of neighbours in x and in y, in pixels.
fn steps((width, height): (usize, usize), orientation: Orientation) -> (usize, isize, isize) {
    let row = width.cast_signed();
    let (right, bottom) = (width - 1, (height - 1) * width);
    match orientation {
        Orientation::NoTransforms => (0, 1, row),
        Orientation::FlipHorizontal => (right, -1, row),
        Orientation::Rotate180 => (right + bottom, -1, -row),
        Orientation::FlipVertical => (bottom, 1, -row),
        Orientation::Rotate90FlipH => (0, row, 1),
        Orientation::Rotate90 => (bottom, -row, 1),
        Orientation::Rotate270FlipH => (right + bottom, -row, -1),
        Orientation::Rotate270 => (right, row, -1),
    }
}

/// Converts every pixel to `C` floats; the result is `[height, width, C]` of the upright picture.
///
/// # Errors
/// There is not enough memory.
pub(crate) fn orient<const C: usize>(
    source: Source<'_>,
    orientation: Orientation,
    convert: impl Fn(&[u8], &mut [f32; C]) + Sync,
) -> Result<Vec<f32>> {
    let (width, height) = source.upright_size(orientation);
    let (origin, step_x, step_y) = steps(source.size, orientation);
    let mut out = zeros::<f32>(width * height * C)?;
    pieces(&mut out, ROWS * width * C, &|block, rows| {
        let (pixels, _) = rows.as_chunks_mut::<C>();
        let first = block * ROWS;
        let count = pixels.len() / width;
        let mut one = |x: usize, y: usize| {
            let at = origin.cast_signed() + x.cast_signed() * step_x + (first + y).cast_signed() * step_y;
            let from = at.cast_unsigned() * source.pixel_bytes;
            convert(&source.data[from..from + source.pixel_bytes], &mut pixels[y * width + x]);
        };
        // In the order of the source.
        if step_x.abs() == 1 {
            (0..count).for_each(|y| (0..width).for_each(|x| one(x, y)));
        } else {
            (0..width).for_each(|x| (0..count).for_each(|y| one(x, y)));
        }
    });
    Ok(out)
}
