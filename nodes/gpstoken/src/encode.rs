//! The node `gpstoken.Encode`.

use crate::{
    grid::Grid,
    load_tokenizer::Tokenizer,
    picture::tile_input,
    threads::within,
    tokenizer::{ImageStem, TILE},
};
use burn::{
    prelude::Device,
    tensor::{Tensor as Array, TensorData},
};
use splatgraph_sdk::prelude::*;

/// Looks at a picture: gives the feature map that RefineTokens samples (paper, section 3.3).
///
/// The picture is a square whose side is a multiple of 256 pixels; each 256-pixel tile is encoded by itself.
#[node(category = "GPSToken", outputs(features: "as many pixels as the picture has"))]
pub fn encode(
    /// From LoadTokenizer.
    tokenizer: Local<Tokenizer>,
    /// The picture.
    image: Image,
    ctx: &Ctx,
) -> Result<Features> {
    within(ctx, || {
        let [batch, height, width, _] = image.image.dims()?;
        let grid = Grid::of_picture(width, height)?;
        let stem = &tokenizer.network.stem;
        let channels = tokenizer.network.stem_channels;
        let pictures = image.image.as_slice::<f32>()?;
        let mut features = vec![0.0; batch * channels * height * width]; // [B, C, H, W]
        let (mut done, total) = (0, batch * grid.count() * ImageStem::STAGES);
        for b in 0..batch {
            let picture = &pictures[b * height * width * 3..][..height * width * 3];
            let features = &mut features[b * channels * height * width..][..channels * height * width];
            for [column, row] in grid.tiles() {
                let input = TensorData::new(tile_input(picture, width, [column, row]), [1, 3, TILE, TILE]);
                let encoded = stem.forward(Array::from_data(input, &Device::flex()), &mut |_, _| {
                    done += 1;
                    ctx.step(done, total)
                })?;
                let encoded = encoded.into_data();
                let encoded =
                    encoded.as_slice::<f32>().map_err(|e| Error::new(format!("reading the features: {e:?}")))?;
                for (line, from) in encoded.chunks_exact(TILE).enumerate() {
                    let (channel, y) = (line / TILE, row * TILE + line % TILE);
                    features[(channel * height + y) * width + column * TILE..][..TILE].copy_from_slice(from);
                }
            }
        }
        Features::new(Tensor::from_vec([batch, channels, height, width], features)?)
    })
}
