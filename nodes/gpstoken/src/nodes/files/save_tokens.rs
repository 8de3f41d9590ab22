//! The node `gpstoken.SaveTokens`.

use crate::token_file::{Bits, TokenFile, encode};
use splatgraph_sdk::{prelude::*, write_whole};

/// Writes tokens to a compact file (.gpst).
///
/// Numbers are put on 2^bits equal steps between the smallest and the largest of their group and entropy-coded; the
/// largest error is half a step. A group with 0 bits is stored exactly, as f32. At the defaults a picture of 128 tokens
/// takes about 3 kB. Header, order and counts of the tokens are kept; rows that are padding come back as zeros. Missing
/// folders are made, and the file appears under its name only when it is complete. For other programs, std.SaveRecord
/// writes a .safetensors file; FORMAT.md beside this pack's source describes the bytes of this one.
#[node(category = "GPSToken", output, outputs(path: "the file", bytes: "its size"))]
pub fn save_tokens(
    /// The tokens.
    tokens: Tokens,
    /// The file.
    #[input(path = write, extensions = ["gpst"])]
    path: PathBuf,
    /// Bits of x and of y; 0 for exact.
    #[input(default = 9, min = 0, max = 16)]
    position: u32,
    /// Bits of the logarithms of sigma_x and sigma_y; 0 for exact.
    #[input(default = 7, min = 0, max = 16)]
    size: u32,
    /// Bits of the correlation; 0 for exact.
    #[input(default = 6, min = 0, max = 16)]
    rho: u32,
    /// Bits of each number of a texture; 0 for exact. All channels share one range, so that a channel of smaller numbers
    /// takes fewer bits.
    #[input(default = 6, min = 0, max = 16)]
    texture: u32,
) -> Result<(PathBuf, usize)> {
    // The inputs' ranges leave no more than 16.
    let bits = Bits { position: position as u8, size: size as u8, rho: rho as u8, texture: texture as u8 };
    let bytes = encode(&file_of(&tokens)?, bits).map_err(|e| Error::input("tokens", e))?;
    let doing = "writing tokens; check that the folder exists, may be written to and has space";
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.map_err(Error::from).and_then(|()| write_whole(&path, &bytes));
    written.map_err(|e| e.about_file(doing, &path).blame("path"))?;
    Ok((path, bytes.len()))
}

/// What goes into the file.
fn file_of(tokens: &Tokens) -> Result<TokenFile> {
    let [batch, count, channels] = tokens.textures.dims()?;
    let counts = tokens.counts.as_ref().map(|counts| counts.as_slice::<i64>()).transpose()?;
    let Canvas { canvas, tile, grid, map, support, model } = tokens.header.clone();
    Ok(TokenFile {
        batch,
        tokens: count,
        channels,
        gaussians: tokens.gaussians.as_slice::<f32>()?.to_vec(),
        textures: tokens.textures.as_slice::<f32>()?.to_vec(),
        counts: counts.map(|counts| counts.iter().map(|used| *used as usize).collect()),
        canvas,
        tile,
        grid,
        map,
        support,
        model,
    })
}
