//! Random choices that depend only on a seed and a purpose.

use crate::generator::noise::normal_from;
use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The purpose of random choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The first weights.
    Weights,
    /// The choices of a step.
    Step,
    /// The choices for a sample of a step.
    Sample,
    /// The pictures of the preview.
    Preview,
    /// The choices for a sample that is made before the first step.
    Crop,
    /// The first weights of a discriminator.
    Discriminator,
}

/// A stream of random choices.
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream for `purpose` and two numbers that the purpose defines, such as step and sample.
    pub fn new(seed: u64, purpose: Purpose, first: u64, second: u32) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8 + 1;
        key[9..17].copy_from_slice(&first.to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(u64::from(second));
        Self(stream)
    }

    /// A number from 0 up to, but not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `count` normally distributed numbers with mean 0 and variance 1.
    pub fn normal(&mut self, count: usize) -> Vec<f32> {
        normal_from(&mut self.0, count)
    }

    /// A whole number from 0 up to, but not including, `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f64) as usize).min(end.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let first = |purpose, a, b| Random::new(7, purpose, a, b).unit();
        let one = first(Purpose::Sample, 3, 1);
        assert_eq!(one, first(Purpose::Sample, 3, 1));
        let others = [first(Purpose::Step, 3, 1), first(Purpose::Sample, 4, 1), first(Purpose::Sample, 3, 2)];
        assert!(others.iter().all(|other| *other != one));
        let mut random = Random::new(1, Purpose::Weights, 0, 0);
        assert!((0..1000).all(|_| random.below(3) < 3));
    }
}
