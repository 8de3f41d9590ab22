//! The node `gpstoken.TrainTexture`.

use crate::{
    device::Compute,
    stages::{generator::Kind, tokenizer::Tokenizer},
    training::generator::{GeneratorCourse, Training},
};
use splatgraph_sdk::prelude::*;

/// Trains a generator of textures on a folder that holds a folder of pictures for each class (paper, section 3.3). Writes a
/// checkpoint with the authors' keys for LoadGenerator and TextureDiffusion, or with `stages` 1 for TokenDiffusion.
///
/// First the node cuts `crops` tiles out of the pictures at random, as TrainTokenizer does, from each class in turn, and
/// makes tokens of each with InitTokens, Encode and RefineTokens. Then each step takes `pictures` of these and as much noise,
/// and teaches the network the way from the noise to the textures and to the moves of the gaussians, given the layout and the
/// class (flow matching). In one stage there is no layout: the network learns the way from the noise to the gaussians and
/// textures. The checkpoint holds the moving average of the weights. Its metadata holds the names of the
/// classes, the means and deviations with which the node normalised the tokens, and the name, map and support of the
/// tokenizer.
///
/// Beside `NAME.safetensors` the node writes the files that TrainTokenizer writes, and `NAME.samples.safetensors` with the
/// tokens. A training that stopped for any reason continues with the same result as without the stop. To continue a finished
/// training, set a larger number of steps.
#[node(category = "Training", output, saves, outputs(path: "the checkpoint", loss: "the average loss of the last steps"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn train_texture(
    /// A folder with a folder of pictures for each class, whose alphabetical order numbers the classes. It may also have .tar
    /// shards with the class of each picture in a .cls file, as in WebDataset, or in the name of its folder.
    #[input(path = read_dir)]
    data: PathBuf,
    /// The checkpoint.
    #[input(path = write, extensions = ["safetensors"], default = "texture-generator.safetensors")]
    output: PathBuf,
    /// The tokenizer, from LoadTokenizer; the training does not change it. The generator works only with this tokenizer.
    tokenizer: Local<Tokenizer>,
    /// Tokens of a picture.
    #[input(default = 128, min = 1, max = 1024)]
    tokens: usize,
    /// The number of crops to make samples from.
    #[input(default = 2000, min = 1, max = 10000000)]
    crops: usize,
    /// Blocks of the transformer.
    #[input(default = 4, min = 1, max = 1000)]
    depth: usize,
    /// Width of a token in the transformer.
    #[input(default = 192, min = 2, max = 65536)]
    width: usize,
    /// Heads of the attention; the width must be a multiple of twice their number.
    #[input(default = 6, min = 1, max = 1024)]
    heads: usize,
    #[input(flatten)] course: GeneratorCourse,
    /// The device to train on; left out: the device of the run. Always in f32.
    device: Option<String>,
    /// The number of stages in which pictures will be generated. 2 trains a generator for TextureDiffusion, which takes layouts
    /// of another generator. 1 trains a generator for TokenDiffusion, which makes gaussians and textures together.
    #[input(default = 2, min = 1, max = 2)]
    stages: u32,
    ctx: &Ctx,
) -> Result<(PathBuf, f32)> {
    let training = Training {
        data: &data,
        output: &output,
        kind: if stages == 1 { Kind::Token } else { Kind::Texture },
        tokenizer: Some(tokenizer),
        tokens,
        crops,
        depth,
        width,
        heads,
        course,
        compute: Compute::of_run(ctx, device.as_deref())?,
        ctx,
    };
    let loss = training.run()?;
    Ok((output, loss))
}
