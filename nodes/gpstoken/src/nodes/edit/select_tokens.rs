//! The node `gpstoken.SelectTokens`.

use crate::draw::TokensOrLayout;
use crate::edit::{
    area::{Area, mask_values},
    criteria::{Criteria, Picture, Reference},
    token_set::{HALF, of_picture, together, used},
};
use splatgraph_sdk::{Json, prelude::*};

/// Selects tokens: all that meet every criterion that is given; without one, all.
///
/// Places and sizes are in pixels of the canvas, x to the right and y downwards, pixel i from i to i + 1. A token is at its mean.
/// Padding is never selected. A selection may come out empty: the nodes that edit say so. `CombineSelections` joins selections
/// by and, or, not and minus.
#[node(
    category = "GPSToken/Edit",
    outputs(
        selection: "1 for tokens that are selected, 0 for others; in between with a mask_threshold of 0",
        count: "how many are selected by at least a half, in all pictures together",
    )
)]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn select_tokens(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// A rectangle [x0, y0, x1, y1]: selects what is at x0 <= x < x1 and y0 <= y < y1.
    region: Option<Json<[f64; 4]>>,
    /// Selects what lies where the mask is at least mask_threshold; of the canvas's size.
    mask: Option<Mask>,
    /// With 0 the mask's value itself is how much a token is selected, for soft edits.
    #[input(default = 0.5, min = 0, max = 1)]
    mask_threshold: f64,
    /// The least size, sqrt(sigma_x sigma_y).
    #[input(default = 0.0, min = 0)]
    min_sigma: f64,
    /// The largest size; 0 is no limit.
    #[input(default = 0.0, min = 0)]
    max_sigma: f64,
    /// Selects tokens by their indices, such as [0, 3, 17].
    indices: Option<Json<Vec<usize>>>,
    /// A place [x, y]: selects the nearest_count tokens nearest to it.
    nearest: Option<Json<[f64; 2]>>,
    /// How many.
    #[input(default = 1, min = 1)]
    nearest_count: usize,
    /// A place [x, y], or a token's index: selects tokens with a like texture.
    similar: Option<Json<Reference>>,
    /// With a place: how many tokens nearest to it give the texture to compare with, their mean.
    #[input(default = 1, min = 1)]
    similar_count: usize,
    /// How like a texture has to be: its cosine similarity, 1 for the same direction.
    #[input(default = 0.9, min = -1, max = 1)]
    similarity: f64,
) -> Result<(Selection, usize)> {
    let (gaussians, textures, counts, header) = match &tokens {
        TokensOrLayout::Tokens(t) => (&t.gaussians, Some(&t.textures), t.counts.as_ref(), &t.header),
        TokensOrLayout::Layout(layout) => (&layout.gaussians, None, None, &layout.header),
    };
    let [batch, count, _] = gaussians.dims()?;
    let area = Area::of_header(header);
    let rows = match &mask {
        Some(mask) => together(batch, "mask", mask.mask.shape()[0])?,
        None => batch,
    };
    let masks = mask.as_ref().map(|mask| mask_values(mask, area)).transpose()?;
    let criteria = Criteria {
        region: region.map(|region| region.0),
        mask_threshold: mask.as_ref().map(|_| mask_threshold),
        min_sigma,
        max_sigma,
        indices: indices.map(|indices| indices.0),
        nearest: nearest.map(|place| place.0),
        nearest_count,
        similar: similar.map(|reference| reference.0),
        similar_count,
        similarity,
    };
    let gaussians = gaussians.as_slice::<f32>()?.as_chunks::<5>().0;
    let channels = textures.map_or(0, |textures| textures.shape()[2]);
    let textures = textures.map(|textures| textures.as_slice::<f32>()).transpose()?;
    let used = used(counts, [batch, count], rows)?;
    let mut selected = vec![0.0; rows * count];
    for (b, (selected, used)) in selected.chunks_exact_mut(count.max(1)).zip(used).enumerate() {
        let first = b % batch * count;
        let picture = Picture {
            gaussians: &gaussians[first..][..used],
            textures: textures.map(|textures| (&textures[first * channels..][..used * channels], channels)),
            area,
            mask: masks.as_ref().map(|masks| masks[b % masks.len()]),
            rows: count,
        };
        selected[..used].copy_from_slice(&criteria.select(picture).map_err(|e| of_picture(e, b, rows))?);
    }
    let number = selected.iter().filter(|value| **value >= HALF).count();
    Ok((Selection::new(Tensor::from_vec([rows, count], selected)?)?, number))
}
