//! The entropy coder: an adaptive model for each kind of number, and asymmetric numeral systems from the crate `constriction`.
//!
//! A table of probabilities does not pay for 128 tokens, so the models learn: each level makes itself and the levels around
//! it likelier (a histogram with a triangular kernel). All computations use integers, so every reader gets the same
//! probabilities.

use constriction::stream::{
    Decode,
    model::{DecoderModel, EncoderModel, EntropyModel},
    stack::DefaultAnsCoder,
};
use std::{borrow::Borrow, num::NonZeroU32};

/// Probabilities are multiples of 2^-16.
const PRECISION: usize = 16;
const WHOLE: u32 = 1 << PRECISION;
/// The least share of [`WHOLE`] that every level gets, however unlikely it is.
const LEAST: u32 = 16;
/// A model distinguishes 2^6 levels; the bits below are nearly random and are coded with equal probabilities.
const MODELLED_BITS: u8 = 6;
/// Each coded level adds STEP * (RADIUS + 1 - distance) to the weights up to RADIUS away.
const STEP: u32 = 2;
/// Weights are halved when their sum exceeds this.
const LARGEST_SUM: u32 = 1 << 16;

/// A model of the next number, from the numbers before it.
pub(super) struct Adaptive {
    weights: Vec<u32>,
    sum: u32,
    radius: usize,
    /// The number of low bits that the model does not cover.
    low_bits: u8,
}

impl Adaptive {
    /// A model for numbers of this many bits, at least 1.
    pub(super) fn new(bits: u8) -> Self {
        let modelled = bits.min(MODELLED_BITS);
        let levels = 1usize << modelled;
        Self { weights: vec![1; levels], sum: levels as u32, radius: (levels / 16).max(1), low_bits: bits - modelled }
    }

    fn learn(&mut self, level: usize) {
        let last = self.weights.len() - 1;
        for near in level.saturating_sub(self.radius)..=(level + self.radius).min(last) {
            let added = STEP * (self.radius + 1 - near.abs_diff(level)) as u32;
            self.weights[near] += added;
            self.sum += added;
        }
        if self.sum > LARGEST_SUM {
            self.weights.iter_mut().for_each(|weight| *weight = weight.div_ceil(2));
            self.sum = self.weights.iter().sum();
        }
    }

    /// Where the share of each level of [`WHOLE`] begins, followed by the end.
    fn begins(&self) -> impl Iterator<Item = u32> {
        let levels = self.weights.len() as u32;
        let shared = u64::from(WHOLE - LEAST * levels);
        let below = std::iter::once(0).chain(self.weights.iter().scan(0, |below, weight| {
            *below += weight;
            Some(*below)
        }));
        let sum = u64::from(self.sum);
        below.zip(0..).map(move |(below, level)| LEAST * level + (u64::from(below) * shared / sum) as u32)
    }
}

/// A level's share of [`WHOLE`].
#[derive(Clone, Copy)]
struct Share {
    begin: u32,
    size: NonZeroU32,
}

impl Share {
    fn new(begin: u32, end: u32) -> Self {
        Self { begin, size: NonZeroU32::new(end.saturating_sub(begin)).unwrap_or(NonZeroU32::MIN) }
    }

    fn of(model: &Adaptive, level: usize) -> Self {
        let mut begins = model.begins().skip(level);
        let (begin, end) = (begins.next(), begins.next());
        Self::new(begin.unwrap_or(0), end.unwrap_or(WHOLE))
    }

    /// The share of one of 2^bits equally likely levels.
    fn of_equal(bits: u8, level: u32) -> Self {
        let size = WHOLE >> bits;
        Self::new(level * size, (level + 1) * size)
    }
}

// The model that the crate needs; its one symbol is the one to code.
impl EntropyModel<PRECISION> for Share {
    type Symbol = ();
    type Probability = u32;
}

impl EncoderModel<PRECISION> for Share {
    fn left_cumulative_and_probability(&self, _: impl Borrow<()>) -> Option<(u32, NonZeroU32)> {
        Some((self.begin, self.size))
    }
}

impl EntropyModel<PRECISION> for Adaptive {
    type Symbol = usize;
    type Probability = u32;
}

impl DecoderModel<PRECISION> for Adaptive {
    fn quantile_function(&self, quantile: u32) -> (usize, u32, NonZeroU32) {
        let level = self.begins().skip(1).take_while(|end| *end <= quantile).count().min(self.weights.len() - 1);
        let share = Share::of(self, level);
        (level, share.begin, share.size)
    }
}

/// A model of 2^bits equally likely levels.
struct Equal(u8);

impl EntropyModel<PRECISION> for Equal {
    type Symbol = u32;
    type Probability = u32;
}

impl DecoderModel<PRECISION> for Equal {
    fn quantile_function(&self, quantile: u32) -> (u32, u32, NonZeroU32) {
        let level = quantile / (WHOLE >> self.0);
        let share = Share::of_equal(self.0, level);
        (level, share.begin, share.size)
    }
}

/// Codes numbers. The coder works backwards, so the writer collects all shares first.
#[derive(Default)]
pub(super) struct Writer(Vec<Share>);

impl Writer {
    /// Writes a number of the model's bits.
    pub(super) fn write(&mut self, model: &mut Adaptive, number: u32) {
        let level = (number >> model.low_bits) as usize;
        self.0.push(Share::of(model, level));
        model.learn(level);
        if model.low_bits > 0 {
            self.0.push(Share::of_equal(model.low_bits, number & ((1 << model.low_bits) - 1)));
        }
    }

    /// Returns the words in the order in which a reader takes them.
    pub(super) fn finish(self) -> Result<Vec<u32>, String> {
        let mut coder = DefaultAnsCoder::new();
        let coded = coder.encode_symbols_reverse(self.0.iter().map(|share| ((), share)));
        coded.map_err(|e| format!("expected numbers that can be coded, got an error: {e}"))?;
        let Ok(mut words) = coder.into_compressed();
        words.reverse();
        Ok(words)
    }
}

/// Decodes numbers.
pub(super) struct Reader(DefaultAnsCoder);

impl Reader {
    /// A reader of a file's words; `None` if the first word is 0.
    pub(super) fn new(mut words: Vec<u32>) -> Option<Self> {
        words.reverse();
        DefaultAnsCoder::from_compressed(words).ok().map(Self)
    }

    pub(super) fn read(&mut self, model: &mut Adaptive) -> u32 {
        // After a state of 0 every symbol is the first one, whatever the models say. So reading a short file takes a short
        // time, however many numbers it claims.
        if self.is_at_end() {
            return 0;
        }
        let Ok(level) = self.0.decode_symbol(&*model);
        model.learn(level);
        let low = if model.low_bits > 0 {
            let Ok(low) = self.0.decode_symbol(Equal(model.low_bits));
            low
        } else {
            0
        };
        (level as u32) << model.low_bits | low
    }

    /// Whether all words were read.
    pub(super) fn is_at_end(&self) -> bool {
        // The crate takes a state of 0 for the end; a forged file may have more words.
        self.0.is_empty() && self.0.bulk().is_empty()
    }
}
