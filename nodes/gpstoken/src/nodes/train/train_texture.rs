//! The node `gpstoken.TrainTexture`.

use crate::{
    device::Compute,
    stages::tokenizer::Tokenizer,
    training::{adam::Adam, files::Kept, generator::Training, run::Plan},
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
    /// Steps in all.
    #[input(default = 20000, min = 1, max = 100000000)]
    steps: u64,
    /// Samples in a step.
    #[input(default = 32, min = 1, max = 65536)]
    pictures: usize,
    /// The part of the samples whose class is kept from the network, which guidance needs.
    #[input(default = 0.1, min = 0, max = 1)]
    class_dropout: f32,
    /// Of all random choices.
    #[input(default = 0, min = 0)]
    seed: u64,
    /// The highest learning rate.
    #[input(default = 0.001, min = 0, max = 1)]
    learning_rate: f32,
    /// Steps in which the learning rate rises to the highest.
    #[input(default = 200, min = 0, max = 1000000)]
    warm_up: u64,
    /// The part of a weight that is taken away in a step, in learning rates.
    #[input(default = 0.0, min = 0, max = 1)]
    weight_decay: f32,
    /// Gradients with a larger norm are shortened to this; 0 leaves them as they are.
    #[input(default = 1.0, min = 0, max = 1000000)]
    clip: f32,
    /// How much of the weights' moving average is kept in a step.
    #[input(default = 0.999, min = 0, max = 1)]
    average: f32,
    /// Minutes from one saving to the next; 0 saves after every step.
    #[input(default = 5.0, min = 0, max = 100000)]
    save_minutes: f64,
    /// How the checkpoint's numbers are kept.
    #[input(default = Kept::F32)]
    kept: Kept,
    /// What the network is trained on; left out: what the run does. Always in f32.
    device: Option<String>,
    ctx: &Ctx,
) -> Result<(PathBuf, f32)> {
    let adam = Adam::with_decay(weight_decay);
    let training = Training {
        data: &data,
        output: &output,
        tokenizer: Some(tokenizer),
        tokens,
        crops,
        depth,
        width,
        heads,
        class_dropout,
        seed,
        plan: Plan { steps, samples: pictures, adam, learning_rate, warm_up, clip, average, save_minutes },
        kept,
        compute: Compute::of_run(ctx, device.as_deref())?,
        ctx,
    };
    let loss = training.run()?;
    Ok((output, loss))
}
