//! `std.SaveImage`

use crate::{
    encode::{Format, encode},
    extent::Extent,
    levels::{Rounding, level},
};
use rayon::prelude::*;
use splatgraph_sdk::{prelude::*, settings, write_output};
use std::{ffi::OsStr, path::Path};

/// Writes pictures to files with 8 bits a channel.
///
/// The extension decides about the format: png, jpg, webp (lossless), bmp, tiff, tga, qoi or ppm. Values outside 0..1 are cut off.
/// The node creates missing folders. A file is complete when it appears under its name.
#[node(category = "Image", output, outputs(path: "The file; the first file of a batch.", paths: "All files, in the order of the batch."))]
pub fn save_image(
    /// The pictures.
    image: Image,
    /// The file. The index in the batch replaces `{b}`. Without `{b}`, the files of a batch get -000, -001 and so on.
    #[input(path = write, extensions = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "tga", "qoi", "ppm"], extensions_only)]
    path: NumberedPath,
    /// How to write a value between two levels.
    #[input(default = Rounding::Round)]
    rounding: Rounding,
    /// The quality of JPEG files; other formats ignore it.
    #[input(default = 95, min = 1, max = 100)]
    quality: u32,
    ctx: &Ctx,
) -> Result<(PathBuf, Vec<PathBuf>)> {
    let extent = Extent::of(&image, "image")?;
    let one = path.file(0, 1);
    let format = Format::from_extension(one.extension().and_then(OsStr::to_str)).map_err(|e| at(e, &one))?;
    let paths: Vec<PathBuf> = (0..extent.batch).map(|b| path.file(b, extent.batch)).collect();
    let size = (u32::try_from(extent.width)?, u32::try_from(extent.height)?);
    let text: Vec<(&str, &str)> = settings::png_text(ctx.settings()).collect();
    let pictures = image.image.as_slice::<f32>()?.chunks_exact(extent.pixels() * 3);
    for (b, (picture, path)) in pictures.zip(&paths).enumerate() {
        ctx.step(b, extent.batch)?;
        let rgb: Vec<u8> = ctx.on_threads(|| Ok(picture.par_iter().map(|v| level(*v, rounding)).collect()))?;
        let bytes = encode(&rgb, size, format, quality as u8, &text).map_err(|e| at(e.blame("path"), path))?;
        write_output(path, &bytes).map_err(|e| at(e, path))?;
    }
    Ok((paths[0].clone(), paths))
}

fn at(e: Error, path: &Path) -> Error {
    e.about_file("writing a picture", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::EXTENSIONS;
    use splatgraph_sdk::Node;

    #[test]
    fn the_node_declares_exactly_the_extensions_that_it_writes() {
        let spec = <save_image as Node>::spec();
        let path = spec.inputs.iter().find(|input| input.name == "path").unwrap();
        assert!(path.extensions_only);
        assert_eq!(path.extensions, EXTENSIONS.map(|(extension, _)| extension));
    }
}
