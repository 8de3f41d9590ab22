//! Operations on sixteen numbers together.
//!
//! The compiler turns short loops over sixteen numbers into whole registers, but in long functions it cuts them into pieces of four.
//! Winograd's transforms take three times as long then. So the operations name their instructions.

use super::cpu::{AVX2, AVX512, fused};

/// Number of lanes: one register of AVX-512, or two of AVX2.
pub(crate) const LANES: usize = 16;

pub(crate) type Lanes = [f32; LANES];

/// An array of lanes whose registers are whole lines of the cache.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

#[inline(always)]
pub(super) fn load(from: &[f32]) -> Lanes {
    from[..LANES].try_into().unwrap_or([0.0; LANES])
}

/// Writes `lanes` to the beginning of `to`.
#[inline(always)]
pub(super) fn store(lanes: Lanes, to: &mut [f32]) {
    to[..LANES].copy_from_slice(&lanes);
}

/// Defines an operation: its instruction of AVX-512, that of AVX2, and its form for single numbers.
macro_rules! operation {
    ($(#[$about:meta])* $name:ident($($argument:ident),+), $avx512:ident, $avx2:ident, $single:expr) => {
        $(#[$about])*
        #[inline(always)]
        pub(super) fn $name<const L: u8>($($argument: Lanes),+) -> Lanes {
            #[cfg(target_arch = "x86_64")]
            {
                use std::{arch::x86_64::{__m256, __m512, $avx2, $avx512}, mem::transmute};
                #[expect(unsafe_code, reason = "instructions beyond the build's target, for measured kernels")]
                if L == AVX512 {
                    // SAFETY: only functions that are compiled for this level, and run on CPUs that have it, pass its number. An array of
                    // sixteen numbers and the register have equal sizes, and each bit pattern is valid in both.
                    return unsafe {
                        transmute::<__m512, Lanes>($avx512($(transmute::<Lanes, __m512>($argument)),+))
                    };
                }
                #[expect(unsafe_code, reason = "as above")]
                if L == AVX2 {
                    // SAFETY: as above, with two registers.
                    return unsafe {
                        $(let $argument = transmute::<Lanes, [__m256; 2]>($argument);)+
                        transmute::<[__m256; 2], Lanes>([$avx2($($argument[0]),+), $avx2($($argument[1]),+)])
                    };
                }
            }
            let single = $single;
            let mut out = [0.0; LANES];
            for i in 0..LANES {
                out[i] = single($($argument[i]),+);
            }
            out
        }
    };
}

operation! {
    /// `a + b`
    add(a, b), _mm512_add_ps, _mm256_add_ps, |a: f32, b: f32| a + b
}

operation! {
    /// `a - b`
    subtract(a, b), _mm512_sub_ps, _mm256_sub_ps, |a: f32, b: f32| a - b
}

operation! {
    /// `a * b`
    multiply(a, b), _mm512_mul_ps, _mm256_mul_ps, |a: f32, b: f32| a * b
}

operation! {
    /// `a * b + c`
    multiply_add(a, b, c), _mm512_fmadd_ps, _mm256_fmadd_ps, |a: f32, b: f32, c: f32| {
        if fused(L) { a.mul_add(b, c) } else { a * b + c }
    }
}

/// `factor * a`
#[inline(always)]
pub(super) fn times<const L: u8>(factor: f32, a: Lanes) -> Lanes {
    multiply::<L>([factor; LANES], a)
}

/// `factor * a + b`
#[inline(always)]
pub(super) fn add_times<const L: u8>(b: Lanes, factor: f32, a: Lanes) -> Lanes {
    multiply_add::<L>([factor; LANES], a, b)
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
