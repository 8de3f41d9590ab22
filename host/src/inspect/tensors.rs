//! Records and checkpoints.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{Record, Result, Tensor, Tokens, checkpoint};

use super::Inspection;
use super::numbers::{Number, numbers};

/// A record.
#[derive(Clone, Debug, Serialize)]
pub struct RecordReport {
    /// `TOKENS`, `IMAGE`, ...
    #[serde(rename = "type")]
    pub type_name: String,
    /// The file's size.
    pub bytes: u64,
    /// Of TOKENS: the file's bits for each token that is no padding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits_per_token: Option<f64>,
    /// Canvas, tile, grid, ...
    pub header: Map<String, Json>,
    /// Its tensors, in order.
    pub fields: Vec<FieldReport>,
}

impl RecordReport {
    pub(super) fn of(record: &Record, path: &Path) -> std::io::Result<Self> {
        let bytes = path.metadata()?.len();
        let tokens = if record.type_name == Tokens::TYPE { tokens(record) } else { 0 };
        Ok(Self {
            type_name: record.type_name.clone(),
            bytes,
            bits_per_token: (tokens > 0).then(|| bytes as f64 * 8.0 / tokens as f64),
            header: record.header.clone(),
            fields: record.fields.iter().map(|(name, tensor)| FieldReport::of(name, tensor)).collect(),
        })
    }
}

/// How many tokens are used.
fn tokens(record: &Record) -> usize {
    if let Some(Ok(counts)) = record.field("counts").map(Tensor::as_slice::<i64>) {
        return counts.iter().map(|used| usize::try_from(*used).unwrap_or(0)).sum();
    }
    record.field("gaussians").map_or(0, |gaussians| gaussians.shape().iter().take(2).product())
}

/// A tensor of a record, with what its numbers are like.
#[derive(Clone, Debug, Serialize)]
pub struct FieldReport {
    /// Name, dtype and shape.
    #[serde(flatten)]
    pub tensor: TensorReport,
    /// The smallest finite number; `None` when there is none.
    pub min: Option<f64>,
    /// The largest finite number.
    pub max: Option<f64>,
    /// The mean of all finite numbers.
    pub mean: Option<f64>,
    /// How many are not a number.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
}

impl FieldReport {
    pub(crate) fn of(name: &str, tensor: &Tensor) -> Self {
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sum, mut finite, mut nan, mut infinite) = (0.0, 0usize, 0, 0);
        for number in numbers(tensor).map(Number::as_f64) {
            if number.is_finite() {
                min = min.min(number);
                max = max.max(number);
                sum += number;
                finite += 1;
            } else if number.is_nan() {
                nan += 1;
            } else {
                infinite += 1;
            }
        }
        let some = |number: f64| (finite > 0).then_some(number);
        let mean = some(sum / finite as f64);
        Self { tensor: TensorReport::of(name, tensor), min: some(min), max: some(max), mean, nan, infinite }
    }
}

/// A tensor.
#[derive(Clone, Debug, Serialize)]
pub struct TensorReport {
    /// Its name.
    pub name: String,
    /// `f32`, `f16`, ...
    pub dtype: String,
    /// Its extent along each dimension.
    pub shape: Vec<usize>,
}

impl TensorReport {
    pub(super) fn of(name: &str, tensor: &Tensor) -> Self {
        Self { name: name.to_owned(), dtype: tensor.dtype().name().to_owned(), shape: tensor.shape().to_vec() }
    }
}

/// The weights of a model.
#[derive(Clone, Debug, Serialize)]
pub struct CheckpointReport {
    /// The file's metadata.
    pub metadata: BTreeMap<String, String>,
    /// All tensors, sorted by name.
    pub tensors: Vec<TensorReport>,
    /// Totals of each dtype, sorted by its name.
    pub dtypes: Vec<DtypeTotal>,
}

/// All tensors of one dtype together.
#[derive(Clone, Debug, Serialize)]
pub struct DtypeTotal {
    /// `f32`, `f16`, ...
    pub dtype: String,
    /// How many tensors.
    pub tensors: usize,
    /// How many numbers in them.
    pub numbers: usize,
    /// How many bytes these take.
    pub bytes: usize,
}

/// A file with a record's type is a record; without one, its fields may tell; all else is a checkpoint.
pub(super) fn safetensors(path: &Path) -> Result<Inspection> {
    let record = Record::load(path)?;
    if record.type_name.is_empty() {
        drop(record);
        return Ok(Inspection::Checkpoint(checkpoint(path)?));
    }
    Ok(Inspection::Record(RecordReport::of(&record, path)?))
}

pub(super) fn checkpoint(path: &Path) -> Result<CheckpointReport> {
    let checkpoint = checkpoint::open(path)?;
    let mut totals: BTreeMap<&str, DtypeTotal> = BTreeMap::new();
    for tensor in checkpoint.tensors.values() {
        let dtype = tensor.dtype().name();
        let empty = DtypeTotal { dtype: dtype.to_owned(), tensors: 0, numbers: 0, bytes: 0 };
        let total = totals.entry(dtype).or_insert(empty);
        total.tensors += 1;
        total.numbers += tensor.len();
        total.bytes += tensor.bytes().len();
    }
    Ok(CheckpointReport {
        tensors: checkpoint.tensors.iter().map(|(name, tensor)| TensorReport::of(name, tensor)).collect(),
        dtypes: totals.into_values().collect(),
        metadata: checkpoint.metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_summed_up_without_those_that_are_not_finite() {
        let tensor = Tensor::from_vec([5], vec![1.0f32, f32::NAN, -2.0, 4.0, f32::NEG_INFINITY]).unwrap();
        let report = FieldReport::of("x", &tensor);
        assert_eq!((report.min, report.max, report.mean), (Some(-2.0), Some(4.0), Some(1.0)));
        assert_eq!((report.nan, report.infinite), (1, 1));
        let nothing = FieldReport::of("x", &Tensor::from_vec([0], Vec::<f32>::new()).unwrap());
        assert_eq!((nothing.min, nothing.mean, nothing.nan), (None, None, 0));
        let whole = FieldReport::of("x", &Tensor::from_vec([2], vec![i64::MIN, 4]).unwrap());
        assert_eq!((whole.min, whole.max), (Some(i64::MIN as f64), Some(4.0)));
    }
}
