//! The criteria that select tokens; a selected token meets all of them.

use super::{area::Area, token_set::TokenSet};
use crate::canvas::Gaussian;
use serde::{Deserialize, Serialize};
use splatgraph_sdk::{Error, Result};

/// Criteria of a selection: the inputs of SelectTokens, and `select` in the edits of EditTokens. Places and sizes are in
/// pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// `[x0, y0, x1, y1]`: the mean is at `x0 <= x < x1` and `y0 <= y < y1`.
    pub region: Option<[f64; 4]>,
    /// The mask's value at the mean is at least this and above 0; with 0 the value itself selects the token by a part.
    pub mask_threshold: Option<f64>,
    /// The least `sqrt(sigma_x sigma_y)`.
    pub min_sigma: f64,
    /// The largest `sqrt(sigma_x sigma_y)`; 0 is no limit.
    pub max_sigma: f64,
    /// The index is one of these.
    pub indices: Option<Vec<usize>>,
    /// The token is one of the `nearest_count` tokens whose means are nearest to this place.
    pub nearest: Option<[f64; 2]>,
    /// See `nearest`.
    pub nearest_count: usize,
    /// The cosine similarity of the texture and the reference is at least `similarity`.
    pub similar: Option<Reference>,
    /// For a place: the number of nearest tokens whose mean texture is the reference.
    pub similar_count: usize,
    /// See `similar`; -1..1.
    pub similarity: f64,
}

/// The texture to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the index of a token or a place [x, y]")]
pub enum Reference {
    /// The texture of this token.
    Token(usize),
    /// The mean texture of the tokens nearest to this place.
    Place([f64; 2]),
}

impl Default for Criteria {
    fn default() -> Self {
        Self {
            region: None,
            mask_threshold: None,
            min_sigma: 0.0,
            max_sigma: 0.0,
            indices: None,
            nearest: None,
            nearest_count: 1,
            similar: None,
            similar_count: 1,
            similarity: 0.9,
        }
    }
}

/// The tokens of a picture, with its area and mask.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The gaussians, without padding.
    pub gaussians: &'a [Gaussian],
    /// The textures `[N, C]` and C; a layout has none.
    pub textures: Option<(&'a [f32], usize)>,
    /// The area on which the tokens lie.
    pub area: Area,
    /// The mask `[H, W]` in the size of the picture.
    pub mask: Option<&'a [f32]>,
    /// Rows of the batch, padding included: the limit of an index.
    pub rows: usize,
}

impl<'a> Picture<'a> {
    /// The picture of a set of tokens.
    pub fn of_set(set: &'a TokenSet, area: Area, mask: Option<&'a [f32]>) -> Self {
        let textures = Some((&set.textures[..], set.channels));
        Self { gaussians: &set.gaussians, textures, area, mask, rows: set.len() }
    }

    fn pixels(&self, index: usize) -> [f64; 2] {
        let [_, _, _, x, y] = self.gaussians[index];
        self.area.to_pixels([f64::from(x), f64::from(y)])
    }

