//! The record of statistics from which Fréchet distances are computed.

use super::{
    convention::{Convention, Source},
    features::{ImageFeatures, kind},
    numpy_file::{NumpyFile, to_npz},
    sums::Sums,
};
use splatgraph_sdk::{Error, Input, Output, Record, Result, Tensor, Value, socket::Socket};
use std::{fs::File, io::BufReader, path::Path};

/// Mean and covariance of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `[D]`
    pub mean: Vec<f64>,
    /// `[D, D]`
    pub covariance: Vec<f64>,
}

/// Statistics of one kind of features: exact sums, which can be merged, or only the moments, as files of other programs have them.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Exact sums.
    Sums(Sums),
    /// Mean and covariance.
    Moments(Moments),
}

impl Part {
    /// Mean and covariance.
    pub fn moments(&self) -> Moments {
        match self {
            Self::Sums(sums) => {
                let (mean, covariance) = sums.moments();
                Moments { mean, covariance }
            }
            Self::Moments(moments) => moments.clone(),
        }
    }
}

/// Statistics of the features of a set of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Where the features come from.
    pub source: Source,
    /// Number of pictures, if known.
    pub count: Option<u64>,
    /// Of the features for FID.
    pub pool: Part,
    /// Of the features for sFID; `None` if a file of another program has none.
    pub spatial: Option<Part>,
}

impl Statistics {
    /// The type's name in graphs.
    pub const TYPE: &'static str = "FEATURE_STATISTICS";

    /// The statistics of features.
    ///
    /// # Errors
    /// A feature is too large.
    pub fn of(features: &ImageFeatures) -> Result<Self> {
        let sums = |tensor: &Tensor| -> Result<Part> {
            let mut sums = Sums::new(tensor.shape()[1]);
            sums.add(tensor.as_slice::<f32>()?)?;
            Ok(Part::Sums(sums))
        };
        Ok(Self {
            source: features.source.clone(),
            count: Some(features.count() as u64),
            pool: sums(&features.pool)?,
            spatial: Some(sums(&features.spatial)?),
        })
    }

    /// Adds other pictures with their features.
    ///
    /// # Errors
    /// The sources differ, or the statistics have no sums.
    pub fn add(&mut self, features: &ImageFeatures, input: &str) -> Result<()> {
        self.source.check_same(&features.source, input)?;
        for (part, tensor) in [(Some(&mut self.pool), &features.pool), (self.spatial.as_mut(), &features.spatial)] {
            let Some(Part::Sums(sums)) = part else { return Err(no_sums(input)) };
            if sums.width() != tensor.shape()[1] {
                let message = format!("expected {} features of each picture, got {}", sums.width(), tensor.shape()[1]);
                return Err(Error::input(input, message));
            }
            sums.add(tensor.as_slice::<f32>()?)?;
        }
        self.count = self.count.map(|count| count + features.count() as u64);
        Ok(())
    }

    /// Adds the statistics of other pictures.
    ///
    /// # Errors
    /// The sources differ, or one of both has no sums.
    pub fn merge(&mut self, other: &Self, input: &str) -> Result<()> {
        self.source.check_same(&other.source, input)?;
        for (part, other) in
            [(Some(&mut self.pool), Some(&other.pool)), (self.spatial.as_mut(), other.spatial.as_ref())]
        {
            let (Some(Part::Sums(sums)), Some(Part::Sums(other))) = (part, other) else { return Err(no_sums(input)) };
            sums.merge(other).map_err(|e| e.blame(input))?;
        }
        self.count = self.count.zip(other.count).map(|(a, b)| a + b);
        Ok(())
    }

    /// Reads a record.
    ///
    /// # Errors
    /// A field is missing or unusable.
    pub fn from_record(mut record: Record) -> Result<Self> {
        if record.type_name != Self::TYPE {
            return Err(Error::new(format!("expected {}, got {}", Self::TYPE, kind(&record.type_name))));
        }
        let source = Source::from_header(&record.header)?;
        let count = record.header.get("pictures").and_then(|count| count.as_u64());
        let pool = part_of(&mut record, "pool", count)?;
        let has_spatial = record.fields.iter().any(|(name, _)| name.starts_with("spatial_"));
        let spatial = if has_spatial { Some(part_of(&mut record, "spatial", count)?) } else { None };
        Ok(Self { source, count, pool, spatial })
    }

    /// Converts to a record.
    ///
    /// # Errors
    /// None; the tensors have the right shapes.
    pub fn into_record(self) -> Result<Record> {
        let header = self.source.with_pictures(self.count);
        let mut fields = Vec::new();
        for (name, part) in [("pool", Some(self.pool)), ("spatial", self.spatial)] {
            match part {
                None => {}
                Some(Part::Sums(sums)) => {
                    let [sums, products] = sums.to_tensors()?;
                    fields.extend([(format!("{name}_sums"), sums), (format!("{name}_products"), products)]);
                }
                Some(Part::Moments(Moments { mean, covariance })) => {
                    let width = mean.len();
                    fields.extend([
                        (format!("{name}_mean"), Tensor::from_vec([width], mean)?),
                        (format!("{name}_covariance"), Tensor::from_vec([width, width], covariance)?),
                    ]);
                }
            }
        }
        Ok(Record { type_name: Self::TYPE.to_owned(), header, fields })
    }

