//! The method of Dormand and Prince, of order 5 with an error estimate of order 4, which sets the length of the steps.
//!
//! It behaves like the method in torchdiffeq, which the authors use. Steps are not cut off at the end: the last step goes
//! past t = 1, and the result is interpolated. Times are in f64 and the state is in f32. The relative tolerance is 1e-3 and
//! the absolute one 1e-6.

use super::{At, Step, Velocity, Watch, evaluate};
use splatgraph_sdk::{Error, Result};

const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-6;

/// Times of the stages as fractions of a step.
const TIMES: [f64; 6] = [1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
/// Weights of the velocities before each stage. The last ones give the state at the end.
const STAGES: [[f64; 6]; 6] = [
    [1.0 / 5.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0],
    [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0],
    [19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0, 0.0, 0.0],
    [9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0, 0.0],
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// Weights of all velocities in the error: the difference of the two orders.
const ERROR: [f64; 7] = [
    35.0 / 384.0 - 1951.0 / 21600.0,
    0.0,
    500.0 / 1113.0 - 22642.0 / 50085.0,
    125.0 / 192.0 - 451.0 / 720.0,
    -2187.0 / 6784.0 + 12231.0 / 42400.0,
    11.0 / 84.0 - 649.0 / 6300.0,
    -1.0 / 60.0,
];
/// Weights of all velocities in the state at half the step (Shampine).
const MIDDLE: [f64; 7] = [
    6025192743.0 / 30085553152.0 / 2.0,
    0.0,
    51252292925.0 / 65400821598.0 / 2.0,
    -2691868925.0 / 45128329728.0 / 2.0,
    187940372067.0 / 1594534317056.0 / 2.0,
    -1776094331.0 / 19743644256.0 / 2.0,
    11237099.0 / 235043384.0 / 2.0,
];

/// Follows the velocities from `start` at t = 0 and returns the states at `times`, which ascend. The error is measured over
/// the whole state, so all its parts share the steps.
///
/// # Errors
/// One of the functions fails, a velocity is not finite, or the steps become too short.
pub fn dopri5(
    start: Vec<f32>,
    times: &[f64],
    velocity: &mut Velocity<'_>,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<f32>>> {
    let mut at = At { index: 1, of: 0 };
    let first = evaluate(velocity, &start, 0.0, at)?;
    let mut dt = first_step(&start, &first, velocity, at)?;
    let mut last = Interval::point(start.clone());
    let (mut y, mut f) = (start, first);
    let mut states = Vec::with_capacity(times.len());
    for &time in times {
        while time > last.end {
            let t = last.end;
            if t + dt <= t || !dt.is_finite() {
                return Err(Error::new(format!(
                    "sampling: expected velocities that dopri5 can follow, got steps below {dt:e} at t = {t}. Use another sampler"
                )));
            }
            let step = attempt(&y, &f, t, dt, velocity, at)?;
            let ratio = step.error;
            watch(Step { index: at.index, of: 0, t: t as f32, from: &y, velocity: &f, state: &step.y })?;
            at.index += 1;
            if ratio <= 1.0 {
                last = Interval::of(&y, &step, t, dt);
                y = step.y;
                f = step.velocities.into_iter().next_back().unwrap_or_default();
            }
            dt = next_length(dt, ratio);
        }
        states.push(last.at(time));
    }
    Ok(states)
}

/// The result of a step that is not yet accepted.
struct Attempt {
    y: Vec<f32>,
    velocities: Vec<Vec<f32>>,
    /// The error in units of the tolerance: at most 1 if the step is good enough.
    error: f64,
}

fn attempt(y: &[f32], f: &[f32], t: f64, dt: f64, velocity: &mut Velocity<'_>, at: At) -> Result<Attempt> {
    let (start, length, end) = (t as f32, dt as f32, (t + dt) as f32);
    let mut velocities = vec![f.to_vec()];
    let mut state = Vec::new();
    for (time, weights) in TIMES.iter().zip(&STAGES) {
        // The velocity of the end is taken just before the end, in case it jumps there.
        let time = if *time == 1.0 { end.next_down() } else { start + *time as f32 * length };
        state = add(y, &combine(&velocities, weights, length));
        velocities.push(evaluate(velocity, &state, time, at)?);
    }
    let error = combine(&velocities, &ERROR, length);
    let parts = error.iter().zip(y.iter().zip(&state)).map(|(error, (before, after))| {
        f64::from(*error) / (ABSOLUTE + RELATIVE * f64::from(before.abs().max(after.abs())))
    });
    let error = root_mean_square(parts);
    Ok(Attempt { y: state, velocities, error })
}

/// The sum of velocities with these weights, times the length of the step.
fn combine(velocities: &[Vec<f32>], weights: &[f64], length: f32) -> Vec<f32> {
    let mut sum = vec![0.0; velocities[0].len()];
    for (velocity, weight) in velocities.iter().zip(weights).filter(|(_, weight)| **weight != 0.0) {
        let factor = *weight as f32 * length;
        sum.iter_mut().zip(velocity).for_each(|(sum, v)| *sum += v * factor);
    }
    sum
}

fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn root_mean_square(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    (values.map(|v| v * v).sum::<f64>() / count).sqrt()
}

/// The length of the first step (Hairer, Norsett, Wanner: Solving Ordinary Differential Equations I, II.4).
fn first_step(y: &[f32], f: &[f32], velocity: &mut Velocity<'_>, at: At) -> Result<f64> {
    let scale = |y: &f32| ABSOLUTE + RELATIVE * f64::from(y.abs());
    let norm = |values: &[f32]| root_mean_square(values.iter().zip(y).map(|(v, y)| f64::from(*v) / scale(y)));
    let (size, slope) = (norm(y), norm(f));
    let short = if size < 1e-5 || slope < 1e-5 { 1e-6 } else { 0.01 * size / slope };
    let ahead: Vec<f32> = y.iter().zip(f).map(|(y, f)| y + short as f32 * f).collect();
    let after = evaluate(velocity, &ahead, short as f32, at)?;
    let change: Vec<f32> = after.iter().zip(f).map(|(a, b)| a - b).collect();
    let curvature = norm(&change) / short;
    let long = if slope <= 1e-15 && curvature <= 1e-15 {
        (short * 1e-3).max(1e-6)
    } else {
        (0.01 / slope.max(curvature)).powf(1.0 / 5.0)
    };
    Ok((100.0 * short).min(long))
}

/// The length of the next step; after a good step it is not shorter.
fn next_length(dt: f64, error: f64) -> f64 {
    const SAFETY: f64 = 0.9;
    if error == 0.0 {
        return dt * 10.0;
    }
    let least = if error < 1.0 { 1.0 } else { 0.2 };
    dt * (SAFETY / error.powf(0.2)).max(least).min(10.0)
}

/// A polynomial of degree 4 through a step.
struct Interval {
    start: f64,
    end: f64,
    /// The coefficients, from the constant one upwards.
    coefficients: Vec<Vec<f32>>,
}

impl Interval {
    /// A step of no length at t = 0.
    fn point(y: Vec<f32>) -> Self {
        Self { start: 0.0, end: 0.0, coefficients: vec![y] }
    }

    fn of(before: &[f32], step: &Attempt, start: f64, dt: f64) -> Self {
        let length = dt as f32;
        let middle = add(before, &combine(&step.velocities, &MIDDLE, length));
        let (first, last) = (&step.velocities[0], &step.velocities[step.velocities.len() - 1]);
        let each = |f: &dyn Fn([f32; 5]) -> f32| -> Vec<f32> {
            let at = |i: usize| f([before[i], step.y[i], middle[i], first[i] * length, last[i] * length]);
            (0..before.len()).map(at).collect()
        };
        let coefficients = vec![
            before.to_vec(),
            each(&|[.., f0, _]| f0),
            each(&|[y0, y1, m, f0, f1]| f1 - 4.0 * f0 - 11.0 * y0 - 5.0 * y1 + 16.0 * m),
            each(&|[y0, y1, m, f0, f1]| 5.0 * f0 - 3.0 * f1 + 18.0 * y0 + 14.0 * y1 - 32.0 * m),
            each(&|[y0, y1, m, f0, f1]| 2.0 * (f1 - f0) - 8.0 * (y1 + y0) + 16.0 * m),
        ];
        Self { start, end: start + dt, coefficients }
    }

    fn at(&self, time: f64) -> Vec<f32> {
        let part = if self.end > self.start { ((time - self.start) / (self.end - self.start)) as f32 } else { 0.0 };
        let at = |i: usize| self.coefficients.iter().rev().fold(0.0, |sum, c| sum * part + c[i]);
        (0..self.coefficients[0].len()).map(at).collect()
    }
}
