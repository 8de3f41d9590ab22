//! The choice of vector instructions for the CPU.
//!
//! Kernels are plain loops that the compiler turns into vector instructions. A build for all x86 CPUs may use only instructions of
//! 2003, so each kernel is compiled for several generations of CPUs. The choice between them happens at run time.

use splatgraph_sdk::Instructions;

/// The instructions that every CPU of the build's target has.
pub(crate) const PORTABLE: u8 = Instructions::Portable as u8;
/// AVX2 with fused multiply-add: 8 lanes, 16 registers.
pub(crate) const AVX2: u8 = Instructions::Avx2 as u8;
/// AVX-512: 16 lanes, 32 registers.
pub(crate) const AVX512: u8 = Instructions::Avx512 as u8;

/// A set of instructions that this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(u8);

impl Level {
    /// The best set of instructions. The environment variable `SPLATGRAPH_CPU` (`avx512`, `avx2`, `portable`) limits it.
    pub fn best() -> Self {
        Self(Instructions::best() as u8)
    }

    /// All sets of instructions that this CPU has, the plainest first.
    pub fn all() -> Vec<Self> {
        Instructions::all().into_iter().map(|set| Self(set as u8)).collect()
    }

    pub(crate) fn number(self) -> u8 {
        self.0
    }
}

/// Whether a multiplication and an addition are one instruction. Otherwise `mul_add` would be a slow call.
pub(crate) const fn fused(level: u8) -> bool {
    level != PORTABLE || cfg!(target_arch = "aarch64")
}

/// Defines `fn name(level, arguments)`, which runs `body::<LEVEL>(arguments)`, compiled for the level's instructions. The body and the
/// functions that it calls are `#[inline(always)]`, so that they become part of each version.
macro_rules! for_each_level {
    ($(#[$about:meta])* $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) => $body:ident) => {
        $(#[$about])*
        #[allow(clippy::too_many_arguments, reason = "plain numbers and slices for a loop")]
        $visibility fn $name(level: $crate::kernels::cpu::Level, $($argument: $kind),*) {
            use $crate::kernels::cpu::{AVX2, AVX512, PORTABLE};
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn with_avx512($($argument: $kind),*) {
                    $body::<AVX512>($($argument),*);
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "as above")]
                fn with_avx2($($argument: $kind),*) {
                    $body::<AVX2>($($argument),*);
                }
                #[expect(unsafe_code, reason = "instructions beyond the build's target, for measured kernels")]
                match level.number() {
                    // SAFETY: this level exists only if the CPU has these instructions.
                    AVX512 => return unsafe { with_avx512($($argument),*) },
                    // SAFETY: this level exists only if the CPU has these instructions.
                    AVX2 => return unsafe { with_avx2($($argument),*) },
                    _ => {}
                }
            }
            let _ = level;
            $body::<PORTABLE>($($argument),*);
        }
    };
}
pub(crate) use for_each_level;
