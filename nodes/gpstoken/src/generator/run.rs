//! A run of a generator with its noise, guidance and sampler.

use super::{
    Sizes, Velocities,
    guidance::{Guidance, Guided},
    noise::Noise,
    sampler::{Sampler, Settings, Step},
};
use splatgraph_sdk::Result;
use std::ops::Range;

/// A request to sample pictures.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The network, prepared for the pictures.
    pub network: &'a dyn Velocities,
    /// The sizes of the network.
    pub sizes: Sizes,
    /// Tokens of a picture.
    pub count: usize,
    /// A class for each picture.
    pub classes: &'a [usize],
    /// The guidance towards the classes.
    pub guidance: Guidance,
    /// How to sample.
    pub settings: Settings,
    /// The noise to start from.
    pub noise: &'a Noise,
}

/// The samples.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// `[B, C, N]`, in the network's scale.
    pub values: Vec<f32>,
    /// Number of pictures that went through the network in all steps together, with and without a class.
    pub evaluated: usize,
}

/// A function that gets every step and the range of its pictures.
pub type Watch<'a> = dyn FnMut(Range<usize>, Step<'_>) -> Result<()> + 'a;

impl Request<'_> {
    /// Samples all pictures. `check` is called often, and may stop the run.
    ///
    /// The numbers of a picture do not depend on the other pictures. dopri5 chooses its steps by the error of its whole
    /// state, so it samples each picture by itself. Only with recorded noise for both halves of a batch, with and without a
    /// class, it samples the batch as one, as the authors do.
    ///
    /// # Errors
    /// `check` or `watch` fails, or a velocity is not finite.
    pub fn sample(self, check: &mut dyn FnMut() -> Result<()>, watch: &mut Watch<'_>) -> Result<Sampled> {
        let Self { network, sizes, count, classes, guidance, settings, noise } = self;
        let (pictures, size) = (classes.len(), sizes.channels * count);
        let mut guided = Guided::new(network, sizes.classes, classes, guidance);
        let mut start = noise.start(size);
        let mut draw = |index: usize| Ok(noise.draw(index, pictures, size));
        let all = 0..pictures;
        let values = if settings.sampler != Sampler::Dopri5 {
            start.truncate(pictures * size);
            let mut velocity = |x: &[f32], t: f32| guided.velocities(all.clone(), x, t, check);
            settings.sample(start, &mut velocity, &mut draw, &mut |step| watch(all.clone(), step))?
        } else if noise.has_both_halves(pictures) {
            let mut velocity = |x: &[f32], t: f32| guided.both_halves(x, t, check);
            let mut values = settings.sample(start, &mut velocity, &mut draw, &mut |step| watch(all.clone(), step))?;
            values.truncate(pictures * size);
            values
        } else {
            let mut values = Vec::with_capacity(start.len());
            for (picture, start) in start.chunks_exact(size).enumerate() {
                let own = picture..picture + 1;
                let mut velocity = |x: &[f32], t: f32| guided.velocities(own.clone(), x, t, check);
                let mut own_watch = |step: Step<'_>| watch(own.clone(), step);
                values.extend(settings.sample(start.to_vec(), &mut velocity, &mut draw, &mut own_watch)?);
            }
            values
        };
        Ok(Sampled { values, evaluated: guided.evaluated })
    }
}