    /// The `count` tokens whose means are nearest to a place, the nearest first; equally near tokens keep their order.
    fn nearest(&self, place: [f64; 2], count: usize) -> Vec<usize> {
        let distance = |index: usize| {
            let [x, y] = self.pixels(index);
            (x - place[0]).powi(2) + (y - place[1]).powi(2)
        };
        let mut order: Vec<(f64, usize)> = (0..self.gaussians.len()).map(|index| (distance(index), index)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        order.into_iter().take(count).map(|(_, index)| index).collect()
    }
}

impl Criteria {
    /// Returns how much each token is selected, 0..1.
    ///
    /// # Errors
    /// No token can meet a criterion, or the picture lacks textures or a mask. The error blames the input with the name of
    /// the criterion.
    pub fn select(&self, picture: Picture<'_>) -> Result<Vec<f32>> {
        self.check(&picture)?;
        let mut selected = vec![1.0; picture.gaussians.len()];
        let mut keep = |holds: &dyn Fn(usize) -> bool| {
            selected.iter_mut().enumerate().filter(|(index, _)| !holds(*index)).for_each(|(_, value)| *value = 0.0);
        };
        if let Some([x0, y0, x1, y1]) = self.region {
            keep(&|index| {
                let [x, y] = picture.pixels(index);
                (x0..x1).contains(&x) && (y0..y1).contains(&y)
            });
        }
        if self.min_sigma > 0.0 || self.max_sigma > 0.0 {
            let [unit_x, unit_y] = picture.area.unit();
            let largest = if self.max_sigma > 0.0 { self.max_sigma } else { f64::INFINITY };
            keep(&|index| {
                let [sigma_x, sigma_y, ..] = picture.gaussians[index].map(f64::from);
                (self.min_sigma..=largest).contains(&(sigma_x * unit_x * sigma_y * unit_y).sqrt())
            });
        }
        if let Some(indices) = &self.indices {
            keep(&|index| indices.contains(&index));
        }
        if let Some(place) = self.nearest {
            let nearest = picture.nearest(place, self.nearest_count);
            keep(&|index| nearest.contains(&index));
        }
        if let (Some(reference), Some((textures, channels))) = (self.similar, picture.textures) {
            let texture = |index: usize| &textures[index * channels..][..channels];
            let like = match reference {
                Reference::Token(index) if index < picture.gaussians.len() => vec![index],
                Reference::Token(_) => Vec::new(), // padding in this picture
                Reference::Place(place) => picture.nearest(place, self.similar_count),
            };
            let mut mean = vec![0.0; channels];
            for index in &like {
                mean.iter_mut().zip(texture(*index)).for_each(|(sum, value)| *sum += f64::from(*value));
            }
            keep(&|index| {
                let own: Vec<f64> = texture(index).iter().map(|value| f64::from(*value)).collect();
                like == [index] || cosine(&own, &mean) >= self.similarity
            });
        }
        if let (Some(threshold), Some(mask)) = (self.mask_threshold, picture.mask) {
            let [width, height] = picture.area.picture;
            for (index, value) in selected.iter_mut().enumerate() {
                let [x, y] = picture.pixels(index);
                let on = (0.0..width as f64).contains(&x) && (0.0..height as f64).contains(&y);
                let at = if on { mask[y as usize * width + x as usize].clamp(0.0, 1.0) } else { 0.0 };
                let holds = at > 0.0 && f64::from(at) >= threshold;
                *value *= if threshold == 0.0 { at } else { f32::from(u8::from(holds)) };
            }
        }
        Ok(selected)
    }

    fn check(&self, picture: &Picture<'_>) -> Result<()> {
        if let Some([x0, y0, x1, y1]) = self.region
            && !(x0 < x1 && y0 < y1)
        {
            return Err(Error::input(
                "region",
                format!(
                    "expected a rectangle [x0, y0, x1, y1] in pixels with x0 below x1 and y0 below y1, got [{x0}, {y0}, {x1}, {y1}]"
                ),
            ));
        }
        if self.max_sigma > 0.0 && self.max_sigma < self.min_sigma {
            return Err(Error::input(
                "max_sigma",
                format!(
                    "expected at least min_sigma, which is {}, or 0 for no limit, got {}",
                    self.min_sigma, self.max_sigma
                ),
            ));
        }
        let reference = match self.similar {
            Some(Reference::Token(index)) => Some(index),
            _ => None,
        };
        let indices = self.indices.iter().flatten().map(|index| ("indices", *index));
        for (name, index) in indices.chain(reference.map(|index| ("similar", index))) {
            if index >= picture.rows {
                let last = picture.rows.saturating_sub(1);
                return Err(Error::input(name, format!("expected an index from 0 to {last}, got {index}")));
            }
        }
        if self.similar.is_some() && picture.textures.is_none() {
            return Err(Error::input(
                "similar",
                "expected tokens with textures, got a layout, which has none. Connect the tokens of RefineTokens",
            ));
        }
        if self.mask_threshold.is_some() && picture.mask.is_none() {
            return Err(Error::input(
                "mask_threshold",
                "expected a mask for the threshold, got none. Connect one to the input `mask`",
            ));
        }
        Ok(())
    }
}

/// The cosine similarity; 0 for an empty or zero vector.
pub(super) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { dot(a, b) / length } else { 0.0 }
}
