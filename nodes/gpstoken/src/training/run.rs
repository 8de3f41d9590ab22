//! The course of a training, whatever it trains: steps, the learning rate, saving, and how it ends.

use super::{
    adam::{self, Adam},
    files::{Files, Kept},
    sheet::as_image,
    state::{State, Update, norm},
    step::{Step, Steps},
};
use image::RgbImage;
use splatgraph_sdk::{Ctx, Error, InputGroup, Output, Result, Tensor};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How the weights move: inputs of all trainings.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Descent {
    /// Steps in which the learning rate rises to the highest.
    #[input(default = 200, min = 0, max = 1000000)]
    pub warm_up: u64,
    /// The part of a weight that is taken away in a step, in learning rates.
    #[input(default = 0.0, min = 0, max = 1)]
    pub weight_decay: f32,
    /// Gradients with a larger norm are shortened to this; 0 leaves them as they are.
    #[input(default = 1.0, min = 0, max = 1000000)]
    pub clip: f32,
    /// How much of the weights' moving average is kept in a step.
    #[input(default = 0.999, min = 0, max = 1)]
    pub average: f32,
}

/// How a training is saved: inputs of all trainings.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Saving {
    /// Minutes from one saving to the next; 0 saves after every step.
    #[input(default = 5.0, min = 0, max = 100000)]
    pub save_minutes: f64,
    /// How the checkpoint's numbers are kept.
    #[input(default = Kept::F32)]
    pub kept: Kept,
}

/// How long a training goes on, and how it learns.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Steps in all.
    pub steps: u64,
    /// Samples of a step, by which the speed is told.
    pub samples: usize,
    /// The highest learning rate.
    pub learning_rate: f32,
    /// How the weights move.
    pub descent: Descent,
    /// Minutes from one saving to the next.
    pub save_minutes: f64,
}

/// The state that an earlier run left, or one before the first step.
///
/// # Errors
/// There is one that can't be read, or is that of a training with other settings.
pub fn begin(
    files: &Files,
    settings: &str,
    weights: &BTreeMap<String, Tensor>,
    discriminator: Option<&BTreeMap<String, Tensor>>,
    ctx: &Ctx,
) -> Result<State> {
    let Some(state) = files.state(settings).map_err(|e| e.blame("output"))? else {
        return Ok(State::new(weights, discriminator, settings.to_owned()));
    };
    ctx.info(format!("going on after step {}: {}", state.step, files.training.display()));
    Ok(state)
}

/// Goes on to the last step and gives the average of the last losses. `step` gives the loss and gradients of the
/// network in a step, and of the discriminator where that learns, too; `save` writes the
/// checkpoint and gives a sheet of examples if it has one, each time that the state is saved: every few minutes, when the run is cancelled, and
/// at the end.
///
/// # Errors
/// The run was cancelled; a step failed, or its loss or gradients are not finite; or a file can't be written.
pub fn train(
    mut state: State,
    plan: &Plan,
    files: &Files,
    ctx: &Ctx,
    step: &mut dyn FnMut(&State) -> Result<Steps>,
    save: &dyn Fn(&State) -> Result<Option<RgbImage>>,
) -> Result<f32> {
    let Plan { steps, samples, learning_rate, descent, save_minutes } = *plan;
    let Descent { warm_up, weight_decay, clip, average } = descent;
    let adam = Adam::with_decay(weight_decay);
    let save_all = |state: &State| -> Result<Option<RgbImage>> {
        state.save(&files.training)?;
        let examples = save(state)?;
        files.save_pictures(state, examples.as_ref())?;
        Ok(examples)
    };
    let (begun, first) = (Instant::now(), state.step);
    let mut saved = Instant::now();
    while state.step < steps {
        if ctx.cancelled() {
            save_all(&state)?;
            ctx.check()?;
        }
        let (done, judged) = step(&state)?;
        let finite = |whose: &str, done: &Step| {
            let size = norm(&done.gradients);
            if done.loss.is_finite() && size.is_finite() {
                return Ok(size);
            }
            Err(Error::new(format!(
                "training: in step {} the {whose} became {} and the gradient's norm {size}. A lower learning_rate may help, or clip; the last good state, after step {}, is in {}",
                state.step + 1,
                done.loss,
                State::load(&files.training).map_or(0, |state| state.step),
                files.training.display()
            )))
        };
        // Nothing changes before all of it is known to be finite.
        let size_judged = judged.as_ref().map_or(Ok(0.0), |judged| finite("discriminator's loss", judged))?;
        let size = finite("loss", &done)?;
        let rate = adam::learning_rate(learning_rate, state.step, warm_up, steps);
        state.network.update(&done.gradients, done.loss, size, Update { adam, rate, clip, average });
        if let (Some(discriminator), Some(judged)) = (&mut state.discriminator, judged) {
            let adam = Adam::of_discriminator();
            discriminator.update(&judged.gradients, judged.loss, size_judged, Update { adam, rate, clip, average });
        }
        state.step += 1;
        let speed = ((state.step - first) * samples as u64) as f64 / begun.elapsed().as_secs_f64();
        let judge = state.discriminator.as_ref().filter(|judge| !judge.losses.is_empty());
        let judge = judge.map_or(String::new(), |judge| format!(", discriminator {:.3}", judge.recent_loss()));
        let note = format!("loss {:.4}{judge}, {speed:.1} pictures/s", state.network.recent_loss());
        ctx.progress(state.step as usize, steps as usize, &note);
        if saved.elapsed() >= Duration::from_secs_f64(save_minutes * 60.0) && state.step < steps {
            let examples = save_all(&state)?;
            saved = Instant::now();
            if let Some(examples) = examples.filter(|_| ctx.wants_previews()) {
                ctx.preview(&as_image(&examples)?.into_value()?);
            }
        }
    }
    save_all(&state)?;
    Ok(state.network.recent_loss())
}
