//! Tokens of two pictures go together only when one model reads both.

use splatgraph_sdk::{Error, Result, Tokens};

/// That the textures of both mean the same: same model, map, support and channels. What a header does not tell is not compared.
///
/// # Errors
/// Something differs; the message names both. Blames the input `name`, which has `other`.
pub fn expect_same_model(tokens: &Tokens, name: &str, other: &Tokens) -> Result<()> {
    let (a, b) = (&tokens.header, &other.header);
    let channels = [tokens, other].map(|tokens| tokens.textures.shape()[2]);
    let models_differ = matches!((&a.model, &b.model), (Some(a), Some(b)) if a != b);
    let fits = !models_differ
        && channels[0] == channels[1]
        && a.map_or_default() == b.map_or_default()
        && a.support_or_default() == b.support_or_default();
    if fits {
        return Ok(());
    }
    let describe = |tokens: &Tokens| {
        let header = &tokens.header;
        let [width, height] = header.map_or_default();
        let model =
            header.model.as_ref().map_or_else(|| "an unnamed model".to_owned(), |model| format!("model \"{model}\""));
        let channels = tokens.textures.shape()[2];
        format!("{model}, map {width} x {height}, support {}, {channels} channels", header.support_or_default())
    };
    Err(Error::input(
        name,
        format!(
            "tokens of one model were expected: the others are of {}, these of {}. Refine both with the same tokenizer",
            describe(tokens),
            describe(other)
        ),
    ))
}

/// That both are on the same canvas.
///
/// # Errors
/// They are not; the message names both. Blames the input `name`, which has `other`.
pub fn expect_same_canvas(tokens: &Tokens, name: &str, other: &Tokens) -> Result<()> {
    let (a, b) = (&tokens.header, &other.header);
    if (a.canvas, a.tile, a.grid) == (b.canvas, b.tile, b.grid) {
        return Ok(());
    }
    let describe = |tokens: &Tokens| {
        let ([width, height], [columns, rows]) = (tokens.header.canvas, tokens.header.grid);
        format!("{width} x {height} pixels in {columns} x {rows} tiles of {}", tokens.header.tile)
    };
    Err(Error::input(
        name,
        format!(
            "tokens of one canvas were expected: the others are of {}, these of {}. Resize the pictures to one size first",
            describe(tokens),
            describe(other)
        ),
    ))
}
