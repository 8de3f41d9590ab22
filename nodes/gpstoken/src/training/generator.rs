//! Training of generators, for TrainLayout and TrainTexture: makes the samples, then trains the network on them.

use super::{
    classes::Classes,
    files::Files,
    generator_sheet::Examples,
    generator_sizes::GeneratorSizes,
    gradients::Trainer,
    run::{self, Descent, Plan, Saving},
    samples::{Making, Samples},
    state::State,
    step::InTraining,
};
use crate::{
    device::{Compute, Loaded},
    generator::Network,
    on_device,
    stages::{generator::Kind, tokenizer::Tokenizer},
};
use serde_json::json;
use splatgraph_sdk::{Code, Ctx, Error, InputGroup, Local, Result, checkpoint::Checkpoint, settings::max_pixels};
use std::{collections::BTreeMap, path::Path};

/// Settings of a generator's training: inputs of TrainLayout and TrainTexture.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct GeneratorCourse {
    /// The total number of steps.
    #[input(default = 20000, min = 1, max = 100000000)]
    pub steps: u64,
    /// The number of samples in a step.
    #[input(default = 32, min = 1, max = 65536)]
    pub pictures: usize,
    /// The part of the samples whose class is hidden from the network. Guidance needs such samples.
    #[input(default = 0.1, min = 0, max = 1)]
    pub class_dropout: f32,
    /// The seed of all random choices.
    #[input(default = 0, min = 0)]
    pub seed: u64,
    /// The highest learning rate.
    #[input(default = 0.001, min = 0, max = 1)]
    pub learning_rate: f32,
    #[input(flatten)]
    #[expect(missing_docs, reason = "a group has no help of its own")]
    pub descent: Descent,
    #[input(flatten)]
    #[expect(missing_docs, reason = "a group has no help of its own")]
    pub saving: Saving,
}

/// A generator's training.
pub(crate) struct Training<'a> {
    /// A folder that contains a folder of pictures for each class.
    pub(crate) data: &'a Path,
    /// Path of the checkpoint.
    pub(crate) output: &'a Path,
    /// The kind of data that the generator will make.
    pub(crate) kind: Kind,
    /// Makes the tokens that the generator learns. A generator of layouts needs no tokenizer.
    pub(crate) tokenizer: Option<Local<Tokenizer>>,
    pub(crate) tokens: usize,
    /// The total number of samples.
    pub(crate) crops: usize,
    pub(crate) depth: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) course: GeneratorCourse,
    pub(crate) compute: Compute,
    pub(crate) ctx: &'a Ctx,
}

