//! Steps of trainings from plain weights, with gradients as numbers.

use splatgraph_pack_gpstoken::{
    discriminator::Discriminator,
    generator, tokenizer,
    training::{
        adversary::{Adversary, Geometry},
        batch::Batch,
        gradients::{Perceptual, Trainer},
        losses::Losses,
        samples,
        state::{Learner, State},
        step::{HostGradients, InTraining, Step, Steps},
    },
};
use splatgraph_sdk::Tensor;
use std::collections::BTreeMap;

type Weights = BTreeMap<String, Tensor>;

/// A learner with these weights, where the trainer computes.
pub(crate) fn learner(trainer: &Trainer, weights: &Weights) -> Learner {
    trainer.place(State::new(weights, None, "{}".to_owned())).unwrap().network
}

/// [`Trainer::tokenizer_step`], maybe with a discriminator and the weight of its judgement.
pub(crate) fn tokenizer_step(
    trainer: &Trainer,
    weights: &Weights,
    batch: &Batch,
    geometry: Geometry,
    losses: &Losses,
    perceptual: Option<&Perceptual>,
    judge: Option<(&Weights, f32)>,
) -> Steps<HostGradients> {
    let network = tokenizer::Network::load(weights.clone()).unwrap();
    let judge = judge
        .map(|(weights, weight)| (Discriminator::load(weights.clone()).unwrap(), learner(trainer, weights), weight));
    let adversary = judge.as_ref().map(|(network, learner, weight)| {
        let discriminator = InTraining { network, learner };
        Adversary { discriminator, weight: *weight }
    });
    let tokenizer = InTraining { network: &network, learner: &learner(trainer, weights) };
    let (step, judged) = trainer.tokenizer_step(tokenizer, batch, geometry, losses, perceptual, adversary).unwrap();
    (read(step), judged.map(read))
}

/// [`Trainer::velocity_step`].
pub(crate) fn velocity_step(
    trainer: &Trainer,
    weights: &Weights,
    heads: usize,
    batch: &samples::Batch,
) -> Step<HostGradients> {
    let network = generator::Network::load(weights.clone(), Some(heads)).unwrap();
    let generator = InTraining { network: &network, learner: &learner(trainer, weights) };
    read(trainer.velocity_step(generator, batch).unwrap())
}

/// The step with its gradients in memory, whose norm is the one that the step had.
fn read(step: Step) -> Step<HostGradients> {
    let norm = step.gradients.norm();
    let step = step.map(|gradients| gradients.into_host().unwrap());
    let squares = step.gradients.values().flatten().map(|g| f64::from(*g).powi(2));
    let exact = squares.sum::<f64>().sqrt();
    assert!((norm - exact).abs() <= 1e-5 * exact, "the norm is {norm}, that of the numbers {exact}");
    step
}
