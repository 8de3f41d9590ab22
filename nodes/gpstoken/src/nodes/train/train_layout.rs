//! The node `gpstoken.TrainLayout`.

use crate::{
    device::Compute,
    training::generator::{GeneratorCourse, Training},
};
use splatgraph_sdk::prelude::*;

/// Trains a generator of layouts on a folder with a folder of pictures for each class, and writes a checkpoint with the authors' keys
/// for LoadGenerator and LayoutDiffusion (paper, section 3.3).
///
/// First `crops` tiles are cut out of the pictures at random, as TrainTokenizer does, from each class in turn, and laid out as
/// InitTokens does. Then each step takes `pictures` of these layouts and as much noise, and teaches the network the way from the one
/// to the other (flow matching). The checkpoint holds the weights' moving average and, as metadata, the names of the classes and the
/// means and deviations by which the layouts were normalised.
///
/// Beside `NAME.safetensors` there are the files that TrainTokenizer writes, too, and `NAME.samples.safetensors` with the layouts. A
/// training that was stopped in any way goes on as if it had not been, and a finished one with a larger number of steps.
#[node(category = "Training", output, outputs(path: "the checkpoint", loss: "the average of the last steps"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn train_layout(
    /// A folder for each class in it; their alphabetical order numbers the classes.
    #[input(path = read_dir)]
    data: PathBuf,
    /// The checkpoint.
    #[input(path = write, default = "layout-generator.safetensors")]
    output: PathBuf,
    /// Tokens of a picture.
    #[input(default = 128, min = 1, max = 1024)]
    tokens: usize,
    /// Crops of which samples are made.
    #[input(default = 10000, min = 1, max = 10000000)]
    crops: usize,
    /// Blocks of the transformer.
    #[input(default = 3, min = 1, max = 1000)]
    depth: usize,
    /// Width of a token in the transformer.
    #[input(default = 128, min = 2, max = 65536)]
    width: usize,
    /// Heads of the attention; the width is a multiple of twice their number.
    #[input(default = 4, min = 1, max = 1024)]
    heads: usize,
    #[input(flatten)] course: GeneratorCourse,
    /// What the network is trained on; left out: what the run does. Always in f32.
    device: Option<String>,
    ctx: &Ctx,
) -> Result<(PathBuf, f32)> {
    let training = Training {
        data: &data,
        output: &output,
        tokenizer: None,
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
