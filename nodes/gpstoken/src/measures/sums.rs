//! Exact sums of features: the same bits for any order and any split into parts.

use crate::kernels::{cpu::Level, integers::add_products};
use rayon::prelude::*;
use splatgraph_sdk::{Error, Result, Tensor};

/// A feature is counted in units of 2^-20, a millionth, and is below 2048 (usual ones are below 100), so it fits 32 bits.
const UNIT: f64 = (1_u64 << 20) as f64;
const LIMIT: f32 = 2048.0;

/// With this many pictures of the largest features the sums still fit.
const MOST: u64 = 1 << 32;

/// The most pictures that are added at a time.
const ROWS: usize = 64;

/// Sums over pictures of features and of their products, in units of 2^-20 and 2^-40.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Number of pictures.
    pub count: u64,
    /// `[D]`
    sums: Vec<i128>,
    /// The upper triangle of `[D, D]`, row by row.
    products: Vec<i128>,
}

impl Sums {
    /// Sums over no pictures.
    pub fn new(width: usize) -> Self {
        Self { count: 0, sums: vec![0; width], products: vec![0; width * (width + 1) / 2] }
    }

    /// Number of features of a picture.
    pub fn width(&self) -> usize {
        self.sums.len()
    }

    /// Adds pictures: `[pictures, D]`.
    ///
    /// # Errors
    /// A feature is not finite or too large, or there are too many pictures.
    pub fn add(&mut self, features: &[f32]) -> Result<()> {
        let width = self.width();
        if let Some(value) = features.iter().find(|value| value.is_nan() || value.abs() >= LIMIT) {
            return Err(Error::new(format!("expected features below {LIMIT}, got {value}")));
        }
        self.count_more((features.len() / width.max(1)) as u64)?;
        let whole: Vec<i32> = features.iter().map(|value| (f64::from(*value) * UNIT).round() as i32).collect();
        let largest = whole.iter().map(|value| u64::from(value.unsigned_abs())).max().unwrap_or(0).max(1);
        // Sums over the pictures of a block stay below 2^63.
        let rows = usize::try_from((i64::MAX as u64) / (largest * largest)).map_or(ROWS, |rows| rows.clamp(1, ROWS));
        for block in whole.chunks(rows * width.max(1)) {
            self.add_block(block);
        }
        Ok(())
    }

    fn add_block(&mut self, block: &[i32]) {
        let width = self.width();
        let rows = block.len() / width;
        // [D, rows], so that the numbers of a feature are adjacent.
        let mut columns = vec![0; block.len()];
        for (row, features) in block.chunks_exact(width).enumerate() {
            features.iter().enumerate().for_each(|(column, value)| columns[column * rows + row] = *value);
        }
        for (sum, column) in self.sums.iter_mut().zip(columns.chunks_exact(rows)) {
            *sum += column.iter().map(|value| i128::from(*value)).sum::<i128>();
        }
        let mut lines = Vec::with_capacity(width);
        let mut rest = &mut self.products[..];
        for i in 0..width {
            let (line, after) = rest.split_at_mut(width - i);
            lines.push((i, line));
            rest = after;
        }
        let level = Level::best();
        lines.into_par_iter().for_each(|(i, line)| add_products(level, &columns[i * rows..], rows, line));
    }

