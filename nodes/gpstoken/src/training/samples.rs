//! The samples of a generator's training: layouts, or layouts with their tokens, of random crops of each class. The training makes them
//! once, before the first step, because cutting and encoding a crop takes longer than a step of a small network.

use super::{
    classes::Classes,
    crop::random_tile,
    random::{Purpose, Random},
};
use crate::{
    canvas::TILE,
    generator::normalisation::Normalisation,
    stages::{
        encode::encode,
        generator::Kind,
        layout::{Cut, layout},
        refine::refine,
        tokenizer::Tokenizer,
    },
    tokenizer::Geometry,
};
use rayon::prelude::*;
use splatgraph_sdk::{Ctx, DType, Error, Image, Result, Tensor, checkpoint, checkpoint::Checkpoint};
use std::{collections::BTreeMap, path::Path};

/// The number of crops that the tokenizer encodes together.
const TOGETHER: usize = 8;
/// The deviation of channels that never change, such as a layout's rho. It keeps a network's error in these channels small.
const LEAST_STD: f64 = 1e-5;

/// The settings for making samples.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// The pictures.
    pub classes: &'a Classes,
    /// The total number of samples. Classes take turns.
    pub crops: usize,
    /// Number of tokens of each sample.
    pub tokens: usize,
    /// The seed of all random choices.
    pub seed: u64,
    /// The kind of data that the generator will make.
    pub kind: Kind,
    /// Makes the tokens. Without a tokenizer, samples are layouts only.
    pub tokenizer: Option<&'a Tokenizer>,
}

/// Samples in the scale of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// `[M, N, 5]`
    pub layouts: Vec<f32>,
    /// Gaussians and textures `[M, N, C]`; empty if samples are layouts only.
    pub tokens: Vec<f32>,
}

impl Making<'_> {
    /// Reads the samples from the file if it was written with the same settings. Otherwise makes the samples and writes the file.
    ///
    /// # Errors
    /// A picture is unusable, a tile can't be cut into so many regions, the run was cancelled, or the file can't be written.
    pub fn from_file(&self, path: &Path, settings: &str, ctx: &Ctx) -> Result<Rows> {
        let known = if path.exists() { checkpoint::open(path).ok() } else { None };
        if let Some(Checkpoint { metadata, tensors }) = known
            && metadata.get("settings").is_some_and(|known| known == settings)
        {
            let values = |key: &str| tensors.get(key).map_or_else(Vec::new, Tensor::to_f32);
            let rows = Rows { layouts: values("layouts"), tokens: values("tokens") };
            let whole = rows.layouts.len() == self.crops * self.tokens * 5;
            if whole && rows.tokens.is_empty() == self.tokenizer.is_none() {
                ctx.info(format!("samples from {}", path.display()));
                return Ok(rows);
            }
        }
        let rows = self.make(ctx)?;
        let tensor = |values: &[f32]| {
            let channels = values.len() / (self.crops * self.tokens);
            Tensor::from_vec([self.crops, self.tokens, channels], values.to_vec())
        };
        let mut tensors = BTreeMap::from([("layouts".to_owned(), tensor(&rows.layouts)?)]);
        if !rows.tokens.is_empty() {
            tensors.insert("tokens".to_owned(), tensor(&rows.tokens)?);
        }
        let metadata = [("settings".to_owned(), settings.to_owned())].into();
        Checkpoint { metadata, tensors }.save(path, DType::F32)?;
        Ok(rows)
    }

    /// Makes all samples. Each sample depends only on the seed, its number and the pictures.
    ///
    /// # Errors
    /// A picture is unusable, a tile can't be cut into so many regions, or the run was cancelled.
    pub fn make(&self, ctx: &Ctx) -> Result<Rows> {
        let mut rows = Rows { layouts: Vec::new(), tokens: Vec::new() };
        for first in (0..self.crops).step_by(TOGETHER) {
            ctx.progress(first, self.crops, "making samples");
            let numbers = first..(first + TOGETHER).min(self.crops);
            let tiles = numbers.clone().into_par_iter().map(|number| self.crop(number)).collect::<Result<Vec<_>>>()?;
            self.classes.pictures.new_refusals().iter().for_each(|refusal| ctx.warn(refusal));
            let image = Image::new(Tensor::from_vec([numbers.len(), TILE, TILE, 3], tiles.concat())?)?;
            let (layout, _) = layout(&image, &Cut { tokens: self.tokens, ..Cut::default() }, ctx)?;
            let gaussians = layout.gaussians.as_slice::<f32>()?;
            let orders: Vec<Vec<usize>> = match self.kind {
                Kind::Texture => vec![(0..self.tokens).collect(); numbers.len()],
                Kind::Layout | Kind::Token => gaussians.chunks_exact(self.tokens * 5).map(order).collect(),
            };
            rows.layouts.extend(in_order(gaussians, &orders, 5));
            let Some(tokenizer) = self.tokenizer else { continue };
            let features = encode(tokenizer, &image, ctx)?;
            let tokens = refine(tokenizer, features, &layout, Geometry::Refined, ctx)?.into_host()?;
            let gaussians = tokens.gaussians.as_slice::<f32>()?.chunks_exact(5);
            let textures = tokens.textures.as_slice::<f32>()?.chunks_exact(tokenizer.sizes.textures);
            let tokens = gaussians.zip(textures).flat_map(|(gaussian, texture)| [gaussian, texture].concat());
            rows.tokens.extend(in_order(&tokens.collect::<Vec<f32>>(), &orders, 5 + tokenizer.sizes.textures));
        }
        Ok(rows)
    }

    /// A random crop `[TILE, TILE, 3]` with values 0..1.
    fn crop(&self, number: usize) -> Result<Vec<f32>> {
        let Classes { pictures, ranges, .. } = self.classes;
        let mut random = Random::new(self.seed, Purpose::Crop, number as u64, 0);
        let range = &ranges[number % ranges.len()];
        let tile = random_tile(&*pictures.get_among(range, random.below(range.len()))?, &mut random);
        let planes: Vec<&[f32]> = tile.chunks_exact(TILE * TILE).collect();
        Ok((0..TILE * TILE).flat_map(|i| [0, 1, 2].map(|channel| (planes[channel][i] + 1.0) / 2.0)).collect())
    }
}

