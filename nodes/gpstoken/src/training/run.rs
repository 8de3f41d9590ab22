//! The loop of all trainings: steps, the learning rate, saving, and the end.

use super::{
    adam::{self, Adam},
    files::{Files, Kept},
    sheet::as_image,
    state::{State, Update},
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
    /// Keeps a copy of the checkpoint each time so many steps are done, as `NAME-step-000500.safetensors`, to measure the course
    /// of the training; 0 keeps none.
    #[input(default = 0, min = 0, max = 100000000)]
    pub keep: u64,
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
    /// The minutes between two savings, and the steps between two checkpoints that stay.
    pub saving: Saving,
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
/// minutes, before a copy of the checkpoint is kept, when the run is cancelled, and at the end.
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
    let Plan { steps, samples, learning_rate, descent, saving: Saving { save_minutes, keep, .. } } = *plan;
    let Descent { warm_up, weight_decay, clip, average } = descent;
    let adam = Adam::with_decay(weight_decay);
    let save_all = |state: &State| -> Result<Option<RgbImage>> {
        state.save(&files.training)?;
        let examples = save(state)?;
        files.save_pictures(state, examples.as_ref())?;
        Ok(examples)
    };
    let is_kept = |step: u64| step > 0 && keep > 0 && step.is_multiple_of(keep);
    // A run that was killed behind the saving of a state did not keep its checkpoint.
    if is_kept(state.step) && !files.kept(state.step).exists() {
        save_all(&state)?;
        files.keep(state.step)?;
    }
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
            let size = done.gradients.norm();
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
        state.network.update(&done.gradients, done.loss, size, Update { adam, rate, clip, average })?;
        if let (Some(discriminator), Some(judged)) = (&mut state.discriminator, judged) {
            let adam = Adam::of_discriminator();
            discriminator.update(&judged.gradients, judged.loss, size_judged, Update { adam, rate, clip, average })?;
        }
        state.step += 1;
        let pace = (state.step - first) as f64 / begun.elapsed().as_secs_f64();
        let speed = two_digits(pace * samples as f64);
        let left = time((steps - state.step) as f64 / pace);
        let judge = state.discriminator.as_ref().filter(|judge| !judge.losses.is_empty());
        let judge = judge.map_or(String::new(), |judge| format!(", discriminator {:.3}", judge.recent_loss()));
        let note = format!("loss {:.4}{judge}, {speed} pictures/s, {left} left", state.network.recent_loss());
        ctx.progress(state.step as usize, steps as usize, &note);
        let is_kept = is_kept(state.step);
        let is_time = saved.elapsed() >= Duration::from_secs_f64(save_minutes * 60.0);
        if (is_time && state.step < steps) || is_kept {
            let examples = save_all(&state)?;
            if is_kept {
                files.keep(state.step)?;
            }
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
    use crate::training::step::Gradients;
    use splatgraph_sdk::{DType, checkpoint, checkpoint::Checkpoint, node, testing};
    use std::path::Path;

    /// Trains one weight, whose gradient depends on the step. Writes the weight's average as the checkpoint.
    #[node(category = "Test", outputs(loss))]
    pub(super) fn one_weight(
        /// The checkpoint.
        output: String,
        /// The number of steps.
        steps: u64,
        /// The steps between two checkpoints that stay.
        keep: u64,
        ctx: &Ctx,
    ) -> Result<f32> {
        let output = Path::new(&output);
        let weights = BTreeMap::from([("weight".to_owned(), Tensor::from_vec([2], vec![1.0f32, -2.0])?)]);
        let files = Files::beside(output);
        let state = begin(&files, "{}", &weights, None, ctx)?;
        let descent = Descent { warm_up: 2, weight_decay: 0.0, clip: 0.0, average: 0.9 };
        let saving = Saving { save_minutes: 1000.0, kept: Kept::F32, keep };
        let plan = Plan { steps, samples: 1, learning_rate: 0.1, descent, saving };
        let mut step = |state: &State| {
            let gradient = vec![1.0 + state.step as f32, 0.5];
            let loss = 1.0 / (1.0 + state.step as f32);
            let gradients = Gradients::Host(BTreeMap::from([("weight".to_owned(), gradient)]));
            Ok((Step { loss, gradients }, None))
        };
        let save = |state: &State| {
            let metadata = BTreeMap::from([("training".to_owned(), state.about()?)]);
            Checkpoint { metadata, tensors: state.network.averages()? }.save(output, DType::F32)?;
            Ok(None)
        };
        train(state, &plan, &files, ctx, &mut step, &save)
    }

    #[test]
    fn checkpoints_of_the_course_are_kept_and_change_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let trained = |name: &str, steps: u64, keep: u64| {
            let inputs = testing::json!({"output": file(name), "steps": steps, "keep": keep});
            testing::run::<one_weight>(inputs, []).unwrap();
        };
        let read = |name: &str| std::fs::read(file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        trained("plain.safetensors", 7, 0);
        trained("course.safetensors", 7, 3);
        for end in ["safetensors", "training.safetensors"] {
            assert_eq!(read(&format!("plain.{end}")), read(&format!("course.{end}")));
        }
        let steps = |name: &str| {
            let training = checkpoint::open(&file(name)).unwrap().metadata["training"].clone();
            serde_json::from_str::<serde_json::Value>(&training).unwrap()["steps"].as_u64()
        };
        let kept = ["course-step-000003.safetensors", "course-step-000006.safetensors"];
        assert_eq!(kept.map(steps), [Some(3), Some(6)]);
        let count = std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("-step-"));
        assert_eq!(count.count(), 2);

        // A run that ends behind the saving of step 3 and before the copy: the next run keeps the copy, and the rest is equal.
        trained("stopped.safetensors", 3, 0);
        trained("stopped.safetensors", 7, 3);
        for end in ["safetensors", "training.safetensors"] {
            assert_eq!(read(&format!("stopped.{end}")), read(&format!("course.{end}")));
        }
        for step in ["step-000003", "step-000006"] {
            assert_eq!(read(&format!("stopped-{step}.safetensors")), read(&format!("course-{step}.safetensors")));
        }
    }

    #[test]
    fn speeds_have_two_digits_and_times_are_in_words() {
        let speeds = [0.00417, 0.0999, 0.57, 3.26, 12.3, 119.6].map(two_digits);
        assert_eq!(speeds, ["0.0042", "0.100", "0.57", "3.3", "12", "120"]);
        let times = [3.2, 99.0, 100.0, 3599.0, 12_000.0, 190_000.0].map(time);
        assert_eq!(times, ["3 s", "99 s", "2 min", "1 h 0 min", "3 h 20 min", "2 d 4 h"]);
        assert!(time(f64::INFINITY).ends_with(" h") && two_digits(0.0).starts_with("0.0"));
    }
}
