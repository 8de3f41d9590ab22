//! The node `gpstoken.MixTokens`.

use crate::edit::{
    area::Area,
    matching::{assign, costs},
    same_model::{expect_same_canvas, expect_same_model},
    token_set::{TokenSet, put_together, take_apart, together},
};
use splatgraph_sdk::prelude::*;

/// Combines the geometry of one picture with the textures of another.
///
/// The node matches tokens so that the sum of the costs is as small as possible (optimal assignment). The cost of a pair is
/// the squared distance of the means, in units of half the canvas's longer side, plus `texture_weight` times 1 minus the
/// cosine similarity of the textures. Each texture is used once. If there are fewer textures than tokens, each remaining
/// token takes the texture with the least cost.
///
/// Textures fit the geometry they were made for. To see a picture through the layout of another in full quality, refine its
/// features with that layout (`graphs/mix-layout-texture.json` does both).
#[node(category = "GPSToken/Edit", outputs(tokens: "as many tokens as `geometry` has, in its order"))]
pub fn mix_tokens(
    /// The tokens whose gaussians to keep.
    geometry: Tokens,
    /// The tokens whose textures to take, made by the same model on the same canvas.
    textures: Tokens,
    /// How much the similarity of textures counts beside the distance.
    #[input(default = 0.0, min = 0, max = 1000)]
    texture_weight: f64,
    ctx: &Ctx,
) -> Result<Tokens> {
    expect_same_model(&geometry, "textures", &textures)?;
    expect_same_canvas(&geometry, "textures", &textures)?;
    let rows = together(geometry.textures.shape()[0], "textures", textures.textures.shape()[0])?;
    let unit = Area::of_header(&geometry.header).unit();
    let mut mixed = take_apart(&geometry, rows)?;
    for (b, (set, from)) in mixed.iter_mut().zip(take_apart(&textures, rows)?).enumerate() {
        ctx.step(b, rows)?;
        mix(set, &from, unit, texture_weight)?;
    }
    ctx.step(rows, rows)?;
    let mixed = put_together(&mixed, &geometry)?;
    let model = geometry.header.model.or(textures.header.model);
    Ok(Tokens { header: Canvas { model, ..mixed.header.clone() }, ..mixed })
}

fn mix(set: &mut TokenSet, from: &TokenSet, unit: [f64; 2], texture_weight: f64) -> Result<()> {
    if from.is_empty() {
        return Err(Error::input("textures", "expected at least one token to take a texture from, got none"));
    }
    let costs = costs(set, from, unit, texture_weight);
    let partners = assign(&costs, [set.len(), from.len()])?;
    for (index, partner) in partners.into_iter().enumerate() {
        let row = &costs[index * from.len()..][..from.len()];
        let cheapest = || (0..row.len()).min_by(|a, b| row[*a].total_cmp(&row[*b]));
        let partner = partner.or_else(cheapest).unwrap_or_default();
        set.texture_mut(index).copy_from_slice(from.texture(partner));
    }
    Ok(())
}