/// The order of a layout's gaussians along the curve of Morton (1966) through a quadtree, so that a place of the position embedding stands
/// for much the same part of the tile in all layouts. Calibration and textures, which come later, do not depend on the order.
fn order(layout: &[f32]) -> Vec<usize> {
    let pixel = |coordinate: f32| ((coordinate + 1.0) / 2.0 * (TILE - 1) as f32) as u32;
    let place = |[.., x, y]: &[f32; 5]| {
        let bits = |value: u32| (0..8).map(move |bit| (value >> bit & 1) << (2 * bit)).sum::<u32>();
        bits(pixel(*x)) + 2 * bits(pixel(*y))
    };
    let gaussians = layout.as_chunks::<5>().0;
    let mut order: Vec<usize> = (0..gaussians.len()).collect();
    order.sort_by_key(|index| place(&gaussians[*index]));
    order
}

/// Rows `[B, N, C]` in the order of each picture.
fn in_order(rows: &[f32], orders: &[Vec<usize>], channels: usize) -> Vec<f32> {
    let mut sorted = Vec::with_capacity(rows.len());
    let mut first = 0;
    for order in orders {
        order.iter().for_each(|index| sorted.extend(&rows[(first + index) * channels..][..channels]));
        first += order.len();
    }
    sorted
}

/// The samples of a step: `B` points on the way from noise to data, with the velocities there. Numbers are in the network's scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Channels and tokens: `C`, `N`.
    pub shape: [usize; 2],
    /// `t data + (1 - t) noise`, `[B, C, N]`.
    pub points: Vec<f32>,
    /// `data - noise`, `[B, C, N]`.
    pub velocities: Vec<f32>,
    /// The time `t` of each point.
    pub times: Vec<f32>,
    /// The class of each sample. The number of classes stands for no class.
    pub classes: Vec<usize>,
    /// The layouts `[B, N, 5]`; empty for a network that takes no layouts.
    pub layouts: Vec<f32>,
}

