//! Token files (`.gpst`): tokens in as few bytes as they need. `FORMAT.md` describes every byte.
//!
//! This module uses neither the SDK nor burn, so the reader can be fuzzed and used without them.

mod coding;
mod read;
mod steps;
mod write;

pub use read::decode;
pub use steps::Steps;
pub use write::encode;

/// The first bytes of a file.
pub const MAGIC: [u8; 4] = *b"GPST";
/// The version that this program writes, and the newest that it reads.
pub const VERSION: u8 = 1;
/// The length of the shortest file: magic, version, flags, bits and the checksum.
const SHORTEST: usize = 14;
/// The count of numbers in a gaussian: sigma_x, sigma_y, rho, x, y.
const GEOMETRY: usize = 5;

/// The flags say which optional fields follow the numbers that every header has.
mod flag {
    pub(super) const COUNTS: u8 = 1;
    pub(super) const MAP: u8 = 2;
    pub(super) const SUPPORT: u8 = 4;
    pub(super) const MODEL: u8 = 8;
    pub(super) const ALL: u8 = COUNTS | MAP | SUPPORT | MODEL;
}

/// Tokens and their header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenFile {
    /// Pictures.
    pub batch: usize,
    /// Rows of each picture.
    pub tokens: usize,
    /// Numbers of a texture.
    pub channels: usize,
    /// [batch, tokens, 5]: sigma_x, sigma_y, rho, x, y
    pub gaussians: Vec<f32>,
    /// [batch, tokens, channels]
    pub textures: Vec<f32>,
    /// `[batch]`: number of used rows. The rows after them are padding, which is not stored and comes back as zeros.
    pub counts: Option<Vec<usize>>,
    /// Width and height of the picture.
    pub canvas: [u32; 2],
    /// Side of a tile in pixels.
    pub tile: u32,
    /// Tiles across and down.
    pub grid: [u32; 2],
    /// Width and height of a tile's feature map.
    pub map: Option<[u32; 2]>,
    /// How many sigmas a gaussian reaches.
    pub support: Option<f32>,
    /// Hash or name of the model that made the textures.
    pub model: Option<String>,
}

/// How many bits each number of a group gets, 1 to [`Bits::MOST`]; 0 stores them exactly, as f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// x and y.
    pub position: u8,
    /// The logarithms of sigma_x and sigma_y.
    pub size: u8,
    /// The correlation of x and y.
    pub rho: u8,
    /// Textures.
    pub texture: u8,
}

impl Bits {
    /// The most bits of a number that is not stored exactly.
    pub const MOST: u8 = 16;
    /// Stores everything exactly.
    pub const EXACT: Self = Self { position: 0, size: 0, rho: 0, texture: 0 };
}

/// A group of numbers that share their bits and their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Position,
    Size,
    Rho,
    Texture,
}

impl Group {
    /// All groups in the order of the file.
    const ALL: [Self; 4] = [Self::Position, Self::Size, Self::Rho, Self::Texture];

    fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Size => "size",
            Self::Rho => "rho",
            Self::Texture => "texture",
        }
    }

    fn bits(self, bits: Bits) -> u8 {
        match self {
            Self::Position => bits.position,
            Self::Size => bits.size,
            Self::Rho => bits.rho,
            Self::Texture => bits.texture,
        }
    }

    /// The numbers of a token that belong to the group, counted over gaussian and texture.
    fn columns(self, channels: usize) -> std::ops::Range<usize> {
        match self {
            Self::Position => 3..5,
            Self::Size => 0..2,
            Self::Rho => 2..3,
            Self::Texture => GEOMETRY..GEOMETRY + channels,
        }
    }

    /// The group of a number of a token, counted over gaussian and texture.
    fn of_column(column: usize) -> Self {
        match column {
            0 | 1 => Self::Size,
            2 => Self::Rho,
            3 | 4 => Self::Position,
            _ => Self::Texture,
        }
    }

    /// The value that is rounded to equal steps instead of a number.
    fn scaled(self, number: f32) -> f64 {
        let number = f64::from(number);
        if self == Self::Size { number.ln() } else { number }
    }

    /// The inverse of [`Group::scaled`].
    fn unscaled(self, scaled: f64) -> f32 {
        if self != Self::Size {
            return scaled as f32;
        }
        // The logarithm was rounded, so the logarithm of the largest f32 may lead beyond it.
        scaled.exp().clamp(f64::from(f32::from_bits(1)), f64::from(f32::MAX)) as f32
    }
}

impl TokenFile {
    /// The number of used rows of each picture.
    fn used(&self) -> Vec<usize> {
        self.counts.clone().unwrap_or_else(|| vec![self.tokens; self.batch])
    }

    /// One number of a token; see [`Group::columns`].
    fn number(&self, row: usize, column: usize) -> f32 {
        match column.checked_sub(GEOMETRY) {
            None => self.gaussians[row * GEOMETRY + column],
            Some(channel) => self.textures[row * self.channels + channel],
        }
    }

    fn number_mut(&mut self, row: usize, column: usize) -> &mut f32 {
        match column.checked_sub(GEOMETRY) {
            None => &mut self.gaussians[row * GEOMETRY + column],
            Some(channel) => &mut self.textures[row * self.channels + channel],
        }
    }

    /// The rows that are stored, in order.
    fn rows(&self) -> Vec<usize> {
        let pictures = self.used().into_iter().enumerate();
        pictures.flat_map(|(picture, used)| picture * self.tokens..picture * self.tokens + used).collect()
    }
}

/// How many numbers a file of this many bytes may hold, padding included. The coder makes fewer than 360 numbers of a byte,
/// so only tokens that are nearly all padding, or millions of equal tokens, come near. Without the limit a forged header
/// could ask for any amount of memory.
fn most_numbers(bytes: usize) -> usize {
    (1 << 20) + bytes.saturating_mul(512)
}

/// A number of things: `1 picture`, `2 pictures`. A twin of `names::counted`, as this module uses nothing of the pack.
fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The count of numbers in all tokens, padding included.
fn numbers(batch: usize, tokens: usize, channels: usize) -> Option<usize> {
    batch.checked_mul(tokens)?.checked_mul(channels.checked_add(GEOMETRY)?)
}
