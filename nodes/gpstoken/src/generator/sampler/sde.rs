//! Stochastic samplers: each step removes noise along the score and adds fresh noise.
//!
//! The operations have the order of the authors' code, so a run repeats theirs to the last digits that the model allows.

use super::{At, Diffusion, Draw, LastStep, Sampler, Settings, Step, Velocity, Watch, evaluate, times};
use splatgraph_sdk::Result;

/// The length of the last step.
const LAST: f32 = 0.04;
/// The start of the SBDM diffusion, which is infinite at 0.
const FIRST: f32 = 1e-3;

impl Diffusion {
    fn at(self, t: f32) -> f32 {
        let pi = std::f32::consts::PI;
        match self {
            Self::Sbdm => 1.0 / t * ((1.0 - t) * (1.0 - t)) + (1.0 - t),
            Self::Sigma | Self::Linear => 1.0 - t,
            Self::Constant => 1.0,
            Self::Decreasing => 0.25 * ((pi * t).cos() + 1.0).powi(2),
            Self::IncreasingDecreasing => (pi * t).sin().powi(2),
        }
    }
}

/// The gradient of the log density, from a velocity: `(t v - x) / ((1 - t)^2 + t (1 - t))`.
fn score(t: f32) -> impl Fn(f32, f32) -> f32 {
    let sigma = 1.0 - t;
    let variance = sigma * sigma + t * sigma;
    move |x, v| (t * v - x) / variance
}

/// The velocity of the state without fresh noise.
fn drift(diffusion: Diffusion, t: f32) -> impl Fn(f32, f32) -> f32 {
    let (score, factor) = (score(t), diffusion.at(t));
    move |x, v| v + factor * score(x, v)
}

fn map(x: &[f32], v: &[f32], f: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    x.iter().zip(v).map(|(x, v)| f(*x, *v)).collect()
}

pub(super) fn sample(
    settings: Settings,
    mut x: Vec<f32>,
    velocity: &mut Velocity<'_>,
    draw: &mut Draw<'_>,
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>> {
    let Settings { sampler, points, diffusion, last_step } = settings;
    let start = if diffusion == Diffusion::Sbdm { FIRST } else { 0.0 };
    let end = if last_step == LastStep::None { 1.0 } else { 1.0 - LAST };
    let times = times(start, end, points);
    let dt = times[1] - times[0];
    let of = if last_step == LastStep::None { points - 1 } else { points };
    for (i, &t) in times[..points - 1].iter().enumerate() {
        let at = At { index: i + 1, of };
        let noise = draw(i)?;
        let spread = (2.0 * diffusion.at(t)).sqrt();
        let add_noise = |x: f32, noise: f32| x + spread * (noise * dt.sqrt());
        let (from, v, state) = if sampler == Sampler::Sde {
            let v = evaluate(velocity, &x, t, at)?;
            let drift = drift(diffusion, t);
            let mean = map(&x, &v, |x, v| x + drift(x, v) * dt);
            let state = map(&mean, &noise, add_noise);
            (x, v, state)
        } else {
            let noisy = map(&x, &noise, add_noise);
            let v = evaluate(velocity, &noisy, t, at)?;
            let first = map(&noisy, &v, drift(diffusion, t));
            let ahead = map(&noisy, &first, |x, d| x + dt * d);
            let second = map(&ahead, &evaluate(velocity, &ahead, t + dt, at)?, drift(diffusion, t + dt));
            let sum = map(&first, &second, |a, b| a + b);
            let state = map(&noisy, &sum, |x, sum| x + 0.5 * dt * sum);
            (noisy, v, state)
        };
        watch(Step { index: i + 1, of, t, from: &from, velocity: &v, state: &state })?;
        x = state;
    }
    if last_step == LastStep::None {
        return Ok(x);
    }
    let t = end;
    let v = evaluate(velocity, &x, t, At { index: points, of })?;
    let state = match last_step {
        LastStep::Mean => {
            let drift = drift(diffusion, t);
            map(&x, &v, |x, v| x + drift(x, v) * LAST)
        }
        LastStep::Tweedie => {
            let score = score(t);
            let factor = (1.0 - t) * (1.0 - t) / t;
            map(&x, &v, |x, v| x / t + factor * score(x, v))
        }
        LastStep::Euler | LastStep::None => map(&x, &v, |x, v| x + v * LAST),
    };
    watch(Step { index: points, of, t, from: &x, velocity: &v, state: &state })?;
    Ok(state)
}