/// Samples in the network's scale.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Channels and tokens: `C`, `N`.
    pub shape: [usize; 2],
    /// Number of classes.
    pub classes: usize,
    /// The factors and offsets that convert the network's numbers to the data's scale.
    pub normalisation: Normalisation,
    /// `[M, C, N]`
    values: Vec<f32>,
    /// `[M, N, 5]`; empty for a generator that takes no layouts.
    layouts: Vec<f32>,
}

impl Samples {
    /// Measures means and deviations and normalises the samples with them. For a generator of textures, the first five channels are
    /// differences from the layout.
    ///
    /// # Errors
    /// A number is not finite.
    pub fn new(rows: &Rows, tokens: usize, classes: usize, kind: Kind) -> Result<Self> {
        let samples = rows.layouts.len() / (tokens * 5);
        let mut values = if kind == Kind::Layout { rows.layouts.clone() } else { rows.tokens.clone() };
        let channels = values.len() / (samples * tokens);
        if kind == Kind::Texture {
            for (row, layout) in values.chunks_exact_mut(channels).zip(rows.layouts.chunks_exact(5)) {
                row.iter_mut().zip(layout).for_each(|(value, layout)| *value -= layout);
            }
        }
        let normalisation = measured(&values, channels);
        if !normalisation.means.iter().chain(&normalisation.stds).all(|v| v.is_finite()) {
            return Err(Error::input(
                "tokenizer",
                "expected tokens with finite numbers, got tokens with numbers that are not finite. Load another tokenizer",
            ));
        }
        let Normalisation { means, stds } = &normalisation;
        let by_channel = values.par_chunks_exact(channels * tokens).flat_map_iter(|sample| {
            (0..channels).flat_map(move |c| (0..tokens).map(move |n| (sample[n * channels + c] - means[c]) / stds[c]))
        });
        let values = by_channel.collect();
        let layouts = if kind == Kind::Texture { rows.layouts.clone() } else { Vec::new() };
        Ok(Self { shape: [channels, tokens], classes, normalisation, values, layouts })
    }

    /// The samples of a step. They depend only on the seed and the step. Times are spread evenly over 0..1 and shifted at random. The
    /// part `dropout` of the samples has no class, for guidance.
    pub fn batch(&self, seed: u64, step: u64, size: usize, dropout: f32) -> Batch {
        let [channels, tokens] = self.shape;
        let count = channels * tokens;
        let layouts_of = |number: usize| match self.layouts.is_empty() {
            true => &[][..],
            false => &self.layouts[number * tokens * 5..][..tokens * 5],
        };
        let shift = Random::new(seed, Purpose::Step, step, 0).unit();
        let mut batch = Batch {
            shape: self.shape,
            points: Vec::with_capacity(size * count),
            velocities: Vec::with_capacity(size * count),
            times: Vec::new(),
            classes: Vec::new(),
            layouts: Vec::new(),
        };
        for sample in 0..size {
            let mut random = Random::new(seed, Purpose::Sample, step, sample as u32);
            let number = random.below(self.values.len() / count);
            let class = if random.unit() < f64::from(dropout) { self.classes } else { number % self.classes };
            let t = ((sample as f64 + shift) / size as f64) as f32;
            let data = &self.values[number * count..][..count];
            let noise = random.normal(count);
            batch.points.extend(data.iter().zip(&noise).map(|(data, noise)| t * data + (1.0 - t) * noise));
            batch.velocities.extend(data.iter().zip(&noise).map(|(data, noise)| data - noise));
            batch.times.push(t);
            batch.classes.push(class);
            batch.layouts.extend(layouts_of(number));
        }
        batch
    }
}

