//! Sampling for LayoutDiffusion, TextureDiffusion and TokenDiffusion: checks the inputs, shows the progress, and logs the result.

use super::generator::{Generator, Kind};
use crate::{
    device::Loaded,
    generator::{
        Network, Prepared, Velocities,
        class::{Class, listed},
        guidance::Guidance,
        noise::Noise,
        run::{Request, Sampled},
        sampler::{Diffusion, LastStep, Sampler, Settings, Step},
    },
    kernels::cpu::Level,
    names::counted,
    on_device,
};
use splatgraph_sdk::prelude::*;
use std::{collections::BTreeSet, ops::Range, time::Instant};

/// The subject of a picture: inputs of all diffusions.
#[derive(Clone, Debug, InputGroup)]
pub struct Subject {
    /// The subject of the picture: a class of the generator's training data, by its number or, if the checkpoint has names, by its
    /// name. The error for an unknown class lists all classes.
    #[input(default = Class::Number(0), min = 0)]
    pub class: Class,
    /// One class for each picture of the batch. It replaces `class`.
    pub classes: Option<Vec<Class>>,
    /// The seed of the noise. Picture i of the batch uses `seed` + i.
    #[input(default = 0, min = 0)]
    pub seed: u64,
}

/// Settings of a stochastic sampler: inputs of all diffusions.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Stochastic {
    /// The amount of fresh noise that a stochastic sampler adds.
    #[input(default = Diffusion::Sbdm)]
    pub diffusion: Diffusion,
    /// The last step of a stochastic sampler.
    #[input(default = LastStep::Mean)]
    pub last_step: LastStep,
}

/// The inputs that all diffusions share.
pub(crate) struct Sampling<'a> {
    pub(crate) subject: Subject,
    pub(crate) settings: Settings,
    pub(crate) guidance_scale: f32,
    pub(crate) guidance_low: f32,
    pub(crate) guidance_high: f32,
    pub(crate) noise: Option<Record>,
    pub(crate) ctx: &'a Ctx,
}

/// Checks that the generator is of the right kind.
pub(crate) fn expect(generator: &Generator, kind: Kind) -> Result<()> {
    if generator.kind == kind {
        return Ok(());
    }
    let names = |kind| match kind {
        Kind::Layout => ("layouts", "LayoutDiffusion"),
        Kind::Texture => ("textures", "TextureDiffusion"),
        Kind::Token => ("tokens", "TokenDiffusion"),
    };
    let ((wanted, _), (came, node)) = (names(kind), names(generator.kind));
    Err(Error::input(
        "generator",
        format!("expected a generator of {wanted}, got {}, which makes {came}. Connect it to {node}", generator.name),
    ))
}

/// Prepares a network for `count` tokens on its device and passes it to `sample`. `condition` is `[B, N, 5]` or empty.
pub(crate) fn with_velocities(
    network: &Loaded<Network, Network<on_device::Parameter>>,
    count: usize,
    condition: &[f32],
    sample: impl FnOnce(&dyn Velocities) -> Result<Sampled>,
) -> Result<Sampled> {
    match network {
        Loaded::Host(network) => sample(&Prepared::new(network, Level::best(), count, condition)),
        Loaded::Device(network, device) => device.run(|| sample(&on_device::Prepared::new(network, count, condition))),
    }
}

