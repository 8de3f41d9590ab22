//! The node `gpstoken.ReplaceTextures`.

use crate::edit::{
    same_model::expect_same_model,
    textures,
    token_set::{ANY, IfEmpty, edit_each, selected, take_apart, together},
};
use splatgraph_sdk::prelude::*;

/// Gives tokens the textures of other tokens and keeps their geometry.
///
/// Each selected token takes the texture of the nearest source token. Places are compared as 0 to 1 within the bounding box
/// of the selected means, and within the bounding box of the source's means. So a source of one token gives its texture to
/// all, and a source of the same size copies place by place. A partly selected token gets a mixture of its own texture and
/// the new one.
#[node(category = "GPSToken/Edit", outputs(tokens: "the tokens, in the same order"))]
pub fn replace_textures(
    /// The tokens.
    tokens: Tokens,
    /// Which tokens get other textures; left out: all.
    selection: Option<Selection>,
    /// The tokens whose textures to take, made by the same model; left out: `tokens` itself.
    source: Option<Tokens>,
    /// Which source tokens give textures: the ones selected by at least a half; left out: all.
    source_selection: Option<Selection>,
    /// What to do for a picture in which no token is selected.
    #[input(default = IfEmpty::Error)]
    if_empty: IfEmpty,
    ctx: &Ctx,
) -> Result<Tokens> {
    let source = source.unwrap_or_else(|| tokens.clone());
    expect_same_model(&tokens, "source", &source)?;
    let [pictures, source_count, _] = source.textures.dims()?;
    let of = |selection: &Option<Selection>| selection.as_ref().map_or(1, |selection| selection.selected.shape()[0]);
    let source_rows = together(pictures, "source_selection", of(&source_selection))?;
    let batch = together(tokens.textures.shape()[0], "selection", of(&selection))?;
    let rows = together(batch, "source", source_rows)?;
    let sources = take_apart(&source, rows)?;
    let chosen = selected(source_selection.as_ref(), "source_selection", source_count, rows)?;
    // A single picture is repeated for several sources.
    let everything = selected(selection.as_ref(), "selection", tokens.textures.shape()[1], rows)?.concat();
    let selection = Selection::new(Tensor::from_vec([rows, tokens.textures.shape()[1]], everything)?)?;
    edit_each(&tokens, Some(&selection), ANY, if_empty, ctx, |b, set, selected| {
        let (source, chosen) = (&sources[b], &chosen[b][..sources[b].len()]);
        textures::replace_textures(set, selected, source, chosen).map_err(|e| e.blame("source_selection"))
    })
}
