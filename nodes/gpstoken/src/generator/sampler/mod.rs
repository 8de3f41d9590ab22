//! Samplers: they follow the velocities from noise to data. The state is plain f32 in host memory; the model is a function of
//! state and time.

mod dopri5;
mod ode;
mod sde;

pub use dopri5::dopri5;

use splatgraph_sdk::{Choice, Error, Result};

/// The method that follows the velocities from noise to data.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// Adds fresh noise in every step (Euler-Maruyama).
    Sde,
    /// Adds fresh noise in every step; two evaluations a step (stochastic Heun).
    SdeHeun,
    /// No noise except at the start; one evaluation a step.
    Euler,
    /// Two evaluations a step.
    Midpoint,
    /// Two evaluations a step.
    Heun2,
    /// Three evaluations a step.
    Heun3,
    /// Four evaluations a step (the 3/8 rule).
    Rk4,
    /// Takes steps as long as an estimate of the error allows (Dormand and Prince); the number of steps has no effect.
    Dopri5,
}

/// How much noise a stochastic sampler removes and adds, as a function of time.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diffusion {
    /// `(1 - t) / t`
    #[choice(name = "SBDM")]
    Sbdm,
    /// `1 - t`, the part of the noise at that time.
    Sigma,
    /// `1 - t`
    Linear,
    /// 1
    Constant,
    /// `(cos(pi t) + 1)^2 / 4`
    Decreasing,
    /// `sin(pi t)^2`
    #[choice(name = "increasing-decreasing")]
    IncreasingDecreasing,
}

/// What a stochastic sampler does at the end, from t = 0.96 to 1, without noise.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStep {
    /// A step like the others, but without fresh noise.
    #[choice(name = "Mean")]
    Mean,
    /// The expected data at this point.
    #[choice(name = "Tweedie")]
    Tweedie,
    /// A step along the velocity.
    #[choice(name = "Euler")]
    Euler,
    /// No last step: the other steps continue to t = 1.
    #[choice(name = "None")]
    None,
}

/// How to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The method.
    pub sampler: Sampler,
    /// Number of points in time, at least 2; there is one step less.
    pub points: usize,
    /// The noise of stochastic samplers.
    pub diffusion: Diffusion,
    /// The end of stochastic samplers.
    pub last_step: LastStep,
}

/// A step that a sampler made.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Its index, from 1.
    pub index: usize,
    /// The number of steps; 0 if it is not known.
    pub of: usize,
    /// The time at which it begins.
    pub t: f32,
    /// The state at which the velocity was taken.
    pub from: &'a [f32],
    /// The velocity there.
    pub velocity: &'a [f32],
    /// The state after the step.
    pub state: &'a [f32],
}

/// A function that gives the velocities of a state at a time.
pub type Velocity<'a> = dyn FnMut(&[f32], f32) -> Result<Vec<f32>> + 'a;
/// A function that gives the noise of a draw, counted from 0, as long as the state.
pub type Draw<'a> = dyn FnMut(usize) -> Result<Vec<f32>> + 'a;
/// A function that gets every step.
pub type Watch<'a> = dyn FnMut(Step<'_>) -> Result<()> + 'a;

impl Settings {
    /// The number of draws of noise that the sampler needs besides the start.
    pub fn draws(self) -> usize {
        if self.is_stochastic() { self.points - 1 } else { 0 }
    }

    fn is_stochastic(self) -> bool {
        matches!(self.sampler, Sampler::Sde | Sampler::SdeHeun)
    }

    /// Checks the settings for the samplers.
    ///
    /// # Errors
    /// There are fewer than two points, or a setting is not defined for the sampler.
    pub fn check(self) -> Result<()> {
        if self.points < 2 {
            return Err(Error::input(
                "steps",
                format!("expected at least 2 steps, as they count points in time, got {}", self.points),
            ));
        }
        if self.sampler == Sampler::SdeHeun && self.last_step == LastStep::None {
            return Err(Error::input(
                "last_step",
                "expected a last step, as sde_heun without one needs the score at t = 1, where there is none, got \"None\". Set last_step to \"Mean\", or sampler to \"sde\"",
            ));
        }
        Ok(())
    }

    /// Follows the velocities from `start` at t = 0 to t = 1.
    ///
    /// # Errors
    /// One of the functions fails, or a velocity is not finite.
    pub fn sample(
        self,
        start: Vec<f32>,
        velocity: &mut Velocity<'_>,
        draw: &mut Draw<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<f32>> {
        match self.sampler {
            Sampler::Sde | Sampler::SdeHeun => sde::sample(self, start, velocity, draw, watch),
            Sampler::Dopri5 => Ok(dopri5(start, &[1.0], velocity, watch)?.pop().unwrap_or_default()),
            _ => ode::sample(self.sampler, self.points, start, velocity, watch),
        }
    }
}

/// `count` times from `start` to `end`, with the formula of PyTorch: the second half counts back from the end.
fn times(start: f32, end: f32, count: usize) -> Vec<f32> {
    let step = (end - start) / (count - 1) as f32;
    let at = |i: usize| if i < count / 2 { start + step * i as f32 } else { end - step * (count - 1 - i) as f32 };
    (0..count).map(at).collect()
}

/// The step of an evaluation.
#[derive(Clone, Copy)]
struct At {
    index: usize,
    of: usize,
}

/// Evaluates a velocity and checks that it is finite.
fn evaluate(velocity: &mut Velocity<'_>, x: &[f32], t: f32, at: At) -> Result<Vec<f32>> {
    let velocities = velocity(x, t)?;
    let Some(bad) = velocities.iter().find(|v| !v.is_finite()) else { return Ok(velocities) };
    let largest = x.iter().fold(0.0f32, |largest, v| if v.abs() > largest || v.is_nan() { v.abs() } else { largest });
    let of = if at.of == 0 { String::new() } else { format!(" of {}", at.of) };
    Err(Error::new(format!(
        "sampling: expected finite velocities from the model, got {bad} in step {}{of}, at t = {t}, for a state up to {largest:.1e}. \
         If the state is above 1000, use more steps or another sampler; else the model is damaged",
        at.index
    )))
}
