//! The tokens or layout to draw, in one form: gaussians, perhaps with regions or textures.

use crate::canvas::{Corners, Gaussian};
use splatgraph_sdk::prelude::*;

/// Tokens or a layout.
#[derive(Union)]
pub enum TokensOrLayout {
    /// Gaussians with textures.
    Tokens(Tokens),
    /// Gaussians, perhaps with regions.
    Layout(Layout),
}

/// Tokens or a layout in one form.
pub(crate) struct Shown {
    pub(crate) batch: usize,
    /// Rows of each picture, padding included.
    pub(crate) count: usize,
    pub(crate) header: Canvas,
    gaussians: Tensor,
    regions: Option<Tensor>,
    textures: Option<Tensor>,
    counts: Option<Tensor>,
}

impl Shown {
    pub(crate) fn new(tokens: TokensOrLayout) -> Result<Self> {
        let (gaussians, regions, textures, counts, header) = match tokens {
            TokensOrLayout::Tokens(t) => (t.gaussians, None, Some(t.textures), t.counts, t.header),
            TokensOrLayout::Layout(layout) => (layout.gaussians, layout.regions, None, None, layout.header),
        };
        let [batch, count, _] = gaussians.dims()?;
        Ok(Self { batch, count, header, gaussians, regions, textures, counts })
    }

    /// Width and height of the area that coordinates span, for a canvas of this size; larger than the canvas if tiles reach
    /// beyond it.
    pub(crate) fn area(&self, canvas: [usize; 2]) -> [f32; 2] {
        let (own, area) = (self.header.canvas, self.header.area());
        std::array::from_fn(|i| canvas[i] as f32 * (area[i] as f32 / own[i] as f32))
    }

    /// The number of rows of picture `b` that are tokens.
    fn used(&self, b: usize) -> Result<usize> {
        Ok(match &self.counts {
            Some(counts) => counts.as_slice::<i64>()?[b] as usize,
            None => self.count,
        })
    }

    /// The gaussians of picture `b`.
    pub(crate) fn gaussians(&self, b: usize) -> Result<&[Gaussian]> {
        Ok(&self.gaussians.as_slice::<f32>()?.as_chunks::<5>().0[b * self.count..][..self.used(b)?])
    }

    /// The regions of picture `b`; empty if there are none.
    pub(crate) fn regions(&self, b: usize) -> Result<&[Corners]> {
        let Some(regions) = &self.regions else { return Ok(&[]) };
        Ok(&regions.as_slice::<f32>()?.as_chunks::<4>().0[b * self.count..][..self.used(b)?])
    }

    /// The root mean square of each texture of picture `b`, if there are textures.
    pub(crate) fn energies(&self, b: usize) -> Result<Option<Vec<f32>>> {
        let Some(textures) = &self.textures else { return Ok(None) };
        let [_, count, channels] = textures.dims()?;
        let rows = &textures.as_slice::<f32>()?[b * count * channels..][..self.used(b)? * channels];
        // A texture without channels has no strength.
        let energy = |row: &[f32]| (row.iter().map(|v| v * v).sum::<f32>() / channels.max(1) as f32).sqrt();
        Ok(Some((0..self.used(b)?).map(|token| energy(&rows[token * channels..][..channels])).collect()))
    }
}
