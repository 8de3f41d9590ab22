//! The numbers that a step moves: textures as they are, and gaussians in a space without bounds.
//!
//! As in the tokenizer, a sigma is the logistic function of a number, and rho, x and y are tanh of numbers (paper, section 3.3), so no step
//! leaves the canvas. On a canvas of several tiles x and y move in units of a tile.

use crate::{
    canvas::{Gaussian, grid::Grid},
    edit::token_set::TokenSet,
    splat::is_usable,
    token_file::{Bits, Steps, TokenFile},
    training::adam::{Adam, Moments},
};

/// The steps that SaveTokens takes for these pictures and bits.
///
/// # Errors
/// A number can't be put on steps. The text names it.
pub fn steps_of(pictures: &[TokenSet], bits: Bits) -> Result<Steps, String> {
    let rows = pictures.iter().map(TokenSet::len).max().unwrap_or(0);
    let mut file = TokenFile {
        batch: pictures.len(),
        tokens: rows,
        channels: pictures.first().map_or(0, |set| set.channels),
        counts: Some(pictures.iter().map(TokenSet::len).collect()),
        ..TokenFile::default()
    };
    for (set, end) in pictures.iter().zip(1..) {
        file.gaussians.extend_from_slice(set.gaussians.as_flattened());
        file.gaussians.resize(end * rows * 5, 0.0);
        file.textures.extend_from_slice(&set.textures);
        file.textures.resize(end * rows * file.channels, 0.0);
    }
    Steps::of(&file, bits)
}

/// The tokens of a picture on their way.
pub(super) struct Space<'a> {
    /// The tokens of the beginning.
    first: &'a TokenSet,
    steps: &'a Steps,
    /// The smallest and largest numbers of their groups, as token and column. They stay, so that the steps stay.
    ends: Vec<[usize; 2]>,
    textures: Vec<f32>,
    of_textures: Moments,
    /// The root mean square of the textures, the unit of their steps.
    unit: f32,
    /// The gaussians, `[N, 5]`, if they move. A number that has no place in the space, such as an x beyond the canvas, is not finite
    /// there, and stays.
    gaussians: Option<Vec<f32>>,
    of_gaussians: Moments,
    /// Columns and rows of tiles.
    tiles: [f64; 2],
}

impl<'a> Space<'a> {
    /// Tokens before the first step. `row` is the first row of the picture in its batch.
    pub(super) fn new(first: &'a TokenSet, row: usize, steps: &'a Steps, grid: Grid, geometry: bool) -> Self {
        let tiles = [grid.columns, grid.rows].map(|side| side as f64);
        let zeros = |length: usize| Moments { first: vec![0.0; length], second: vec![0.0; length] };
        let squares: f64 = first.textures.iter().map(|v| f64::from(*v).powi(2)).sum();
        let unit = (squares / first.textures.len().max(1) as f64).sqrt() as f32;
        let ends = steps.ends().filter(|[end, _]| (row..row + first.len()).contains(end));
        Self {
            first,
            steps,
            ends: ends.map(|[end, column]| [end - row, column]).collect(),
            textures: first.textures.clone(),
            of_textures: zeros(first.textures.len()),
            unit: if unit > 0.0 { unit } else { 1.0 },
            gaussians: geometry.then(|| first.gaussians.iter().flat_map(|gaussian| freed(gaussian, tiles)).collect()),
            of_gaussians: zeros(first.len() * 5),
            tiles,
        }
    }

    /// The tokens, rounded to the steps.
    pub(super) fn tokens(&self) -> TokenSet {
        let mut gaussians = self.first.gaussians.clone();
        if let Some(numbers) = &self.gaussians {
            for (gaussian, numbers) in gaussians.iter_mut().zip(numbers.as_chunks::<5>().0) {
                *gaussian = bound(gaussian, numbers, self.tiles);
            }
        }
        let mut tokens = TokenSet { gaussians, textures: self.textures.clone(), channels: self.first.channels };
        for gaussian in &mut tokens.gaussians {
            gaussian.iter_mut().enumerate().for_each(|(column, v)| *v = self.steps.rounded(column, *v));
        }
        tokens.textures.iter_mut().for_each(|v| *v = self.steps.rounded(5, *v));
        for &[token, column] in &self.ends {
            match column.checked_sub(5) {
                None => tokens.gaussians[token][column] = self.first.gaussians[token][column],
                Some(channel) => tokens.texture_mut(token)[channel] = self.first.texture(token)[channel],
            }
        }
        tokens
    }

    /// A step against the gradients at `tokens`. The gradient of a rounded number counts for the number itself (straight-through, Bengio et
    /// al. 2013).
    pub(super) fn step(
        &mut self,
        tokens: &TokenSet,
        [mut of_gaussians, mut of_textures]: [Vec<f32>; 2],
        adam: Adam,
        rates: [f32; 2],
        step: u64,
    ) {
        for &[token, column] in &self.ends {
            match column.checked_sub(5) {
                None => of_gaussians[token * 5 + column] = 0.0,
                Some(channel) => of_textures[token * tokens.channels + channel] = 0.0,
            }
        }
        let [geometry, textures] = rates;
        adam.update(&mut self.textures, &mut self.of_textures, &of_textures, textures * self.unit, step);
        if let Some(numbers) = &mut self.gaussians {
            for (gradient, gaussian) in of_gaussians.as_chunks_mut::<5>().0.iter_mut().zip(&tokens.gaussians) {
                let slopes = slopes(gaussian, self.tiles);
                gradient.iter_mut().zip(slopes).for_each(|(gradient, slope)| *gradient *= slope);
            }
            adam.update(numbers, &mut self.of_gaussians, &of_gaussians, geometry, step);
        }
    }
}

/// The numbers of a gaussian in the space without bounds.
fn freed(gaussian: &Gaussian, [columns, rows]: [f64; 2]) -> Gaussian {
    let [sigma_x, sigma_y, rho, x, y] = gaussian.map(f64::from);
    let logit = |sigma: f64| (sigma / (1.0 - sigma)).ln();
    if !is_usable(gaussian) {
        return [f32::NAN; 5];
    }
    [logit(sigma_x), logit(sigma_y), rho.atanh(), columns * x.atanh(), rows * y.atanh()].map(|v| v as f32)
}

/// The inverse of [`freed`]. Numbers that are not finite come from `first`.
fn bound(first: &Gaussian, numbers: &Gaussian, [columns, rows]: [f64; 2]) -> Gaussian {
    let [a, b, c, d, e] = numbers.map(f64::from);
    let logistic = |v: f64| 1.0 / (1.0 + (-v).exp());
    let bound = [logistic(a), logistic(b), c.tanh(), (d / columns).tanh(), (e / rows).tanh()].map(|v| v as f32);
    std::array::from_fn(|i| if numbers[i].is_finite() { bound[i] } else { first[i] })
}

/// The slopes of [`bound`] where it gives this gaussian.
fn slopes(gaussian: &Gaussian, [columns, rows]: [f64; 2]) -> Gaussian {
    let [sigma_x, sigma_y, rho, x, y] = gaussian.map(f64::from);
    let of_tanh = |v: f64| (1.0 - v * v).max(0.0);
    let of_sigma = |sigma: f64| (sigma * (1.0 - sigma)).max(0.0);
    [of_sigma(sigma_x), of_sigma(sigma_y), of_tanh(rho), of_tanh(x) / columns, of_tanh(y) / rows].map(|v| v as f32)
}
