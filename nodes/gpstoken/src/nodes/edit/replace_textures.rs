//! The node `gpstoken.ReplaceTextures`.

use crate::edit::{
    same_model::expect_same_model,
    textures,
    token_set::{ANY, IfEmpty, edit_each, selected, take_apart, together},
};
use splatgraph_sdk::prelude::*;

/// Gives tokens the textures of others and leaves their geometry alone.
///
/// Each selected token takes the texture of that source token which stands at the nearest place, where places count from 0 to 1
/// within the bounding box of the selected means, and of the source's. So a source of one token gives it to all, and one
/// of the same size copies place by place. A token that is selected by a part goes that part of the way.
#[node(category = "GPSToken/Edit", outputs(tokens: "the tokens, in the same order"))]
pub fn replace_textures(
    /// The tokens.
    tokens: Tokens,
    /// Which of them get other textures; all without it.
    selection: Option<Selection>,
    /// Whose textures to take, made by the same model; the tokens themselves without it.
    source: Option<Tokens>,
    /// Which of the source's tokens, those that are selected by at least a half; all without it.
    source_selection: Option<Selection>,
    /// What to do where nothing is selected.
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
    // A single picture with several sources becomes as many.
    let everything = selected(selection.as_ref(), "selection", tokens.textures.shape()[1], rows)?.concat();
    let selection = Selection::new(Tensor::from_vec([rows, tokens.textures.shape()[1]], everything)?)?;
    edit_each(&tokens, Some(&selection), ANY, if_empty, ctx, |b, set, selected| {
        let (source, chosen) = (&sources[b], &chosen[b][..sources[b].len()]);
        textures::replace_textures(set, selected, source, chosen).map_err(|e| e.blame("source_selection"))
    })
}