    /// Adds the sums over other pictures.
    ///
    /// # Errors
    /// The numbers of features differ, or there are too many pictures.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.width() != other.width() {
            return Err(Error::new(format!("expected {} features, got {}", self.width(), other.width())));
        }
        self.count_more(other.count)?;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
        self.products.iter_mut().zip(&other.products).for_each(|(sum, other)| *sum += other);
        Ok(())
    }

    fn count_more(&mut self, pictures: u64) -> Result<()> {
        let count = self.count.checked_add(pictures).filter(|count| *count <= MOST);
        self.count = count.ok_or_else(|| Error::new(format!("expected at most {MOST} pictures, got more")))?;
        Ok(())
    }

    /// The mean `[D]` and the covariance `[D, D]`, which divides by the count less one.
    pub fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        let (width, count) = (self.width(), i128::from(self.count));
        let mean = self.sums.iter().map(|sum| *sum as f64 / UNIT / count as f64).collect();
        let mut covariance = vec![0.0; width * width];
        let divisor = (count * (count - 1)).max(1) as f64 * UNIT * UNIT;
        let mut products = self.products.iter();
        for i in 0..width {
            for (j, product) in (i..width).zip(&mut products) {
                // Exact until the division: count * sum(x y) - sum(x) sum(y).
                let value = (count * product - self.sums[i] * self.sums[j]) as f64 / divisor;
                covariance[i * width + j] = value;
                covariance[j * width + i] = value;
            }
        }
        (mean, covariance)
    }

    /// The sums as tensors of a record: `[D, 2]` and `[D (D + 1) / 2, 2]`, the upper and the lower 64 bits of each number.
    pub fn to_tensors(&self) -> Result<[Tensor; 2]> {
        let halves = |numbers: &[i128]| {
            let halves = numbers.iter().flat_map(|number| [(number >> 64) as i64, *number as i64]).collect();
            Tensor::from_vec([numbers.len(), 2], halves)
        };
        Ok([halves(&self.sums)?, halves(&self.products)?])
    }

    /// Reads the tensors of [`Sums::to_tensors`].
    ///
    /// # Errors
    /// The shapes do not belong together, or a number is larger than sums can be.
    pub fn from_tensors(count: u64, [sums, products]: [&Tensor; 2]) -> Result<Self> {
        let whole = |tensor: &Tensor| -> Result<Vec<i128>> {
            let [_, _] = tensor.dims()?;
            let halves = tensor.as_slice::<i64>()?.as_chunks::<2>().0.iter();
            Ok(halves.map(|[upper, lower]| i128::from(*upper) << 64 | i128::from(*lower as u64)).collect())
        };
        let (sums, products) = (whole(sums)?, whole(products)?);
        let largest = f64::from(LIMIT) * UNIT * count as f64;
        let fits = count <= MOST
            && sums.iter().all(|sum| sum.unsigned_abs() as f64 <= largest)
            && products.iter().all(|product| product.unsigned_abs() as f64 <= largest * f64::from(LIMIT) * UNIT);
        if products.len() != sums.len() * (sums.len() + 1) / 2 || !fits {
            return Err(Error::new(format!(
                "expected sums over {count} pictures of D features, [D, 2], and of their products, [D (D + 1) / 2, 2], got {} and {} numbers, or numbers that are too large",
                sums.len(),
                products.len()
            )));
        }
        Ok(Self { count, sums, products })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(count: usize, width: usize) -> Vec<f32> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 * 3.0
        };
        (0..count * width).map(|_| next()).collect()
    }

    #[test]
    fn moments_are_those_of_the_plain_form() {
        let (count, width) = (77, 5);
        let values = features(count, width);
        let mut sums = Sums::new(width);
        sums.add(&values).unwrap();
        let (mean, covariance) = sums.moments();
        let column = |i: usize| values.iter().skip(i).step_by(width).map(|v| f64::from(*v));
        for i in 0..width {
            assert!((mean[i] - column(i).sum::<f64>() / count as f64).abs() < 1e-6);
            for j in 0..width {
                let centred = column(i).zip(column(j)).map(|(a, b)| (a - mean[i]) * (b - mean[j]));
                let expected = centred.sum::<f64>() / (count - 1) as f64;
                assert!((covariance[i * width + j] - expected).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn any_order_and_split_gives_the_same_sums() {
        let (count, width) = (130, 6);
        let values = features(count, width);
        let mut whole = Sums::new(width);
        whole.add(&values).unwrap();
        for parts in [1, 3, 16, 130] {
            let mut merged = Sums::new(width);
            let rows = count.div_ceil(parts) * width;
            for part in values.chunks(rows).rev() {
                let mut sums = Sums::new(width);
                sums.add(part).unwrap();
                let [a, b] = sums.to_tensors().unwrap();
                merged.merge(&Sums::from_tensors(sums.count, [&a, &b]).unwrap()).unwrap();
            }
            assert_eq!(merged, whole, "{parts} parts");
        }
    }

    #[test]
    fn the_largest_features_do_not_overflow() {
        let mut sums = Sums::new(2);
        sums.add(&[2047.9, -2047.9, 2047.9, -2047.9]).unwrap();
        let one = sums.clone();
        for _ in 0..31 {
            let again = sums.clone();
            if sums.merge(&again).is_err() {
                break;
            }
        }
        assert_eq!(sums.count, MOST);
        assert!(sums.merge(&one).is_err());
        let (mean, covariance) = sums.moments();
        assert!(
            (mean[0] - 2047.9).abs() < 1e-3 && covariance.iter().all(|v| v.abs() < 1e-3),
            "{mean:?} {covariance:?}"
        );
        for bad in [f32::NAN, f32::INFINITY, 2048.0] {
            assert!(Sums::new(1).add(&[bad]).is_err());
        }
    }
}
