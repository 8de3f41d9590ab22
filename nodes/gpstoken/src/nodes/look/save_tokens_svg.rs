//! The node `gpstoken.SaveTokensSvg`.

use crate::draw::{Colour, Shown, TokensOrLayout, colours, png_of, svg};
use crate::names::one_or;
use splatgraph_sdk::{prelude::*, write_output};
use std::path::Path;

/// Writes tokens as an SVG file: an ellipse at one sigma for each token, a line at two, the regions, and the numbers of a
/// token when the pointer rests on it.
///
/// Any browser shows the file at any size, and editors of vector graphics open it. A batch makes one file for each picture.
#[node(category = "GPSToken", output, outputs(path: "the file; for a batch, the first one", paths: "all files, in the order of the batch"))]
pub fn save_tokens_svg(
    /// TOKENS or a LAYOUT.
    tokens: TokensOrLayout,
    /// The file. `{b}` stands for the index in the batch; without it, a batch adds -000, -001 and so on to the name.
    #[input(path = write, extensions = ["svg"], extensions_only)]
    path: NumberedPath,
    /// The background, stored inside the file; one for all pictures, or one for each.
    image: Option<Image>,
    /// What the colours show.
    #[input(default = Colour::Size)]
    colour: Colour,
    /// The selection for the colour `selection`.
    selection: Option<Selection>,
    /// Writes the index of each token, from 0.
    #[input(default = false)]
    ids: bool,
    ctx: &Ctx,
) -> Result<(PathBuf, Vec<PathBuf>)> {
    let first = path.file(0, 1);
    if first.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("svg")) {
        return Err(at(Error::input("path", "expected a file name that ends with .svg"), &first));
    }
    let shown = Shown::new(tokens)?;
    let pictures = image.as_ref().map(|image| image.image.dims::<4>()).transpose()?;
    if let Some([pictures, ..]) = pictures.filter(|[pictures, ..]| *pictures != 1 && *pictures != shown.batch) {
        return Err(Error::input(
            "image",
            format!("expected {}, as the tokens have, got {pictures}", one_or(shown.batch)),
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
        files.push((path.file(b, shown.batch), text));
    }
    let Some((first, _)) = files.first() else {
        return Err(Error::input("tokens", "expected tokens of at least one picture, got none"));
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