/// Mean and deviation of each channel of `[.., C]`.
fn measured(values: &[f32], channels: usize) -> Normalisation {
    let rows = (values.len() / channels) as f64;
    let mean = |of: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
        let mut sums = vec![0.0; channels];
        for row in values.chunks_exact(channels) {
            sums.iter_mut().zip(row).enumerate().for_each(|(c, (sum, v))| *sum += of(f64::from(*v), c));
        }
        sums.into_iter().map(|sum| sum / rows).collect()
    };
    let means = mean(&|v, _| v);
    let variances = mean(&|v, c| (v - means[c]).powi(2));
    Normalisation {
        means: means.iter().map(|mean| *mean as f32).collect(),
        stds: variances.iter().map(|variance| variance.sqrt().max(LEAST_STD) as f32).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_normalised_and_lines_from_noise_lead_to_them() {
        // Two classes with a sample each, of two tokens with a texture of one number.
        let rows = Rows {
            layouts: (0..20).map(|v| v as f32 / 20.0).collect(),
            tokens: (0..24).map(|v| (v * v % 17) as f32).collect(),
        };
        let samples = Samples::new(&rows, 2, 2, Kind::Texture).unwrap();
        for channel in 0..6 {
            let values: Vec<f32> = (0..2).flat_map(|m| samples.values[(m * 6 + channel) * 2..][..2].to_vec()).collect();
            let mean = values.iter().sum::<f32>() / 4.0;
            let variance = values.iter().map(|v| v * v).sum::<f32>() / 4.0;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{channel}: {mean} {variance}");
        }
        // The normalisation converts the network's expected output back to the tokens.
        let tokens = samples.normalisation.tokens(&samples.values[12..], Some(&rows.layouts[10..]));
        for (token, row) in tokens.chunks_exact(6).zip(rows.tokens[12..].chunks_exact(6)) {
            assert!(token[3..].iter().zip(&row[3..]).all(|(a, b)| (a - b).abs() < 1e-4), "{token:?} {row:?}");
        }

        let batch = samples.batch(1, 5, 8, 0.25);
        assert_eq!(batch, samples.batch(1, 5, 8, 0.25));
        assert_ne!(batch, samples.batch(1, 6, 8, 0.25));
        for (i, t) in batch.times.iter().enumerate() {
            assert!((i as f32 / 8.0..(i + 1) as f32 / 8.0).contains(t));
            let range = i * 12..(i + 1) * 12;
            let ends = batch.points[range.clone()].iter().zip(&batch.velocities[range]);
            let data: Vec<f32> = ends.map(|(point, velocity)| point + (1.0 - t) * velocity).collect();
            let sample = (0..2).find(|m| data.iter().zip(&samples.values[m * 12..]).all(|(a, b)| (a - b).abs() < 1e-4));
            let class = batch.classes[i];
            assert!(class == 2 || Some(class) == sample, "{class} {sample:?}");
            assert_eq!(batch.layouts[i * 10..][..10], rows.layouts[sample.unwrap() * 10..][..10]);
        }
        let without = (0..200).flat_map(|step| samples.batch(1, step, 8, 0.25).classes).filter(|class| *class == 2);
        let part = without.count() as f32 / 1600.0;
        assert!((part - 0.25).abs() < 0.04, "{part}");

        // In one stage the tokens themselves are learned, and the network takes no layouts.
        let samples = Samples::new(&rows, 2, 2, Kind::Token).unwrap();
        let tokens = samples.normalisation.tokens(&samples.values[12..], None);
        for (token, row) in tokens.chunks_exact(6).zip(rows.tokens[12..].chunks_exact(6)) {
            assert!(token[3..].iter().zip(&row[3..]).all(|(a, b)| (a - b).abs() < 1e-4), "{token:?} {row:?}");
        }
        assert!(samples.batch(1, 5, 8, 0.25).layouts.is_empty());
    }

    #[test]
    fn layouts_are_sorted_in_the_order_of_a_quadtree() {
        let row = |x: f32, y: f32| [0.1, 0.1, 0.0, x, y];
        let quarters = [row(0.5, 0.5), row(-0.5, 0.5), row(0.5, -0.5), row(-0.25, -0.75), row(-0.75, -0.75)];
        assert_eq!(order(&quarters.concat()), [4, 3, 2, 1, 0]);
        // Two pictures of two tokens with one number each.
        assert_eq!(in_order(&[1.0, 2.0, 3.0, 4.0], &[vec![1, 0], vec![0, 1]], 1), [2.0, 1.0, 3.0, 4.0]);
    }
}
