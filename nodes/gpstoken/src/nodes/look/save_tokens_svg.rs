//! The node `gpstoken.SaveTokensSvg`.

use crate::draw::{Colour, Shown, TokensOrLayout, colours, png_of, svg};
use splatgraph_sdk::{numbered, prelude::*, write_output};
use std::path::Path;

/// Writes the tokens as an SVG file: an ellipse at one sigma for each, lines at two, the regions, and the numbers of a token
/// when the pointer rests on it.
///
/// Any browser shows it at any size, and editors of vector graphics open it. One file for each picture of a batch.
#[node(category = "GPSToken", output, outputs(path: "the file; of a batch, the first", paths: "all files, in the order of the batch"))]
pub fn save_tokens_svg(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// The file. `{b}` stands for the index in the batch; without it, a batch adds -000, -001 and so on.
    #[input(path = write)]
    path: PathBuf,
    /// Put below the tokens, inside the file; one for all, or one for each.
    image: Option<Image>,
    /// What the colours say.
    #[input(default = Colour::Size)]
    colour: Colour,
    /// For `colour` = selection.
    selection: Option<Selection>,
    /// Writes each token's index, from 0.
    #[input(default = false)]
    ids: bool,
    ctx: &Ctx,
) -> Result<(PathBuf, Vec<PathBuf>)> {
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("svg")) {
        return Err(at(Error::input("path", "a file name that ends with .svg was expected"), &path));
    }
    let shown = Shown::new(tokens)?;
    let pictures = image.as_ref().map(|image| image.image.dims::<4>()).transpose()?;
    if let Some([pictures, ..]) = pictures.filter(|[pictures, ..]| *pictures != 1 && *pictures != shown.batch) {
        return Err(Error::input(
            "image",
            format!("1 or {} pictures were expected, as there are tokens for, {pictures} came", shown.batch),
        ));
    }
    let mut files = Vec::new();
    for b in 0..shown.batch {
        ctx.step(b, shown.batch)?;
        let picture = match (&image, pictures) {
            (Some(image), Some([pictures, height, width, _])) => {
                let first = if pictures == 1 { 0 } else { b * height * width * 3 };
                let values = &image.image.as_slice::<f32>()?[first..first + height * width * 3];
                Some(png_of(values, width, height)?)
            }
            _ => None,
        };
        let colours = colours(&shown, b, colour, selection.as_ref())?;
        let text = svg(&shown, b, &colours, picture.as_deref(), ids)?;
        files.push((numbered(&path, b, shown.batch), text));
    }
    let Some((first, _)) = files.first() else {
        return Err(Error::input("tokens", "tokens of at least one picture were expected, none came"));
    };
    let first = first.clone();
    for (path, text) in &files {
        write_output(path, text.as_bytes()).map_err(|e| at(e, path))?;
    }
    ctx.step(shown.batch, shown.batch)?;
    Ok((first, files.into_iter().map(|(path, _)| path).collect()))
}

fn at(e: Error, path: &Path) -> Error {
    e.about_file("writing an SVG", path)
}
