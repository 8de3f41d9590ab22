//! Operations on sixteen numbers together. The code uses loops instead of closures, because the compiler does not always inline a
//! closure into a function that is compiled for other instructions.

use super::cpu::fused;

/// Number of lanes: one register of AVX-512, or two of AVX2.
pub(crate) const LANES: usize = 16;

pub(crate) type Lanes = [f32; LANES];

#[inline(always)]
pub(super) fn load(from: &[f32]) -> Lanes {
    from[..LANES].try_into().unwrap_or([0.0; LANES])
}

#[inline(always)]
pub(super) fn add(mut a: Lanes, b: Lanes) -> Lanes {
    for i in 0..LANES {
        a[i] += b[i];
    }
    a
}

#[inline(always)]
pub(super) fn subtract(mut a: Lanes, b: Lanes) -> Lanes {
    for i in 0..LANES {
        a[i] -= b[i];
    }
    a
}

#[inline(always)]
pub(super) fn times(factor: f32, mut a: Lanes) -> Lanes {
    for v in &mut a {
        *v *= factor;
    }
    a
}

/// `factor * a + b`
#[inline(always)]
pub(super) fn add_times<const L: u8>(mut b: Lanes, factor: f32, a: Lanes) -> Lanes {
    for i in 0..LANES {
        b[i] = if fused(L) { factor.mul_add(a[i], b[i]) } else { factor * a[i] + b[i] };
    }
    b
}

/// `e^x` within two units of the last place, for x from -87 to 88. Beyond this range the result stays at the value of the range's end.
/// NaN stays NaN.
#[inline(always)]
pub(crate) fn exp<const L: u8>(x: f32) -> f32 {
    /// Adding this number rounds to a whole number, which the last bits then hold.
    const ROUND: f32 = 12_582_912.0;
    let times = |a: f32, b: f32, c: f32| if fused(L) { a.mul_add(b, c) } else { a * b + c };
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = times(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    // ln 2 is split into two parts. The first part has so few bits that the product is exact.
    let rest = times(whole, -0.693_359_4, x);
    let rest = times(whole, 2.121_944_4e-4, rest);
    let series = times(rest, 1.987_569_1e-4, 1.398_199_9e-3);
    let series = times(series, rest, 8.333_452e-3);
    let series = times(series, rest, 4.166_579_6e-2);
    let series = times(series, rest, 0.166_666_66);
    let series = times(series, rest, 0.5);
    let series = times(series, rest * rest, rest) + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    series * power
}

/// `x / (1 + e^-x)`
#[inline(always)]
pub(super) fn silu<const L: u8>(x: f32) -> f32 {
    x / (1.0 + exp::<L>(-x))
}
