//! Which colour a token has.

use super::shown::Shown;
use crate::canvas::Gaussian;
use splatgraph_sdk::prelude::*;

/// What the colours of tokens say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Colour {
    /// The size: small ones warm, large ones cool.
    Size,
    /// How strong the texture is, from the picture's weakest (cool) to its strongest (warm).
    Energy,
    /// How much a token is selected: grey, or as warm as that.
    Selection,
}

pub(crate) type Rgb = [f32; 3];

const WARM: Rgb = [1.0, 0.78, 0.25];
const COOL: Rgb = [0.25, 0.85, 1.0];
const NOT_SELECTED: Rgb = [0.55; 3];

fn between(from: Rgb, to: Rgb, part: f32) -> Rgb {
    std::array::from_fn(|i| from[i] + (to[i] - from[i]) * part)
}

/// By the area, on a logarithmic scale between the sizes that many and few tokens of a tile have.
fn by_size(&[sigma_x, sigma_y, ..]: &Gaussian, tiles: f32) -> Rgb {
    let relative = (sigma_x * sigma_y).sqrt() * tiles;
    let large = ((relative / 0.02).ln() / (0.15f32 / 0.02).ln()).clamp(0.0, 1.0);
    between(WARM, COOL, large)
}

/// The colour of each token of picture `b`.
///
/// # Errors
/// There are no textures, or no selection that fits; blames the input.
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
                    "tokens with textures were expected for the colour `energy`, a layout came. Connect RefineTokens, or take `size`",
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
                    "a selection was expected for the colour `selection`, none came",
                ));
            };
            let [pictures, count] = selection.selected.dims()?;
            if count != shown.count || (pictures != 1 && pictures != shown.batch) {
                return Err(Error::input(
                    "selection",
                    format!(
                        "a selection of {} tokens was expected, for all {} pictures or for each, one of {count} for {pictures} came",
                        shown.count, shown.batch
                    ),
                ));
            }
            let first = if pictures == 1 { 0 } else { b * count };
            let selected = &selection.selected.as_slice::<f32>()?[first..first + gaussians.len()];
            selected.iter().map(|v| between(NOT_SELECTED, WARM, v.clamp(0.0, 1.0))).collect()
        }
    })
}
