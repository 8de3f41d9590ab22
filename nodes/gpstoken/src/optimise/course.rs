//! The loop of an optimisation.

use super::{Judge, View, space::Space};
use crate::{
    edit::token_set::TokenSet,
    layers::Map,
    token_file::Steps,
    training::adam::{self, Adam},
};
use splatgraph_sdk::{Ctx, Error, Result};
use std::time::{Duration, Instant};

/// The length and the settings of an optimisation.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of steps for each picture.
    pub steps: u64,
    /// The time for each picture in seconds; 0 is no limit.
    pub seconds: f64,
    /// The PSNR in dB that is good enough; 0 is none.
    pub psnr: f64,
    /// The highest learning rate, in units of the textures' root mean square.
    pub learning_rate: f32,
    /// Whether gaussians move too.
    pub geometry: bool,
}

impl Plan {
    /// The number of steps in which the learning rate rises. In the first steps of Adam each number moves by the rate, whatever the size of
    /// its gradient.
    const WARM_UP: u64 = 10;
    /// The learning rate of gaussians, as a part of the rate of textures. Their space is steeper than that of the textures.
    const GEOMETRY: f32 = 0.1;
}

/// The result for a picture.
#[derive(Clone, Debug)]
pub struct Optimised {
    /// The tokens with the smallest loss, or the first that reach the PSNR.
    pub tokens: TokenSet,
    /// Their PSNR.
    pub psnr: f64,
    /// Their loss.
    pub loss: f64,
    /// The PSNR before the first step and after each step.
    pub curve: Vec<f64>,
}

/// Optimises the tokens of a picture. `row` is their first row in the batch whose numbers are rounded to `steps`. Calls `watch` with the
/// number of steps that are done, the picture and a note.
///
/// # Errors
/// The loss is not finite, the run was cancelled, or `watch` fails.
pub fn optimise(
    view: &View<'_>,
    judge: &Judge<'_>,
    (first, row): (&TokenSet, usize),
    steps: &Steps,
    plan: &Plan,
    ctx: &Ctx,
    watch: &mut dyn FnMut(u64, &Map, &str) -> Result<()>,
) -> Result<Optimised> {
    let begun = Instant::now();
    let limit = (plan.seconds > 0.0).then(|| Duration::from_secs_f64(plan.seconds));
    let mut space = Space::new(first, row, steps, view.tiles(), plan.geometry);
    let adam = Adam::with_decay(0.0);
    let mut best: Option<Optimised> = None;
    let mut curve = Vec::new();
    let mut step = 0;
    loop {
        let tokens = space.tokens();
        let shown = view.show(&tokens, ctx)?;
        let (loss, of_picture) = judge.judge(&shown.picture);
        if !loss.is_finite() {
            return Err(not_finite(loss, step));
        }
        let psnr = judge.psnr(&shown.picture);
        curve.push(psnr);
        watch(step, &shown.picture, &format!("loss {loss:.5}, {psnr:.2} dB"))?;
        let reached = plan.psnr > 0.0 && psnr >= plan.psnr;
        if reached || best.as_ref().is_none_or(|best| loss < best.loss) {
            best = Some(Optimised { tokens: tokens.clone(), psnr, loss, curve: Vec::new() });
        }
        let is_last = reached || step == plan.steps || limit.is_some_and(|limit| begun.elapsed() >= limit);
        if let Some(best) = best.take_if(|_| is_last) {
            return Ok(Optimised { curve, ..best });
        }
        let gradients = view.gradients(&tokens, shown, of_picture, ctx)?;
        let rate = adam::learning_rate(plan.learning_rate, step, Plan::WARM_UP, plan.steps);
        step += 1;
        space.step(&tokens, gradients, adam, [rate * Plan::GEOMETRY, rate], step);
    }
}

fn not_finite(loss: f64, step: u64) -> Error {
    if step == 0 {
        let message = format!(
            "expected tokens whose picture has a finite loss, got {loss}. Look for numbers that are too large in the tokens and in the picture"
        );
        return Error::input("tokens", message);
    }
    Error::input("learning_rate", format!("expected a finite loss, got {loss} after step {step}. Lower learning_rate"))
}
