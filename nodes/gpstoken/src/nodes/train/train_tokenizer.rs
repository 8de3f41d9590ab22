//! The node `gpstoken.TrainTokenizer`.

use crate::{
    canvas::TILE,
    checkpoint::builtin,
    device::Compute,
    discriminator::Discriminator,
    stages::tokenizer::map_and_support,
    tokenizer::{Network, Sizes as NetworkSizes},
    training::{
        adversary::{Adversary, Geometry},
        batch::Sampling,
        discriminator,
        files::Files,
        gradients::{Perceptual, Trainer},
        losses::Losses,
        pictures::Pictures,
        run::{self, Descent, Plan, Saving},
        sheet,
        sizes::Sizes,
        state::State,
        step::InTraining,
    },
};
use serde_json::json;
use splatgraph_sdk::{
    Json, checkpoint,
    checkpoint::Checkpoint,
    prelude::*,
    settings::{Precision, max_pixels},
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Trains a tokenizer on a folder of pictures and writes a checkpoint with the authors' keys.
///
/// Each step takes `pictures` tiles and one number of `token_counts`, so that one model serves all these numbers. The tiles
/// come from random places of random pictures at 1 to 8 times the size of a tile, and half of them are mirrored. The
/// checkpoint holds the moving average of the weights.
///
/// Beside `NAME.safetensors` the node writes more files:
///
/// - `NAME.training.safetensors` is the state. From it, a training that stopped for any reason continues with the same result
///   as without the stop.
/// - `NAME.loss.csv` and `NAME.loss.png` have the loss of every step.
/// - `NAME.examples.png` shows some pictures and their reconstructions.
///
/// The node writes all of them every `save_minutes` and at the end. It also writes them on Ctrl-C if a step takes less than
/// the second for which a run waits. To continue a finished training, set a larger number of steps.
///
/// With `adversarial` a second network, a PatchGAN, learns in the same steps to tell the tokenizer's pictures from the
/// pictures in the folder, and the tokenizer learns to deceive it. The loss of the PatchGAN is 1 if it cannot tell them apart
/// and 0 if it always can. It is the last column of the table and the orange curve; `loss` does not contain the PatchGAN's
/// judgement. The PatchGAN is stored in the state, not in the checkpoint.
#[node(category = "Training", output, saves, outputs(path: "the checkpoint", loss: "the average loss of the last steps"))]
#[expect(clippy::too_many_arguments, reason = "a node's inputs")]
pub fn train_tokenizer(
    /// The folder of pictures; folders in it count too.
    #[input(path = read_dir)]
    data: PathBuf,
    /// The checkpoint.
    #[input(path = write, extensions = ["safetensors"], default = "tokenizer.safetensors")]
    output: PathBuf,
    /// The checkpoint to start from; left out: random weights.
    #[input(path = model, builtin = ["small"])]
    start: Option<PathBuf>,
    /// The sizes of a network with random weights: an object with any of stem, width, blocks, bins, textures, levels (the
    /// channels of the decoder, from the size of the picture downwards) and residuals. Keys that are left out are as in
    /// `small`.
    sizes: Option<Json<Sizes>>,
    /// The number of steps in all.
    #[input(default = 10000, min = 1, max = 100000000)]
    steps: u64,
    /// Pictures in a step.
    #[input(default = 4, min = 1, max = 4096)]
    pictures: usize,
    /// The numbers of tokens to train with; each step chooses one. Left out: [64, 128, 256].
    token_counts: Option<Json<Vec<usize>>>,
    /// The seed of all random choices.
    #[input(default = 0, min = 0)]
    seed: u64,
    /// The highest learning rate.
    #[input(default = 0.0003, min = 0, max = 1)]
    learning_rate: f32,
    #[input(flatten)] descent: Descent,
    /// Weight of the absolute difference in the loss.
    #[input(default = 1.0, min = 0, max = 1000)]
    absolute: f32,
    /// Weight of the squared difference.
    #[input(default = 1.0, min = 0, max = 1000)]
    squared: f32,
    /// Weight of the difference in the steps between neighbouring pixels.
    #[input(default = 0.5, min = 0, max = 1000)]
    gradient: f32,
    /// Weight of LPIPS. It makes pictures look sharper and a step take several times as long; it needs `lpips`.
    #[input(default = 0.0, min = 0, max = 1000)]
    perceptual: f32,
    /// The weights of LPIPS, preferably for VGG16; see the node Lpips.
    #[input(path = model)]
    lpips: Option<PathBuf>,
    /// Weight of the discriminator's judgement, which makes textures crisper and PSNR lower; 0 leaves it out. Start with a
    /// small weight, such as 0.05.
    #[input(default = 0.0, min = 0, max = 1000)]
    adversarial: f32,
    /// The number of steps after which the discriminator is trained and counts; best when pictures no longer change much.
    #[input(default = 0, min = 0, max = 100000000)]
    adversarial_from: u64,
    /// Channels of the discriminator's first layer; the others have up to 8 times as many.
    #[input(default = 64, min = 1, max = 1024)]
    adversarial_channels: usize,
    #[input(flatten)] saving: Saving,
    /// The device to train on; left out: the device of the run.
    device: Option<String>,
    ctx: &Ctx,
) -> Result<(PathBuf, f32)> {
    let compute = Compute::of_run(ctx, device.as_deref())?;
    if compute.precision() == Precision::F16 {
        return Err(Error::new(
            "expected precision f32 or bf16, got f16, in which small gradients become 0. Use --precision bf16 if the device supports it, or f32",
        ));
    }
    let token_counts = token_counts.map_or(vec![64, 128, 256], |counts| counts.0);
    if token_counts.is_empty() || token_counts.iter().any(|count| !(1..=1024).contains(count)) {
        return Err(Error::input(
            "token_counts",
            format!("expected at least one number of tokens from 1 to 1024, got {token_counts:?}"),
        ));
    }
    let trainer = Trainer::new(&compute);
    let lpips = lpips.as_deref().map(|path| lpips_network(path, &trainer)).transpose()?;
    let losses = Losses { absolute, squared, gradient, perceptual };
    losses.check()?;
    if perceptual > 0.0 && lpips.is_none() {
        return Err(Error::input("lpips", "expected the weights of LPIPS, as `perceptual` is above 0, got none"));
    }
    let photos = Pictures::list(&data, TILE as u32, max_pixels(ctx.settings())).map_err(|e| e.blame("data"))?;
    let photos = Arc::new(photos);
    let (weights, metadata) = first_weights(start.as_deref(), sizes.as_ref().map(|sizes| &sizes.0), seed)?;
    let network = Network::load(weights.clone()).map_err(|e| e.blame("start"))?;
    let geometry = geometry(&metadata, &network.sizes)?;
    let sampling = Sampling { seed, pictures, token_counts: token_counts.clone(), exponent: 2.5 };
    let Descent { warm_up, weight_decay, clip, average } = descent;

    // The settings that decide the result, except the number of steps.
    let mut settings = json!({
        "photos": photos.count(), "start": start.as_ref().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        "parameters": weights.values().map(Tensor::len).sum::<usize>(), "pictures": pictures, "token_counts": token_counts,
        "seed": seed, "learning_rate": learning_rate, "warm_up": warm_up, "weight_decay": weight_decay, "clip": clip,
        "average": average, "absolute": absolute, "squared": squared, "gradient": gradient, "perceptual": perceptual,
    });
    // Only if there is one, so that trainings of older versions, which had none, continue.
    if adversarial > 0.0 {
        settings["adversarial"] =
            json!({"weight": adversarial, "from": adversarial_from, "channels": adversarial_channels});
    }
    let files = Files::beside(&output);
    let judge = (adversarial > 0.0).then(|| discriminator::first_weights(adversarial_channels, seed)).transpose()?;
    // A checkpoint may have names with a prefix and tensors that the network does not use.
    let mut weights = BTreeMap::new();
    network.map(&mut |parameter| weights.insert(parameter.key().to_owned(), parameter.tensor().clone()));
    let state = trainer.place(run::begin(&files, &settings.to_string(), &weights, judge.as_ref(), ctx)?)?;
    let judge = judge.map(Discriminator::load).transpose()?;
    let examples = sheet::examples(&photos, seed)?;
    let tokens = token_counts[token_counts.len() / 2];
    let save = |state: &State| {
        let texts = [
            ("map", json!(geometry.map).to_string()),
            ("support", geometry.support.to_string()),
            ("training", state.about()?),
        ];
        let metadata = texts.map(|(key, value)| (key.to_owned(), value)).into();
        let averages = state.network.averages()?;
        let checkpoint = Checkpoint { metadata, tensors: averages };
        checkpoint.save(&output, saving.kept.dtype())?;
        sheet::sheet(&trainer, &checkpoint.tensors, geometry, &examples, tokens).map(Some)
    };
    let batches = sampling.in_background(photos.clone(), state.step);
    let mut next = |state: &State| {
        let batch = batches.recv().map_err(|_| Error::new("the thread that prepares pictures ended"))??;
        photos.new_refusals().iter().for_each(|refusal| ctx.warn(refusal));
        let learner = state.discriminator.as_ref().filter(|_| state.step >= adversarial_from);
        let judge = judge.as_ref().zip(learner);
        let in_training = |(network, learner)| InTraining { network, learner };
        let judge = judge.map(in_training).map(|discriminator| Adversary { discriminator, weight: adversarial });
        let tokenizer = InTraining { network: &network, learner: &state.network };
        trainer.tokenizer_step(tokenizer, &batch, geometry, &losses, lpips.as_ref(), judge)
    };
    let plan = Plan { steps, samples: pictures, learning_rate, descent, saving };
    let loss = run::train(state, &plan, &files, ctx, &mut next, &save)?;
    Ok((output, loss))
}

/// The weights to start from, and the metadata of their file.
fn first_weights(
    start: Option<&Path>,
    sizes: Option<&Sizes>,
    seed: u64,
) -> Result<(BTreeMap<String, Tensor>, BTreeMap<String, String>)> {
    match (start, sizes) {
        (Some(_), Some(_)) => Err(Error::input(
            "sizes",
            "expected `start` or `sizes`, got both; leave one of them out, as `start` has its own sizes",
        )),
        (Some(path), None) => {
            let Checkpoint { metadata, tensors } =
                builtin::open(path).map_err(|e| e.context("training").blame("start"))?;
            Ok((tensors, metadata))
        }
        (None, sizes) => Ok((sizes.cloned().unwrap_or_default().weights(seed)?, BTreeMap::new())),
    }
}

fn lpips_network(path: &Path, trainer: &Trainer) -> Result<Perceptual> {
    let load = || trainer.perceptual(checkpoint::open(path)?.tensors);
    load().map_err(|e: Error| e.about_file("loading an LPIPS network", path).blame("lpips"))
}

/// Map and support from the metadata of `start`, else of a new tokenizer.
fn geometry(metadata: &BTreeMap<String, String>, sizes: &NetworkSizes) -> Result<Geometry> {
    let (map, support) = map_and_support(metadata)?;
    let side = (TILE / sizes.enlargement()) as u32;
    let map = map.unwrap_or([side, side]).map(|side| side as usize);
    if map.map(|side| side * sizes.enlargement()) != [TILE, TILE] {
        return Err(Error::input(
            "start",
            format!(
                "expected a tokenizer that decodes pictures of {TILE} x {TILE} pixels, the size for training, got one that decodes {} x {}",
                map[0] * sizes.enlargement(),
                map[1] * sizes.enlargement()
            ),
        ));
    }
    Ok(Geometry { map, support: support.unwrap_or(3.0) })
}
