//! The node `gpstoken.TrainTexture`.

use crate::{
    device::Compute,
    stages::tokenizer::Tokenizer,
    training::generator::{GeneratorCourse, Training},
};
use splatgraph_sdk::prelude::*;

/// Trains a generator of textures on a folder with a folder of pictures for each class, and writes a checkpoint with the authors' keys
/// for LoadGenerator and TextureDiffusion (paper, section 3.3).
///
/// First `crops` tiles are cut out of the pictures at random, as TrainTokenizer does, from each class in turn, and turned into
/// tokens by InitTokens, Encode and RefineTokens. Then each step takes `pictures` of these and as much noise, and teaches the network
/// the way from the noise to the textures and to what the gaussians moved, given the layout and the class (flow matching). The
/// checkpoint holds the weights' moving average and, as metadata, the names of the classes, the means and deviations by which the
/// tokens were normalised, and the tokenizer's name, map and support.
///
/// Beside `NAME.safetensors` there are the files that TrainTokenizer writes, too, and `NAME.samples.safetensors` with the tokens. A
/// training that was stopped in any way goes on as if it had not been, and a finished one with a larger number of steps.
#[node(category = "Training", output, outputs(path: "the checkpoint", loss: "the average of the last steps"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn train_texture(
    /// A folder for each class in it; their alphabetical order numbers the classes.
    #[input(path = read_dir)]
    data: PathBuf,
    /// The checkpoint.
    #[input(path = write, default = "texture-generator.safetensors")]
    output: PathBuf,
    /// From LoadTokenizer; it stays as it is. The generator is of use with this one only.
    tokenizer: Local<Tokenizer>,
    /// Tokens of a picture.
    #[input(default = 128, min = 1, max = 1024)]
    tokens: usize,
    /// Crops of which samples are made.
    #[input(default = 2000, min = 1, max = 10000000)]
    crops: usize,
    /// Blocks of the transformer.
    #[input(default = 4, min = 1, max = 1000)]
    depth: usize,
    /// Width of a token in the transformer.
    #[input(default = 192, min = 2, max = 65536)]
    width: usize,
    /// Heads of the attention; the width is a multiple of twice their number.
    #[input(default = 6, min = 1, max = 1024)]
    heads: usize,
    #[input(flatten)] course: GeneratorCourse,
    /// What the network is trained on; left out: what the run does. Always in f32.
    device: Option<String>,
    ctx: &Ctx,
) -> Result<(PathBuf, f32)> {
    let training = Training {
        data: &data,
        output: &output,
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
