//! Which tokens are selected: criteria that all have to hold.

use super::{area::Area, token_set::TokenSet};
use crate::canvas::Gaussian;
use serde::{Deserialize, Serialize};
use splatgraph_sdk::{Error, Result};

/// What to look for; the inputs of SelectTokens, and `select` in the edits of EditTokens. Places and sizes are in pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// `[x0, y0, x1, y1]`: the mean is at `x0 <= x < x1` and `y0 <= y < y1`.
    pub region: Option<[f64; 4]>,
    /// The mask's value at the mean is at least this and above 0; with 0 the value itself is how much the token is selected.
    pub mask_threshold: Option<f64>,
    /// The least `sqrt(sigma_x sigma_y)`.
    pub min_sigma: f64,
    /// The largest; 0 is no limit.
    pub max_sigma: f64,
    /// Of these indices.
    pub indices: Option<Vec<usize>>,
    /// Among the `nearest_count` tokens whose means are nearest to this place.
    pub nearest: Option<[f64; 2]>,
    /// See `nearest`.
    pub nearest_count: usize,
    /// With a texture whose cosine similarity to that of the reference is at least `similarity`.
    pub similar: Option<Reference>,
    /// How many tokens nearest to a place give the reference: the mean of their textures.
    pub similar_count: usize,
    /// See `similar`; -1..1.
    pub similarity: f64,
}

/// What textures are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a token's index or a place [x, y] was expected")]
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

/// A picture's tokens and what there is beside them.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// Without padding.
    pub gaussians: &'a [Gaussian],
    /// `[N, C]` and C, unless it is a layout.
    pub textures: Option<(&'a [f32], usize)>,
    /// Where they are.
    pub area: Area,
    /// `[H, W]` of the picture's size.
    pub mask: Option<&'a [f32]>,
    /// Rows of the batch, padding included: what an index may be below of.
    pub rows: usize,
}

impl<'a> Picture<'a> {
    /// Of tokens.
    pub fn of_set(set: &'a TokenSet, area: Area, mask: Option<&'a [f32]>) -> Self {
        let textures = Some((&set.textures[..], set.channels));
        Self { gaussians: &set.gaussians, textures, area, mask, rows: set.len() }
    }

    fn pixels(&self, index: usize) -> [f64; 2] {
        let [_, _, _, x, y] = self.gaussians[index];
        self.area.to_pixels([f64::from(x), f64::from(y)])
    }

    /// The `count` tokens whose means are nearest to a place, the nearest first; of equally near ones the first.
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
    /// How much each token is selected, 0..1.
    ///
    /// # Errors
    /// A criterion can't be met by any token, or lacks what it is about. Blames the input of its name.
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
                    "a rectangle [x0, y0, x1, y1] in pixels with x0 below x1 and y0 below y1 was expected, [{x0}, {y0}, {x1}, {y1}] came"
                ),
            ));
        }
        if self.max_sigma > 0.0 && self.max_sigma < self.min_sigma {
            return Err(Error::input(
                "max_sigma",
                format!(
                    "at least min_sigma, {}, was expected, or 0 for no limit, {} came",
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
                return Err(Error::input(name, format!("indices from 0 to {last} were expected, {index} came")));
            }
        }
        if self.similar.is_some() && picture.textures.is_none() {
            return Err(Error::input(
                "similar",
                "tokens with textures were expected, a layout came, whose gaussians have none yet. Connect the tokens of RefineTokens",
            ));
        }
        if self.mask_threshold.is_some() && picture.mask.is_none() {
            return Err(Error::input(
                "mask_threshold",
                "a mask was expected beside the threshold. Connect one to the input `mask`",
            ));
        }
        Ok(())
    }
}

/// Of an empty or zero vector 0: it is like nothing.
pub(super) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { dot(a, b) / length } else { 0.0 }
}
