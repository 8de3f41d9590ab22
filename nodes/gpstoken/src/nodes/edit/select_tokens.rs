//! The node `gpstoken.SelectTokens`.

use crate::draw::TokensOrLayout;
use crate::edit::{
    area::{Area, mask_values},
    criteria::{Criteria, Picture, Reference},
    token_set::{HALF, of_picture, together, used},
};
use splatgraph_sdk::{Json, prelude::*};

/// Selects the tokens that meet all given criteria; without a criterion, all tokens.
///
/// Places and sizes are in pixels of the canvas, x to the right and y downwards; pixel i covers i to i + 1. The place of a
/// token is its mean. Padding is never selected. A selection may be empty; nodes that edit report this as an error unless
/// their `if_empty` is "keep". CombineSelections joins selections with and, or, not and minus.
#[node(
    category = "GPSToken/Edit",
    outputs(
        selection: "1 for selected tokens and 0 for others; values in between with a mask_threshold of 0",
        count: "the number of tokens selected by at least a half, over all pictures",
    )
)]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn select_tokens(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// A rectangle [x0, y0, x1, y1]: selects tokens at x0 <= x < x1 and y0 <= y < y1.
    region: Option<Json<[f64; 4]>>,
    /// Selects tokens where the mask is at least `mask_threshold`; the mask has the size of the canvas.
    mask: Option<Mask>,
    /// The least value of the mask; 0 selects each token by the value itself, for soft edits.
    #[input(default = 0.5, min = 0, max = 1)]
    mask_threshold: f64,
    /// The least size, sqrt(sigma_x sigma_y), in pixels.
    #[input(default = 0.0, min = 0)]
    min_sigma: f64,
    /// The largest size in pixels; 0 is no limit.
    #[input(default = 0.0, min = 0)]
    max_sigma: f64,
    /// Selects tokens by their indices, such as [0, 3, 17].
    indices: Option<Json<Vec<usize>>>,
    /// A place [x, y]: selects the `nearest_count` tokens nearest to it.
    nearest: Option<Json<[f64; 2]>>,
    /// The number of tokens that `nearest` selects.
    #[input(default = 1, min = 1)]
    nearest_count: usize,
    /// A place [x, y] or the index of a token: selects tokens with a similar texture.
    similar: Option<Json<Reference>>,
    /// If `similar` is a place: the number of tokens nearest to it whose mean texture is compared with.
    #[input(default = 1, min = 1)]
    similar_count: usize,
    /// How similar a texture must be: its least cosine similarity, 1 for the same direction.
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
