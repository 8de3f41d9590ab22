//! The functions between two linear layers, and their slopes.

use super::{
    cpu::for_each_level,
    lanes::{exp, silu},
    tokens::{erf, gelu, tanh_gelu},
};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x (1 + erf(x / sqrt 2)) / 2`
    Gelu,
    /// GELU in its form with a hyperbolic tangent: `x (1 + tanh(u)) / 2` with `u = sqrt(2 / pi) (x + 0.044715 x^3)`.
    TanhGelu,
    /// `x / (1 + e^-x)`
    Silu,
}

for_each_level! {
    /// Writes the function of each number of `x` to `out`.
    pub fn activate(activation: Activation, x: &[f32], out: &mut [f32]) => activate_at
}

#[inline(always)]
fn activate_at<const L: u8>(activation: Activation, x: &[f32], out: &mut [f32]) {
    let each = out.iter_mut().zip(x);
    match activation {
        Activation::Gelu => {
            for (out, x) in each {
                *out = gelu::<L>(*x);
            }
        }
        Activation::TanhGelu => {
            for (out, x) in each {
                *out = tanh_gelu::<L>(*x);
            }
        }
        Activation::Silu => {
            for (out, x) in each {
                *out = silu::<L>(*x);
            }
        }
    }
}

for_each_level! {
    /// Replaces each number of `x` by its function, and multiplies the gradient by the slope at this number.
    pub fn activate_backward(activation: Activation, x: &mut [f32], gradient: &mut [f32]) => activate_backward_at
}

#[inline(always)]
fn activate_backward_at<const L: u8>(activation: Activation, x: &mut [f32], gradient: &mut [f32]) {
    let each = x.iter_mut().zip(gradient);
    match activation {
        Activation::Gelu => {
            for (x, gradient) in each {
                let (value, slope) = gelu_with_slope::<L>(*x);
                *x = value;
                *gradient *= slope;
            }
        }
        Activation::TanhGelu => {
            for (x, gradient) in each {
                let (value, slope) = tanh_gelu_with_slope::<L>(*x);
                *x = value;
                *gradient *= slope;
            }
        }
        Activation::Silu => {
            for (x, gradient) in each {
                let (value, slope) = silu_with_slope::<L>(*x);
                *x = value;
                *gradient *= slope;
            }
        }
    }
}

/// `x P(x)` with the cumulative normal distribution `P`. Its slope is `P(x) + x p(x)` with the density `p`.
#[inline(always)]
fn gelu_with_slope<const L: u8>(x: f32) -> (f32, f32) {
    /// `1 / sqrt(2 pi)`
    const DENSITY: f32 = 0.398_942_3;
    let below = 0.5 * (1.0 + erf::<L>(x * std::f32::consts::FRAC_1_SQRT_2));
    (x * below, below + x * DENSITY * exp::<L>(-0.5 * x * x))
}

/// `x s(v)` with the sigmoid `s` and `v = 2 sqrt(2 / pi) (x + 0.044715 x^3)`. Its slope is `s + x s (1 - s) v'`.
#[inline(always)]
fn tanh_gelu_with_slope<const L: u8>(x: f32) -> (f32, f32) {
    const FACTOR: f32 = 2.0 * 0.797_884_6;
    const CUBIC: f32 = 0.044_715;
    let square = x * x;
    let sigmoid = 1.0 / (1.0 + exp::<L>(-FACTOR * (x + CUBIC * square * x)));
    let value = x * sigmoid;
    (value, sigmoid + value * (1.0 - sigmoid) * FACTOR * (1.0 + 3.0 * CUBIC * square))
}

/// `x s(x)` with the sigmoid `s`. Its slope is `s + x s (1 - s)`.
#[inline(always)]
fn silu_with_slope<const L: u8>(x: f32) -> (f32, f32) {
    let sigmoid = 1.0 / (1.0 + exp::<L>(-x));
    let value = x * sigmoid;
    (value, sigmoid + value * (1.0 - sigmoid))
}
