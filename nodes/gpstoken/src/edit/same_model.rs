//! Checks that one model made the tokens of two pictures, and that they lie on one canvas.

use splatgraph_sdk::{Error, Result, Tokens};

/// Checks that the textures of both have one meaning: equal model, map, support and channels. Facts that a header does not
/// have are not compared.
///
/// # Errors
/// Something differs; the message describes both and blames the input `name`, which has `other`.
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
            "expected tokens of {}, as the other input has, got tokens of {}. Refine both with the same tokenizer",
            describe(tokens),
            describe(other)
        ),
    ))
}

/// Checks that both lie on equal canvases.
///
/// # Errors
/// The canvases differ; the message describes both and blames the input `name`, which has `other`.
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
            "expected tokens of {}, as the other input has, got tokens of {}. Resize the pictures to one size first",
            describe(tokens),
            describe(other)
        ),
    ))
}
