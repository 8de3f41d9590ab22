//! `std.SaveImage`

use crate::{
    encode::{Format, encode},
    extent::Extent,
    levels::{Rounding, level},
};
use rayon::prelude::*;
use splatgraph_sdk::{numbered, prelude::*, settings, write_output};
use std::{ffi::OsStr, path::Path};

/// Writes pictures to files with 8 bits a channel.
///
/// The extension says the format: png, jpg, webp (lossless), bmp, tiff, tga, qoi or ppm. Values outside 0..1 are cut off.
/// Missing folders are made. A file appears under its name only when it is complete.
#[node(category = "Image", output, outputs(path: "The file; of a batch, the first.", paths: "All files, in the order of the batch."))]
pub fn save_image(
    /// The pictures.
    image: Image,
    /// The file. `{b}` stands for the index in the batch; without it, a batch adds -000, -001 and so on.
    #[input(path = write)]
    path: PathBuf,
    /// How a value between two levels is written.
    #[input(default = Rounding::Round)]
    rounding: Rounding,
    /// For JPEG.
    #[input(default = 95, min = 1, max = 100)]
    quality: u32,
    ctx: &Ctx,
) -> Result<(PathBuf, Vec<PathBuf>)> {
    let extent = Extent::of(&image, "image")?;
    let format = Format::from_extension(path.extension().and_then(OsStr::to_str)).map_err(|e| at(e, &path))?;
    let paths: Vec<PathBuf> = (0..extent.batch).map(|b| numbered(&path, b, extent.batch)).collect();
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