impl Sampling<'_> {
    /// Samples `pictures` pictures of `count` tokens: `[B, C, N]` in the network's scale. `condition` is `[B, N, 5]` or empty. Calls
    /// `preview` after each step.
    pub(crate) fn run(
        self,
        generator: &Generator,
        [pictures, count]: [usize; 2],
        condition: &[f32],
        preview: &mut dyn FnMut(Range<usize>, Step<'_>) -> Result<()>,
    ) -> Result<Vec<f32>> {
        let (ctx, sizes) = (self.ctx, generator.sizes);
        self.settings.check()?;
        let guidance = self.guidance()?;
        let classes = self.classes(generator, pictures)?;
        let noise = match &self.noise {
            None if generator.kind == Kind::Layout => Noise::layout_seeds(self.subject.seed, pictures),
            None => Noise::seeds(self.subject.seed, pictures),
            Some(record) => Noise::recorded(record, [pictures, sizes.channels, count], self.settings.draws())?,
        };
        if !generator.class_names.is_empty() {
            let seen: BTreeSet<usize> = classes.iter().copied().collect();
            ctx.info(format!("class {}", listed(seen, &generator.class_names)));
        }
        let start = Instant::now();
        let adaptive = self.settings.sampler == Sampler::Dopri5;
        let mut watch = |range: Range<usize>, step: Step<'_>| {
            // An adaptive sampler does not know its number of steps, so the progress counts thousandths of the time.
            let (done, total) = if adaptive {
                (range.start * 1000 + (step.t.clamp(0.0, 1.0) * 1000.0) as usize, pictures * 1000)
            } else {
                (step.index, step.of)
            };
            ctx.step(done, total)?;
            preview(range, step)
        };
        let sample = |network: &dyn Velocities| {
            let (settings, classes, noise) = (self.settings, &classes[..], &noise);
            let request = Request { network, sizes, count, classes, guidance, settings, noise };
            request.sample(&mut || ctx.check(), &mut watch)
        };
        let Sampled { values, evaluated } = with_velocities(&generator.network, count, condition, sample)?;
        let seconds = start.elapsed().as_secs_f64();
        ctx.info(format!(
            "{} of {}: {} in {seconds:.1} s",
            counted(pictures, "picture"),
            counted(count, "token"),
            counted(evaluated, "evaluation")
        ));
        Ok(values)
    }

    fn guidance(&self) -> Result<Guidance> {
        let finite = |name: &str, value: f32| {
            if value.is_finite() {
                Ok(value)
            } else {
                Err(Error::input(name, format!("expected a number, got {value}")))
            }
        };
        let scale = finite("guidance_scale", self.guidance_scale)?;
        let interval = [finite("guidance_low", self.guidance_low)?, finite("guidance_high", self.guidance_high)?];
        if interval[0] > interval[1] {
            return Err(Error::input(
                "guidance_low",
                format!(
                    "expected guidance_low to be at most guidance_high, got {} and {}. Exchange them, or set guidance_scale to 1 for no guidance",
                    interval[0], interval[1]
                ),
            ));
        }
        Ok(Guidance { scale, interval })
    }

    fn classes(&self, generator: &Generator, pictures: usize) -> Result<Vec<usize>> {
        let find = |class: &Class| class.among(generator.sizes.classes, &generator.class_names);
        let Some(classes) = &self.subject.classes else {
            let class = find(&self.subject.class).map_err(|e| e.blame("class"))?;
            return Ok(vec![class; pictures]);
        };
        if classes.len() != pictures {
            return Err(Error::input(
                "classes",
                format!(
                    "expected as many classes as pictures, {pictures}, got {}. Give one class for each picture",
                    classes.len()
                ),
            ));
        }
        classes.iter().map(find).collect::<Result<_>>().map_err(|e| e.blame("classes"))
    }
}

/// Splits rows `[B, N, C]` into gaussians and textures.
pub(crate) fn tokens_of_rows(rows: Vec<f32>, pictures: usize, channels: usize, header: Canvas) -> Result<Tokens> {
    let count = rows.len() / channels / pictures;
    let rows = rows.chunks_exact(channels);
    let gaussians = rows.clone().flat_map(|row| &row[..5]).copied().collect();
    let textures = rows.flat_map(|row| &row[5..]).copied().collect();
    Tokens::new(
        Tensor::from_vec([pictures, count, 5], gaussians)?,
        Tensor::from_vec([pictures, count, channels - 5], textures)?,
        None,
        header,
    )
}
