//! `std.LoadImage`

use crate::decode::{Picture, decode};
use splatgraph_sdk::prelude::*;
use std::{ffi::OsStr, fs::File, io::BufReader, path::Path};

/// Reads a picture.
///
/// PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO and HDR, recognised by their content, of up to 256 megapixels.
/// Turned upright as its EXIF data says. A byte v becomes v/255, 16 bits v/65535, floats stay as they are; grey
/// becomes three equal channels; of an animation, the first picture is read. Colour profiles are not applied.
#[node(category = "Image", outputs(image: "The picture, [1, H, W, 3].", mask: "1 - alpha, [1, H, W]; zeros where the file has no alpha."))]
pub fn load_image(
    /// The file.
    #[input(path = read)]
    path: PathBuf,
    ctx: &Ctx,
) -> Result<(Image, Mask)> {
    let picture = ctx.on_threads(|| read(&path)).map_err(|e| {
        let mut e = e.context("reading a picture").blame("path");
        e.message += &format!(": {}", path.display());
        e
    })?;
    let Picture { width, height, colours, alpha } = picture;
    let mask = match alpha {
        Some(alpha) => alpha.into_iter().map(|a| 1.0 - a).collect(),
        None => vec![0.0; width * height],
    };
    let image = Image::new(Tensor::from_vec([1, height, width, 3], colours)?)?;
    Ok((image, Mask::new(Tensor::from_vec([1, height, width], mask)?)?))
}

fn read(path: &Path) -> Result<Picture> {
    if path.is_dir() {
        bail!("a picture file was expected, this is a folder");
    }
    let file = File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::new("there is no such file; check the name and the folder"),
        _ => Error::new(e),
    })?;
    decode(BufReader::new(file), path.extension().and_then(OsStr::to_str))
}
