//! The loop of all trainings: steps, the learning rate, saving, and the end.

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

/// Settings of the optimiser: inputs of all trainings.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Descent {
    /// The number of steps in which the learning rate rises to its highest value.
    #[input(default = 200, min = 0, max = 1000000)]
    pub warm_up: u64,
    /// The part of a weight that a step takes away, in units of the learning rate.
    #[input(default = 0.0, min = 0, max = 1)]
    pub weight_decay: f32,
    /// The largest norm of the gradients. Longer gradients are shortened to it; 0 leaves all gradients as they are.
    #[input(default = 1.0, min = 0, max = 1000000)]
    pub clip: f32,
    /// The part of the weights' moving average that a step keeps.
    #[input(default = 0.999, min = 0, max = 1)]
    pub average: f32,
}

/// Settings for saving a training: inputs of all trainings.
#[derive(Clone, Copy, Debug, InputGroup)]
pub struct Saving {
    /// The minutes between two savings; 0 saves after every step.
    #[input(default = 5.0, min = 0, max = 100000)]
    pub save_minutes: f64,
    /// The number type of the checkpoint.
    #[input(default = Kept::F32)]
    pub kept: Kept,
}

/// The length and the learning settings of a training.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The total number of steps.
    pub steps: u64,
    /// The number of samples in a step, for the speed in the progress.
    pub samples: usize,
    /// The highest learning rate.
    pub learning_rate: f32,
    /// Settings of the optimiser.
    pub descent: Descent,
    /// The minutes between two savings.
    pub save_minutes: f64,
}

/// The state that an earlier run saved, or else the state before the first step.
///
/// # Errors
/// The saved state can't be read, or belongs to a training with other settings.
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
    ctx.info(format!("continuing after step {}: {}", state.step, files.training.display()));
    Ok(state)
}

/// Trains up to the last step and returns the average of the last losses.
///
/// `step` returns the loss and the gradients of the network and, if the discriminator learns in this step, those of the discriminator.
/// Whenever the state is saved, `save` writes the checkpoint and returns a sheet of examples if it has one. The state is saved every few
/// minutes, when the run is cancelled, and at the end.
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
            ctx.info(format!("cancelled; saving the training after step {}", state.step));
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
                "training: expected a finite {whose} and gradient in step {}, got {} with the gradient's norm {size}. Lower learning_rate or set clip. The last good state, after step {}, is in {}",
                state.step + 1,
                done.loss,
                State::load(&files.training).map_or(0, |state| state.step),
                files.training.display()
            )))
        };
        // The state changes only if all losses and gradients are finite.
        let size_judged = judged.as_ref().map_or(Ok(0.0), |judged| finite("discriminator's loss", judged))?;
        let size = finite("loss", &done)?;
        let rate = adam::learning_rate(learning_rate, state.step, warm_up, steps);
        state.network.update(&done.gradients, done.loss, size, Update { adam, rate, clip, average });
        if let (Some(discriminator), Some(judged)) = (&mut state.discriminator, judged) {
            let adam = Adam::of_discriminator();
            discriminator.update(&judged.gradients, judged.loss, size_judged, Update { adam, rate, clip, average });
        }
        state.step += 1;
        let pace = (state.step - first) as f64 / begun.elapsed().as_secs_f64();
        let speed = two_digits(pace * samples as f64);
        let left = time((steps - state.step) as f64 / pace);
        let judge = state.discriminator.as_ref().filter(|judge| !judge.losses.is_empty());
        let judge = judge.map_or(String::new(), |judge| format!(", discriminator {:.3}", judge.recent_loss()));
        let note = format!("loss {:.4}{judge}, {speed} pictures/s, {left} left", state.network.recent_loss());
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

/// A number above 0 with at least two digits that count: `0.0042`, `0.57`, `3.1`, `120`.
fn two_digits(number: f64) -> String {
    let decimals = (1.0 - number.max(1e-9).log10().floor()).max(0.0);
    format!("{number:.0$}", decimals as usize)
}

/// A time as people say it: `40 s`, `12 min`, `3 h 20 min`, `2 d 5 h`.
fn time(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        _ if seconds < 99.5 => format!("{seconds:.0} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_have_two_digits_and_times_are_in_words() {
        let speeds = [0.00417, 0.0999, 0.57, 3.26, 12.3, 119.6].map(two_digits);
        assert_eq!(speeds, ["0.0042", "0.100", "0.57", "3.3", "12", "120"]);
        let times = [3.2, 99.0, 100.0, 3599.0, 12_000.0, 190_000.0].map(time);
        assert_eq!(times, ["3 s", "99 s", "2 min", "1 h 0 min", "3 h 20 min", "2 d 4 h"]);
        assert!(time(f64::INFINITY).ends_with(" h") && two_digits(0.0).starts_with("0.0"));
    }
}
