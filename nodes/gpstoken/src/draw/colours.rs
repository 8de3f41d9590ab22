//! The colours of tokens.

use super::shown::Shown;
use crate::{
    canvas::Gaussian,
    names::{counted, one_or},
};
use splatgraph_sdk::prelude::*;

/// What the colours of tokens show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Colour {
    /// The size: small tokens are warm, large tokens are cool.
    Size,
    /// The strength of the texture, from the weakest of the picture (cool) to the strongest (warm).
    Energy,
    /// How much a token is selected: from grey (not) to warm (fully).
    Selection,
}

pub(crate) type Rgb = [f32; 3];

const WARM: Rgb = [1.0, 0.78, 0.25];
const COOL: Rgb = [0.25, 0.85, 1.0];
const NOT_SELECTED: Rgb = [0.55; 3];

fn between(from: Rgb, to: Rgb, part: f32) -> Rgb {
    std::array::from_fn(|i| from[i] + (to[i] - from[i]) * part)
}

/// The colour by size, on a logarithmic scale between the usual sizes of many and of few tokens in a tile.
fn by_size(&[sigma_x, sigma_y, ..]: &Gaussian, tiles: f32) -> Rgb {
    let relative = (sigma_x * sigma_y).sqrt() * tiles;
    let large = ((relative / 0.02).ln() / (0.15f32 / 0.02).ln()).clamp(0.0, 1.0);
    between(WARM, COOL, large)
}

/// The colour of each token of picture `b`.
///
/// # Errors
/// Textures or a fitting selection are missing; the error blames the input.
pub(crate) fn colours(shown: &Shown, b: usize, colour: Colour, selection: Option<&Selection>) -> Result<Vec<Rgb>> {
    let gaussians = shown.gaussians(b)?;
    Ok(match colour {
        Colour::Size => {
            let [columns, rows] = shown.header.grid;
            gaussians.iter().map(|gaussian| by_size(gaussian, columns.max(rows) as f32)).collect()
        }
        Colour::Energy => {
            let Some(energies) = shown.energies(b)? else {
                return Err(Error::input(
                    "colour",
                    "expected tokens with textures for the colour `energy`, got a layout. Connect RefineTokens, or use the colour `size`",
                ));
            };
            let finite = energies.iter().copied().filter(|v| v.is_finite());
            let (low, high) = finite.fold((f32::INFINITY, 0.0f32), |(low, high), v| (low.min(v), high.max(v)));
            let part = |v: f32| if high > low { ((v - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
            energies.into_iter().map(|v| between(COOL, WARM, part(v))).collect()
        }
        Colour::Selection => {
            let Some(selection) = selection else {
                return Err(Error::input(
                    "selection",
                    "expected a selection for the colour `selection`, got none. Connect SelectTokens, or use the colour `size`",
                ));
            };
            let [pictures, count] = selection.selected.dims()?;
            if count != shown.count || (pictures != 1 && pictures != shown.batch) {
                return Err(Error::input(
                    "selection",
                    format!(
                        "expected a selection of {} for {}, got one of {count} for {pictures}. Select from these tokens",
                        counted(shown.count, "token"),
                        one_or(shown.batch)
                    ),
                ));
            }
            let first = if pictures == 1 { 0 } else { b * count };
            let selected = &selection.selected.as_slice::<f32>()?[first..first + gaussians.len()];
            selected.iter().map(|v| between(NOT_SELECTED, WARM, v.clamp(0.0, 1.0))).collect()
        }
    })
}
