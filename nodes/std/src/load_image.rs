//! `std.LoadImage`

use crate::picture_file::{Picture, ProfileUse, Wishes, decode};
use splatgraph_sdk::{open_file, prelude::*, settings};
use std::{ffi::OsStr, io::BufReader, path::Path};

/// Reads a picture.
///
/// The file can be PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR, which the node recognises by the content. The node
/// turns the picture upright as its EXIF data say. A byte v becomes v/255, 16 bits become v/65535, and floats do not change. Grey
/// becomes three equal channels. The node reads the first picture of an animation or of several pages. It converts colours with a
/// profile to sRGB.
///
/// Reading takes at most 1 GB of memory beyond twice the size of the file. That is enough for 65 megapixels of 8 bits without
/// alpha, and for more from large files. `--max-pixels` sets another limit.
///
/// A path that continues behind a .tar file names a member of it: `val-0003.tar/n01440764/1.jpg`. The node reads it without
/// unpacking the file.
#[node(category = "Image", outputs(image: "The picture, [1, H, W, 3].", mask: "1 - alpha, [1, H, W]; zeros if the file has no alpha."))]
pub fn load_image(
    /// The file.
    #[input(path = read)]
    path: PathBuf,
    /// What to do with a colour profile in the file, as photos in Display P3 or Adobe RGB have it.
    #[input(default = ProfileUse::Convert)]
    profile: ProfileUse,
    ctx: &Ctx,
) -> Result<(Image, Mask)> {
    let wishes = Wishes { max_pixels: settings::max_pixels(ctx.settings()), profile };
    let picture = ctx.on_threads(|| read(&path, wishes)).map_err(|e| {
        let mut e = e.context("reading a picture").blame("path");
        e.message += &format!(": {}", path.display());
        e
    })?;
    let Picture { width, height, colours, alpha, warnings } = picture;
    warnings.iter().for_each(|warning| ctx.warn(format!("{}: {warning}", path.display())));
    let mask = match alpha {
        Some(alpha) => alpha.into_iter().map(|a| 1.0 - a).collect(),
        None => vec![0.0; width * height],
    };
    let image = Image::new(Tensor::from_vec([1, height, width, 3], colours)?)?;
    Ok((image, Mask::new(Tensor::from_vec([1, height, width], mask)?)?))
}

fn read(path: &Path, wishes: Wishes) -> Result<Picture> {
    // Opening a pipe waits for its writer.
    if let Ok(about) = path.metadata() {
        if about.is_dir() {
            bail!("expected a picture file, got a folder");
        }
        if !about.is_file() {
            bail!("expected a picture file, got a pipe, a socket or a device; save the picture as a file first");
        }
    }
    let file = open_file(path).map_err(|e| match e.kind() {
        // The SDK says more about a member of a shard.
        std::io::ErrorKind::NotFound if e.get_ref().is_none() => {
            Error::new("expected a file, found none; check the name and the folder")
        }
        _ => Error::new(e),
    })?;
    decode(BufReader::new(file), path.extension().and_then(OsStr::to_str), wishes)
}
