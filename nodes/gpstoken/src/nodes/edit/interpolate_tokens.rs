//! The node `gpstoken.InterpolateTokens`.

use crate::edit::{
    area::Area,
    matching::{assign, costs},
    morph::Morph,
    same_model::{expect_same_canvas, expect_same_model},
    token_set::{put_together, take_apart, together},
};
use splatgraph_sdk::prelude::*;

/// Morphs the tokens of one picture into the tokens of another, frame by frame.
///
/// The node matches tokens as MixTokens does. It interpolates sigmas linearly between their logits, and rho and places
/// linearly between their inverse hyperbolic tangents, in the way the network itself moves gaussians. It interpolates
/// textures linearly. Where one picture has more tokens, tokens without a partner stay in place and fade in or out.
///
/// The first frame has the tokens of `a` and the last frame the tokens of `b`, bit for bit. A row is the same token in all
/// frames.
#[node(category = "GPSToken/Edit", outputs(tokens: "a picture for each frame; for a batch, all frames of the first pair of pictures, then of the next"))]
pub fn interpolate_tokens(
    /// The tokens of the first frame.
    a: Tokens,
    /// The tokens of the last frame, made by the same model on the same canvas.
    b: Tokens,
    /// The number of frames, both ends included; 1 makes only the frame at `t`.
    #[input(default = 9, min = 1, max = 4096)]
    frames: usize,
    /// For one frame: its place between `a` (0) and `b` (1).
    #[input(default = 0.5, min = 0, max = 1)]
    t: f32,
    /// How much the similarity of textures counts beside the distance when tokens are matched.
    #[input(default = 0.1, min = 0, max = 1000)]
    texture_weight: f64,
    ctx: &Ctx,
) -> Result<Tokens> {
    expect_same_model(&a, "b", &b)?;
    expect_same_canvas(&a, "b", &b)?;
    let rows = together(a.textures.shape()[0], "b", b.textures.shape()[0])?;
    let unit = Area::of_header(&a.header).unit();
    let mut sets = Vec::with_capacity(rows * frames);
    for (picture, (from, to)) in take_apart(&a, rows)?.iter().zip(&take_apart(&b, rows)?).enumerate() {
        ctx.step(picture, rows)?;
        let partners = assign(&costs(from, to, unit, texture_weight), [from.len(), to.len()])?;
        let morph = Morph::new(from, to, &partners);
        sets.extend(
            (0..frames).map(|frame| morph.at(if frames == 1 { t } else { frame as f32 / (frames - 1) as f32 })),
        );
    }
    ctx.step(rows, rows)?;
    let model = a.header.model.clone().or(b.header.model);
    let tokens = put_together(&sets, &Tokens { counts: None, ..a })?;
    Ok(Tokens { header: Canvas { model, ..tokens.header.clone() }, ..tokens })
}
