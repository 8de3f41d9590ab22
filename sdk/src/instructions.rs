//! The vector instructions of this processor. Results may depend on them in the last bits.

use std::sync::OnceLock;

/// A set of instructions that kernels are compiled for, the plainest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Those that every processor of the build's target has.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 with its parts F, BW, DQ and VL.
    Avx512,
}

impl Instructions {
    /// The best set. The environment variable `SPLATGRAPH_CPU` (`avx512`, `avx2`, `portable`) limits it.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Instructions> = OnceLock::new();
        *BEST.get_or_init(|| {
            let limit = match std::env::var("SPLATGRAPH_CPU").as_deref() {
                Ok("portable") => Self::Portable,
                Ok("avx2") => Self::Avx2,
                _ => Self::Avx512,
            };
            Self::all().into_iter().filter(|set| *set <= limit).max().unwrap_or(Self::Portable)
        })
    }

    /// All sets that this processor has, the plainest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            all.extend(avx2.then_some(Self::Avx2));
            all.extend((avx2 && avx512).then_some(Self::Avx512));
        }
        all
    }

    /// The word that `SPLATGRAPH_CPU` takes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}