impl Training<'_> {
    /// Runs the training and returns the average of the last losses.
    pub(crate) fn run(self) -> Result<f32> {
        let Self { output, kind, tokens, depth, width, heads, course, ctx, .. } = self;
        let GeneratorCourse { steps, pictures, class_dropout, seed, learning_rate, descent, saving } = course;
        let Descent { warm_up, weight_decay, clip, average } = descent;
        let trainer = Trainer::new(&self.compute);
        let tokenizer = self.tokenizer.as_deref();
        let textures = tokenizer.map_or(0, |tokenizer| tokenizer.sizes.textures);
        if tokenizer.is_some() && textures == 0 {
            return Err(Error::input(
                "tokenizer",
                "expected a tokenizer whose textures have at least one number, got one without textures. Load another tokenizer",
            ));
        }
        let classes = Classes::list(self.data, max_pixels(ctx.settings())).map_err(|e| e.blame("data"))?;
        let sizes = GeneratorSizes {
            depth,
            width,
            heads,
            channels: 5 + textures,
            tokens,
            classes: classes.names.len(),
            condition: kind == Kind::Texture,
        };
        let weights = sizes.weights(seed)?;
        let files = Files::beside(output);

        // The settings of the samples, then those of the training. The number of steps is left out, so that it can change later.
        let counts: Vec<usize> = classes.ranges.iter().map(ExactSizeIterator::len).collect();
        let known = tokenizer.map(|tokenizer| json!({"model": tokenizer.name, "sum": sum(tokenizer)}));
        let mut of_samples = json!({
            "classes": classes.names, "pictures_of_classes": counts, "tokens": tokens, "crops": self.crops, "seed": seed,
            "tokenizer": known,
        });
        // Trainings in two stages began without this key, and continue only with equal settings.
        if kind == Kind::Token {
            of_samples["stages"] = 1.into();
        }
        let settings = json!({
            "samples": of_samples, "depth": depth, "width": width, "heads": heads, "class_dropout": class_dropout,
            "pictures": pictures, "learning_rate": learning_rate, "warm_up": warm_up, "weight_decay": weight_decay,
            "clip": clip, "average": average,
        })
        .to_string();
        let network = Network::load(weights.clone(), Some(heads))?;
        let state = trainer.place(run::begin(&files, &settings, &weights, None, ctx)?)?;
        let making = Making { classes: &classes, crops: self.crops, tokens, seed, kind, tokenizer };
        let rows = making.from_file(&files.samples, &of_samples.to_string(), ctx)?;
        let samples = Samples::new(&rows, tokens, classes.names.len(), kind)?;
        let examples = Examples::new(&rows, tokens, classes.names.len(), kind, self.tokenizer.clone(), ctx)?;
        drop(rows);

        let metadata = self.metadata(&classes.names, &samples)?;
        let save = |state: &State| {
            let mut metadata = metadata.clone();
            metadata.insert("training".to_owned(), state.about()?);
            let averages = state.network.averages()?;
            Checkpoint { metadata, tensors: averages.clone() }.save(output, saving.kept.dtype())?;
            if ctx.cancelled() {
                return Ok(None);
            }
            let network = Network::load(averages, Some(heads))?;
            let sizes = network.sizes;
            let upload = |network: &Network, device: &_| network.map(&mut on_device::upload(device));
            let network = Loaded::new(network, &self.compute, upload)?;
            // The checkpoint is written; a cancelled run leaves out only the examples.
            match examples.sheet(&network, sizes, &samples.normalisation, ctx) {
                Err(e) if e.code == Code::Cancelled => Ok(None),
                sheet => sheet.map(Some),
            }
        };
        let mut next = |state: &State| {
            let batch = samples.batch(seed, state.step, pictures, class_dropout);
            let generator = InTraining { network: &network, learner: &state.network };
            Ok((trainer.velocity_step(generator, &batch)?, None))
        };
        let plan = Plan { steps, samples: pictures, learning_rate, descent, saving };
        run::train(state, &plan, &files, ctx, &mut next, &save)
    }

    /// The checkpoint's metadata for LoadGenerator, with the names of the classes.
    fn metadata(&self, classes: &[String], samples: &Samples) -> Result<BTreeMap<String, String>> {
        let normalisation = &samples.normalisation;
        let mut metadata = BTreeMap::from([
            ("heads".to_owned(), self.heads.to_string()),
            ("classes".to_owned(), serde_json::to_string(classes)?),
            ("normalisation".to_owned(), json!({"means": normalisation.means, "stds": normalisation.stds}).to_string()),
        ]);
        if let Some(tokenizer) = &self.tokenizer {
            let facts = json!({"map": tokenizer.map, "support": tokenizer.support, "model": tokenizer.name});
            metadata.insert("tokenizer".to_owned(), facts.to_string());
        }
        Ok(metadata)
    }
}

/// The sum of all parameters. It distinguishes tokenizers that have the same name.
fn sum(tokenizer: &Tokenizer) -> f64 {
    let mut total = 0.0;
    let mut add = |values: &[f32]| total += values.iter().map(|v| f64::from(*v)).sum::<f64>();
    match &tokenizer.network {
        Loaded::Host(network) => _ = network.map(&mut |parameter| add(parameter)),
        Loaded::Device(network, _) => _ = network.map(&mut |parameter| add(&parameter.numbers())),
    }
    total
}
