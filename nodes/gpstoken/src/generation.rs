//! What LayoutDiffusion and TextureDiffusion share: their inputs are checked, the run goes on in the host's view, and its end is told.

use crate::{
    class::{Class, listed},
    generator::{
        guidance::Guidance,
        noise::Noise,
        run::{Request, Sampled},
        sampler::{Sampler, Settings, Step},
    },
    load_generator::{Generator, Kind},
};
use splatgraph_sdk::prelude::*;
use std::{collections::BTreeSet, ops::Range, time::Instant};

/// The inputs of both nodes.
pub(crate) struct Sampling<'a> {
    pub(crate) class: Class,
    pub(crate) classes: Option<Vec<Class>>,
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) guidance_scale: f32,
    pub(crate) guidance_low: f32,
    pub(crate) guidance_high: f32,
    pub(crate) noise: Option<Record>,
    pub(crate) ctx: &'a Ctx,
}

/// A generator of the right kind.
pub(crate) fn expect(generator: &Generator, kind: Kind) -> Result<()> {
    if generator.kind == kind {
        return Ok(());
    }
    let names = |kind| match kind {
        Kind::Layout => ("layouts", "LayoutDiffusion"),
        Kind::Texture => ("textures", "TextureDiffusion"),
    };
    let ((wanted, _), (came, node)) = (names(kind), names(generator.kind));
    Err(Error::input(
        "generator",
        format!("a generator of {wanted} was expected, {} makes {came}. Connect it to {node}", generator.name),
    ))
}

impl Sampling<'_> {
    /// Samples `pictures` pictures of `count` tokens: `[B, C, N]` in the network's scale. `condition` is `[B, N, 5]` or empty.
    /// `preview` sees the steps.
    pub(crate) fn run(
        self,
        generator: &Generator,
        [pictures, count]: [usize; 2],
        condition: &[f32],
        preview: &mut dyn FnMut(Range<usize>, Step<'_>) -> Result<()>,
    ) -> Result<Vec<f32>> {
        let (ctx, network) = (self.ctx, &*generator.network);
        self.settings.check()?;
        let guidance = self.guidance()?;
        let classes = self.classes(generator, pictures)?;
        let noise = match &self.noise {
            None if condition.is_empty() => Noise::layout_seeds(self.seed, pictures),
            None => Noise::seeds(self.seed, pictures),
            Some(record) => Noise::recorded(record, [pictures, network.channels, count], self.settings.draws())?,
        };
        let request =
            Request { network, count, condition, classes: &classes, guidance, settings: self.settings, noise: &noise };
        if !generator.class_names.is_empty() {
            let seen: BTreeSet<usize> = classes.iter().copied().collect();
            ctx.info(format!("class {}", listed(seen, &generator.class_names)));
        }
        let start = Instant::now();
        let adaptive = self.settings.sampler == Sampler::Dopri5;
        let mut watch = |range: Range<usize>, step: Step<'_>| {
            // Steps of unknown number are told as thousandths of the time.
            let (done, total) = if adaptive {
                (range.start * 1000 + (step.t.clamp(0.0, 1.0) * 1000.0) as usize, pictures * 1000)
            } else {
                (step.index, step.of)
            };
            ctx.step(done, total)?;
            preview(range, step)
        };
        let Sampled { values, evaluated } =
            generator.compute.run(|| request.sample(&mut || ctx.check(), &mut watch))?;
        let seconds = start.elapsed().as_secs_f64();
        ctx.info(format!("{pictures} pictures of {count} tokens: {evaluated} evaluations in {seconds:.1} s"));
        Ok(values)
    }

    fn guidance(&self) -> Result<Guidance> {
        let finite = |name: &str, value: f32| {
            if value.is_finite() {
                Ok(value)
            } else {
                Err(Error::input(name, format!("a number was expected, {value} came")))
            }
        };
        let scale = finite("guidance_scale", self.guidance_scale)?;
        let interval = [finite("guidance_low", self.guidance_low)?, finite("guidance_high", self.guidance_high)?];
        if interval[0] > interval[1] {
            return Err(Error::input(
                "guidance_low",
                format!(
                    "an interval from guidance_low up to guidance_high was expected, {} to {} came. Exchange them, or set guidance_scale to 1 for no guidance",
                    interval[0], interval[1]
                ),
            ));
        }
        Ok(Guidance { scale, interval })
    }

    fn classes(&self, generator: &Generator, pictures: usize) -> Result<Vec<usize>> {
        let find = |class: &Class| class.among(generator.network.classes, &generator.class_names);
        let Some(classes) = &self.classes else {
            let class = find(&self.class).map_err(|e| e.blame("class"))?;
            return Ok(vec![class; pictures]);
        };
        if classes.len() != pictures {
            return Err(Error::input(
                "classes",
                format!("a class for each of {pictures} pictures was expected, {} came", classes.len()),
            ));
        }
        classes.iter().map(find).collect::<Result<_>>().map_err(|e| e.blame("classes"))
    }
}
