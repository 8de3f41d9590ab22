//! The node `gpstoken.TrainLayout`.

use crate::{
    device::Compute,
    stages::generator::Kind,
    training::generator::{GeneratorCourse, Training},
};
use splatgraph_sdk::prelude::*;

/// Trains a generator of layouts on a folder that holds a folder of pictures for each class (paper, section 3.3). Writes a
/// checkpoint with the authors' keys for LoadGenerator and LayoutDiffusion.
///
/// First the node cuts `crops` tiles out of the pictures at random, as TrainTokenizer does, from each class in turn, and
/// makes a layout of each as InitTokens does. Then each step takes `pictures` of these layouts and as much noise, and teaches
/// the network the way from the noise to the layouts (flow matching). The checkpoint holds the moving average of the weights.
/// Its metadata holds the names of the classes, and the means and deviations with which the node normalised the layouts.
///
/// Beside `NAME.safetensors` the node writes the files that TrainTokenizer writes, and `NAME.samples.safetensors` with the
/// layouts. A training that stopped for any reason continues with the same result as without the stop. To continue a finished
/// training, set a larger number of steps.
#[node(category = "Training", output, saves, outputs(path: "the checkpoint", loss: "the average loss of the last steps"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn train_layout(
    /// A folder with a folder of pictures for each class, whose alphabetical order numbers the classes. It may also have .tar
    /// shards with the class of each picture in a .cls file, as in WebDataset, or in the name of its folder.
    #[input(path = read_dir)]
    data: PathBuf,
    /// The checkpoint.
    #[input(path = write, extensions = ["safetensors"], default = "layout-generator.safetensors")]
    output: PathBuf,
    /// Tokens of a picture.
    #[input(default = 128, min = 1, max = 1024)]
    tokens: usize,
    /// The number of crops to make samples from.
    #[input(default = 10000, min = 1, max = 10000000)]
    crops: usize,
    /// Blocks of the transformer.
    #[input(default = 3, min = 1, max = 1000)]
    depth: usize,
    /// Width of a token in the transformer.
    #[input(default = 128, min = 2, max = 65536)]
    width: usize,
    /// Heads of the attention; the width must be a multiple of twice their number.
    #[input(default = 4, min = 1, max = 1024)]
    heads: usize,
    #[input(flatten)] course: GeneratorCourse,
    /// The device to train on; left out: the device of the run. Always in f32.
    device: Option<String>,
    ctx: &Ctx,
) -> Result<(PathBuf, f32)> {
    let training = Training {
        data: &data,
        output: &output,
        kind: Kind::Layout,
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
