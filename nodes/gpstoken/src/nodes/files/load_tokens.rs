//! The node `gpstoken.LoadTokens`.

use crate::token_file::{TokenFile, decode};
use splatgraph_sdk::{prelude::*, read_whole};

/// Reads tokens from a compact file (.gpst) that SaveTokens wrote.
///
/// A file that is damaged, cut off or of a newer format is an error; a checksum covers all bytes. To read tokens from a
/// .safetensors file, use std.LoadRecord.
#[node(category = "GPSToken", outputs(tokens: "the tokens"))]
pub fn load_tokens(
    /// The file.
    #[input(path = read, extensions = ["gpst"])]
    path: PathBuf,
) -> Result<Tokens> {
    let read = || {
        let (file, _) = decode(&read_whole(&path)?).map_err(Error::new)?;
        tokens_of(file)
    };
    read().map_err(|e: Error| e.about_file("reading tokens", &path).blame("path"))
}

/// The tokens of a file.
pub(crate) fn tokens_of(file: TokenFile) -> Result<Tokens> {
    let TokenFile { batch, tokens, channels, gaussians, textures, counts, canvas, tile, grid, map, support, model } =
        file;
    let counts = counts.map(|counts| counts.into_iter().map(|used| used as i64).collect());
    Tokens::new(
        Tensor::from_vec([batch, tokens, 5], gaussians)?,
        Tensor::from_vec([batch, tokens, channels], textures)?,
        counts.map(|counts| Tensor::from_vec([batch], counts)).transpose()?,
        Canvas { canvas, tile, grid, map, support, model },
    )
}