    /// Reads a file of another program: `mu` and `sigma`, and ADM's `mu_s` and `sigma_s` for sFID. The file says nothing about its source.
    ///
    /// # Errors
    /// The file cannot be read, or an array is missing or unusable.
    pub fn from_npz(path: &Path, convention: Convention) -> Result<Self> {
        let mut file = NumpyFile::open(BufReader::new(File::open(path)?))?;
        let mut moments = |mean: &str, covariance: &str| -> Result<Option<Part>> {
            let Some(mean) = file.array(mean)? else { return Ok(None) };
            let Some(covariance) = file.array(covariance)? else { return Ok(None) };
            Ok(Some(Part::Moments(Moments::from_tensors(&mean, &covariance)?)))
        };
        let (pool, spatial) = (moments("mu", "sigma")?, moments("mu_s", "sigma_s")?);
        let pool = pool.ok_or_else(|| {
            let names = file.names().join(", ");
            let also = if file.names().iter().any(|name| name == "arr_0") {
                ". A file with pictures alone (arr_0) has no statistics: measure its pictures"
            } else {
                ""
            };
            Error::new(format!("expected the arrays `mu` and `sigma`, got {names}{also}"))
        })?;
        Ok(Self { source: Source { convention, network: None, weights: None }, count: None, pool, spatial })
    }

    /// The content of an .npz file that ADM's evaluator, pytorch-fid and clean-fid read: `mu`, `sigma`, and `mu_s`, `sigma_s` if there are
    /// spatial features.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_npz(&self) -> Result<Vec<u8>> {
        let all = [("mu", "sigma", Some(&self.pool)), ("mu_s", "sigma_s", self.spatial.as_ref())];
        let all: Vec<(&str, &str, Moments)> =
            all.into_iter().filter_map(|(mean, covariance, part)| Some((mean, covariance, part?.moments()))).collect();
        let widths: Vec<[usize; 2]> = all.iter().map(|(.., moments)| [moments.mean.len(); 2]).collect();
        let arrays: Vec<(&str, &[usize], &[f64])> = all
            .iter()
            .zip(&widths)
            .flat_map(|((mean, covariance, moments), width)| {
                [(*mean, &width[..1], &moments.mean[..]), (*covariance, &width[..], &moments.covariance[..])]
            })
            .collect();
        to_npz(&arrays)
    }

    /// The facts that a result carries: its source and the number of pictures.
    pub fn facts(&self) -> serde_json::Value {
        self.source.with_pictures(self.count).into()
    }
}

/// Takes the fields of one kind of features out of a record.
fn part_of(record: &mut Record, name: &str, count: Option<u64>) -> Result<Part> {
    if record.field(&format!("{name}_sums")).is_some() {
        let [sums, products] = [record.take(&format!("{name}_sums"))?, record.take(&format!("{name}_products"))?];
        let count = count.ok_or_else(|| Error::new("expected the number of `pictures` in the header, got none"))?;
        return Ok(Part::Sums(Sums::from_tensors(count, [&sums, &products])?));
    }
    let [mean, covariance] = [record.take(&format!("{name}_mean"))?, record.take(&format!("{name}_covariance"))?];
    Moments::from_tensors(&mean, &covariance).map(Part::Moments)
}

fn no_sums(input: &str) -> Error {
    Error::input(
        input,
        "expected statistics that this pack made from features, which have exact sums, got means and covariances alone. They cannot be merged",
    )
}

impl Moments {
    /// Reads the mean `[D]` and the covariance `[D, D]`, f32 or f64.
    ///
    /// # Errors
    /// The shapes do not belong together, or a number is not finite.
    pub fn from_tensors(mean: &Tensor, covariance: &Tensor) -> Result<Self> {
        let numbers = |tensor: &Tensor| match tensor.as_slice::<f64>() {
            Ok(values) => values.to_vec(),
            Err(_) => tensor.to_f32().into_iter().map(f64::from).collect(),
        };
        let fits = matches!((mean.shape(), covariance.shape()), (&[d], &[rows, columns]) if d == rows && d == columns && d > 0);
        let moments = Self { mean: numbers(mean), covariance: numbers(covariance) };
        if !fits || moments.mean.iter().chain(&moments.covariance).any(|value| !value.is_finite()) {
            return Err(Error::new(format!(
                "expected a mean [D] and a covariance [D, D] of finite numbers, got the shapes {:?} and {:?}, or NaN or infinity in them",
                mean.shape(),
                covariance.shape()
            )));
        }
        Ok(moments)
    }
}

impl Socket for Statistics {
    fn socket() -> String {
        Self::TYPE.to_owned()
    }
}

impl Input for Statistics {
    fn from_value(value: &Value) -> Result<Self> {
        Self::from_record(Record::from_value(value)?)
    }
}

impl Output for Statistics {
    fn into_value(self) -> Result<Value> {
        Ok(self.into_record()?.into_value())
    }
}
