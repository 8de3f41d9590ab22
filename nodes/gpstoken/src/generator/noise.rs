//! The noise of a run: from seeds, or recorded.
//!
//! Seeded noise depends only on the seed of a picture, the draw and the element. For textures, draw 0 is the start and draw k
//! is the noise of step k. For layouts, these are the draws 2^32 and 2^32 + k: a layout and its textures use one seed, and
//! their noise must differ.
//!
//! Elements have the order of the state, `[C, N]`, and are made in pairs. Pair p takes the numbers 2p and 2p + 1, u64 in
//! little-endian order, of the ChaCha8 stream whose key is the seed (u64, little-endian, followed by zeros) and whose nonce
//! is the draw. Their upper 53 bits make `a = (first + 1) / 2^53` and `b = second / 2^53`. The two elements are `sqrt(-2 ln
//! a) cos(2 pi b)` and `sqrt(-2 ln a) sin(2 pi b)` (Box and Muller), in f64, rounded to f32.

use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use splatgraph_sdk::{Error, Record, Result};

/// The first draw for layouts; the draws of textures stay below it.
pub const LAYOUT_DRAWS: u64 = 1 << 32;

/// The source of a run's noise.
#[derive(Clone, Debug)]
pub enum Noise {
    /// From seeds.
    Seeded {
        /// A seed for each picture.
        seeds: Vec<u64>,
        /// The draw of the start.
        first: u64,
    },
    /// Noise that another run used.
    Recorded(Recorded),
}

/// Recorded noise.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `[rows, C, N]`
    start: Vec<f32>,
    /// `[draws, rows, C, N]`
    steps: Vec<f32>,
    /// Number of rows: one for each picture, or two; the second half is then for the pictures without a class.
    rows: usize,
}

impl Noise {
    /// Noise for textures: picture i of a batch has the seed `seed + i`.
    pub fn seeds(seed: u64, pictures: usize) -> Self {
        Self::Seeded { seeds: (0..pictures as u64).map(|i| seed.wrapping_add(i)).collect(), first: 0 }
    }

    /// Noise for layouts: picture i of a batch has the seed `seed + i`.
    pub fn layout_seeds(seed: u64, pictures: usize) -> Self {
        Self::Seeded { seeds: (0..pictures as u64).map(|i| seed.wrapping_add(i)).collect(), first: LAYOUT_DRAWS }
    }

    /// Noise from a record with the fields `start` f32 `[B, C, N]` and, if there are draws, `steps` f32 `[S, B, C, N]`. B may
    /// be twice the number of pictures. The second half then has the same pictures without a class, as in the authors' runs,
    /// and affects only the steps of dopri5.
    ///
    /// # Errors
    /// A field is missing, has another shape, is too short, or holds numbers that are not finite.
    pub fn recorded(record: &Record, shape: [usize; 3], draws: usize) -> Result<Self> {
        let [pictures, channels, count] = shape;
        let wrong = |text: String| Error::input("noise", text);
        let field = |name: &str| {
            let tensor = record.field(name).ok_or_else(|| {
                let names: Vec<&str> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
                wrong(format!("expected recorded noise with a field `{name}`, got a record with {names:?}"))
            })?;
            let values = tensor.to_f32();
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(wrong(format!("expected finite numbers in the field `{name}`, got {value}")));
            }
            Ok((tensor.shape().to_vec(), values))
        };
        let (start_shape, start) = field("start")?;
        let rows = start_shape.first().copied().unwrap_or(0);
        if start_shape != [rows, channels, count] || (rows != pictures && rows != 2 * pictures) || rows == 0 {
            return Err(wrong(format!(
                "expected the shape {shape:?} in the field `start`, or {} rows for pictures with and without a class, got {start_shape:?}",
                2 * pictures
            )));
        }
        let (steps_shape, steps) = if draws == 0 { (Vec::new(), Vec::new()) } else { field("steps")? };
        if draws > 0 && (steps_shape.len() != 4 || steps_shape[1..] != start_shape || steps_shape[0] < draws) {
            return Err(wrong(format!(
                "expected the shape [{draws}, {rows}, {channels}, {count}] or more draws in the field `steps`, got {steps_shape:?}"
            )));
        }
        Ok(Self::Recorded(Recorded { start, steps, rows }))
    }

    /// Whether there is also noise for the pictures without a class.
    pub fn has_both_halves(&self, pictures: usize) -> bool {
        matches!(self, Self::Recorded(recorded) if recorded.rows == 2 * pictures)
    }

    /// The start of all rows, `[rows, C, N]`; `size` is C N.
    pub fn start(&self, size: usize) -> Vec<f32> {
        match self {
            Self::Seeded { seeds, first } => seeds.iter().flat_map(|seed| normal(*seed, *first, size)).collect(),
            Self::Recorded(recorded) => recorded.start.clone(),
        }
    }

    /// The noise of a step, counted from 0, for all pictures: `[pictures, C, N]`; `size` is C N.
    pub fn draw(&self, index: usize, pictures: usize, size: usize) -> Vec<f32> {
        match self {
            Self::Seeded { seeds, first } => {
                seeds.iter().flat_map(|seed| normal(*seed, first + index as u64 + 1, size)).collect()
            }
            Self::Recorded(recorded) => recorded.steps[index * recorded.rows * size..][..pictures * size].to_vec(),
        }
    }
}

/// `count` elements of a draw.
pub fn normal(seed: u64, draw: u64, count: usize) -> Vec<f32> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut stream = ChaCha8Rng::from_seed(key);
    stream.set_stream(draw);
    normal_from(&mut stream, count)
}

/// The next elements of a stream.
pub(crate) fn normal_from(stream: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    let mut upper = || (stream.next_u64() >> 11) as f64;
    let unit = 1.0 / (1u64 << 53) as f64;
    let mut pair = || {
        let (a, b) = ((upper() + 1.0) * unit, upper() * unit);
        let (radius, angle) = ((-2.0 * a.ln()).sqrt(), std::f64::consts::TAU * b);
        [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
    };
    let mut values: Vec<f32> = (0..count.div_ceil(2)).flat_map(|_| pair()).collect();
    values.truncate(count);
    values
}
