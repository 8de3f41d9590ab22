//! Pixels and coordinates. Users give places in pixels; gaussians have coordinates that span the tiles of the canvas with
//! -1..1.

use splatgraph_sdk::{Canvas, Error, Mask, Result};

/// The area of all tiles, which -1..1 spans, and the picture on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Width and height of the area in pixels.
    size: [f64; 2],
    /// Width and height of the picture, which lies in the upper left corner of the area.
    pub picture: [usize; 2],
}

impl Area {
    /// The area of a header.
    pub fn of_header(header: &Canvas) -> Self {
        Self { size: header.area().map(f64::from), picture: header.canvas.map(|side| side as usize) }
    }

    /// Pixels in a distance of 1 on each axis: the centres of the first and the last pixel are at -1 and 1.
    pub fn unit(&self) -> [f64; 2] {
        self.size.map(|side| (side - 1.0).max(1.0) / 2.0)
    }

    /// Converts coordinates to pixels, where pixel i covers i..i + 1.
    pub fn to_pixels(&self, place: [f64; 2]) -> [f64; 2] {
        let unit = self.unit();
        [0, 1].map(|axis| (place[axis] + 1.0) * unit[axis] + 0.5)
    }

    /// Converts pixels to coordinates.
    pub fn to_coordinates(&self, pixels: [f64; 2]) -> [f64; 2] {
        let unit = self.unit();
        [0, 1].map(|axis| (pixels[axis] - 0.5) / unit[axis] - 1.0)
    }
}

/// The masks of a batch, each `[H, W]` of the picture's size.
pub(crate) fn mask_values(mask: &Mask, area: Area) -> Result<Vec<&[f32]>> {
    let [_, height, width] = mask.mask.dims()?;
    if [width, height] != area.picture {
        return Err(Error::input(
            "mask",
            format!(
                "expected a mask of {} x {} pixels, as the canvas of the tokens has, got {width} x {height}. Resize the picture from which the mask is made",
                area.picture[0], area.picture[1]
            ),
        ));
    }
    Ok(mask.mask.as_slice::<f32>()?.chunks_exact((width * height).max(1)).collect())
}
