//! Samplers without noise, in steps of equal length: explicit Runge-Kutta methods.

use super::{At, Sampler, Step, Velocity, Watch, evaluate, times};
use splatgraph_sdk::Result;

/// `x + factor * v`
fn ahead(x: &[f32], v: &[f32], factor: f32) -> Vec<f32> {
    x.iter().zip(v).map(|(x, v)| x + factor * v).collect()
}

/// The sum of velocities with these weights.
fn sum<const K: usize>(velocities: [&[f32]; K], weights: [f32; K]) -> Vec<f32> {
    let at = |i: usize| velocities.iter().zip(weights).map(|(v, weight)| v[i] * weight).sum();
    (0..velocities[0].len()).map(at).collect()
}

pub(super) fn sample(
    sampler: Sampler,
    points: usize,
    mut x: Vec<f32>,
    velocity: &mut Velocity<'_>,
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>> {
    let times = times(0.0, 1.0, points);
    let of = points - 1;
    for (i, pair) in times.windows(2).enumerate() {
        let (t, dt) = (pair[0], pair[1] - pair[0]);
        let at = At { index: i + 1, of };
        let mut k = |x: &[f32], t: f32| evaluate(velocity, x, t, at);
        let k1 = k(&x, t)?;
        let state = match sampler {
            Sampler::Midpoint => {
                let k2 = k(&ahead(&x, &k1, 0.5 * dt), t + 0.5 * dt)?;
                ahead(&x, &k2, dt)
            }
            Sampler::Heun2 => {
                let k2 = k(&ahead(&x, &k1, dt), t + dt)?;
                ahead(&x, &sum([&k1, &k2], [0.5, 0.5]), dt)
            }
            Sampler::Heun3 => {
                let k2 = k(&ahead(&x, &k1, dt / 3.0), t + dt / 3.0)?;
                let k3 = k(&ahead(&x, &k2, dt * (2.0 / 3.0)), t + dt * (2.0 / 3.0))?;
                ahead(&x, &sum([&k1, &k3], [0.25, 0.75]), dt)
            }
            Sampler::Rk4 => {
                let k2 = k(&ahead(&x, &k1, dt / 3.0), t + dt / 3.0)?;
                let k3 = k(&ahead(&x, &sum([&k1, &k2], [-1.0 / 3.0, 1.0]), dt), t + dt * (2.0 / 3.0))?;
                let k4 = k(&ahead(&x, &sum([&k1, &k2, &k3], [1.0, -1.0, 1.0]), dt), pair[1])?;
                ahead(&x, &sum([&k1, &k2, &k3, &k4], [0.125, 0.375, 0.375, 0.125]), dt)
            }
            _ => ahead(&x, &k1, dt),
        };
        watch(Step { index: i + 1, of, t, from: &x, velocity: &k1, state: &state })?;
        x = state;
    }
    Ok(x)
}
