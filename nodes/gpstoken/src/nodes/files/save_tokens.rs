//! The node `gpstoken.SaveTokens`.

use crate::token_file::{Bits, TokenFile, encode};
use splatgraph_sdk::{prelude::*, write_whole};

/// Writes tokens to a compact file (.gpst).
///
/// The node rounds each number to one of 2^bits equal steps between the smallest and the largest number of its group, and
/// codes the steps by their entropy. The largest error is half a step. A group with 0 bits is stored exactly, as f32. With
/// the defaults a picture of 128 tokens takes about 3 kB.
///
/// The file keeps the header, order and counts of the tokens. Rows that are padding come back as zeros. The node creates
/// missing folders, and the file appears under its name only when it is complete. For other programs, std.SaveRecord writes a
/// .safetensors file. FORMAT.md beside the source of this pack describes the bytes of a .gpst file.
#[node(category = "GPSToken", output, outputs(path: "the file", bytes: "the size of the file in bytes"))]
pub fn save_tokens(
    /// The tokens.
    tokens: Tokens,
    /// The file.
    #[input(path = write, extensions = ["gpst"])]
    path: PathBuf,
    /// Bits of x and of y; 0 stores them exactly.
    #[input(default = 9, min = 0, max = 16)]
    position: u32,
    /// Bits of the logarithms of sigma_x and sigma_y; 0 stores them exactly.
    #[input(default = 7, min = 0, max = 16)]
    size: u32,
    /// Bits of the correlation; 0 stores it exactly.
    #[input(default = 6, min = 0, max = 16)]
    rho: u32,
    /// Bits of each number of a texture; 0 stores them exactly. All channels share one range, so a channel of smaller numbers
    /// takes fewer bits.
    #[input(default = 6, min = 0, max = 16)]
    texture: u32,
) -> Result<(PathBuf, usize)> {
    // The ranges of the inputs allow at most 16.
    let bits = Bits { position: position as u8, size: size as u8, rho: rho as u8, texture: texture as u8 };
    let bytes = encode(&file_of(&tokens)?, bits).map_err(|e| Error::input("tokens", e))?;
    let doing = "writing tokens; check that the folder exists, is writable and has space";
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.map_err(Error::from).and_then(|()| write_whole(&path, &bytes));
    written.map_err(|e| e.about_file(doing, &path).blame("path"))?;
    Ok((path, bytes.len()))
}

/// The content of the file.
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
