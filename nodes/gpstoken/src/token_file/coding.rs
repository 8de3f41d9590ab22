//! The entropy coder: an adaptive model for each kind of number, and asymmetric numeral systems, by the crate `constriction`.
//!
//! 128 tokens are too few to pay for a table of probabilities, so the models learn: a level makes itself and the levels
//! around it likelier (a histogram with a triangular kernel). Everything is in integers, so that every reader has the same
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
/// What every level gets of [`WHOLE`], however unlikely.
const LEAST: u32 = 16;
/// A model tells apart 2^6 levels; bits below are as good as random and are coded so.
const MODELLED_BITS: u8 = 6;
/// A seen level adds STEP * (RADIUS + 1 - distance) to the weights up to RADIUS away.
const STEP: u32 = 2;
/// Weights are halved when their sum exceeds this.
const LARGEST_SUM: u32 = 1 << 16;

/// What comes next, judged by what was.
pub(super) struct Adaptive {
    weights: Vec<u32>,
    sum: u32,
    radius: usize,
    /// Bits of a number that no model judges.
    low_bits: u8,
}

impl Adaptive {
    /// For numbers of this many bits, at least 1.
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

    /// Where the levels' shares of [`WHOLE`] begin: as many as there are levels, and the end.
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

    /// Of `bits` bits, of which none is likelier than another.
    fn of_equal(bits: u8, level: u32) -> Self {
        let size = WHOLE >> bits;
        Self::new(level * size, (level + 1) * size)
    }
}

// What the crate asks for: a model of which the one symbol that is coded is known already.
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

/// 2^bits levels of which none is likelier than another.
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

/// Codes numbers; the coder works backwards, so their shares wait until all are there.
#[derive(Default)]
pub(super) struct Writer(Vec<Share>);

impl Writer {
    /// A number of the model's bits.
    pub(super) fn write(&mut self, model: &mut Adaptive, number: u32) {
        let level = (number >> model.low_bits) as usize;
        self.0.push(Share::of(model, level));
        model.learn(level);
        if model.low_bits > 0 {
            self.0.push(Share::of_equal(model.low_bits, number & ((1 << model.low_bits) - 1)));
        }
    }

    /// The words in the order in which a reader takes them.
    pub(super) fn finish(self) -> Result<Vec<u32>, String> {
        let mut coder = DefaultAnsCoder::new();
        let coded = coder.encode_symbols_reverse(self.0.iter().map(|share| ((), share)));
        coded.map_err(|e| format!("the numbers can't be coded: {e}"))?;
        let Ok(mut words) = coder.into_compressed();
        words.reverse();
        Ok(words)
    }
}

/// Gives numbers back.
pub(super) struct Reader(DefaultAnsCoder);

impl Reader {
    /// From a file's words; none, unless the first is no 0.
    pub(super) fn new(mut words: Vec<u32>) -> Option<Self> {
        words.reverse();
        DefaultAnsCoder::from_compressed(words).ok().map(Self)
    }

    pub(super) fn read(&mut self, model: &mut Adaptive) -> u32 {
        // From a state of 0 on all symbols are the first, whatever the models say: a short file is read in a short time, however
        // many numbers it claims.
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

    /// Whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        // The crate takes a state of 0 for the end; in a forged file words may be left.
        self.0.is_empty() && self.0.bulk().is_empty()
    }
}
