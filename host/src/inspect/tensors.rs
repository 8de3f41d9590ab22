//! Reports about records and checkpoints.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{Record, Result, Tensor, Tokens, checkpoint};

use super::Inspection;
use super::numbers::{Number, numbers};

/// The report about a record.
#[derive(Clone, Debug, Serialize)]
pub struct RecordReport {
    /// The type: `TOKENS`, `IMAGE`, ...
    #[serde(rename = "type")]
    pub type_name: String,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// For TOKENS, the bits of the file for each token that is not padding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits_per_token: Option<f64>,
    /// The header: canvas, tile, grid, ...
    pub header: Map<String, Json>,
    /// The tensors, in order.
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

/// The number of tokens that are not padding.
fn tokens(record: &Record) -> usize {
    if let Some(Ok(counts)) = record.field("counts").map(Tensor::as_slice::<i64>) {
        return counts.iter().map(|used| usize::try_from(*used).unwrap_or(0)).sum();
    }
    record.field("gaussians").map_or(0, |gaussians| gaussians.shape().iter().take(2).product())
}

/// A tensor of a record, with statistics of its numbers.
#[derive(Clone, Debug, Serialize)]
pub struct FieldReport {
    /// Name, dtype and shape.
    #[serde(flatten)]
    pub tensor: TensorReport,
    /// The smallest finite number; `None` if there is none.
    pub min: Option<f64>,
    /// The largest finite number; `None` if there is none.
    pub max: Option<f64>,
    /// The mean of all finite numbers; `None` if there is none.
    pub mean: Option<f64>,
    /// The number of NaN.
    pub nan: usize,
    /// The number of infinite numbers.
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
    /// The dtype: `f32`, `f16`, ...
    pub dtype: String,
    /// The extent along each axis.
    pub shape: Vec<usize>,
}

impl TensorReport {
    pub(super) fn of(name: &str, tensor: &Tensor) -> Self {
        Self { name: name.to_owned(), dtype: tensor.dtype().name().to_owned(), shape: tensor.shape().to_vec() }
    }
}

/// The report about the weights of a model.
#[derive(Clone, Debug, Serialize)]
pub struct CheckpointReport {
    /// The metadata of the file.
    pub metadata: BTreeMap<String, String>,
    /// All tensors, sorted by name.
    pub tensors: Vec<TensorReport>,
    /// Totals of each dtype, sorted by its name.
    pub dtypes: Vec<DtypeTotal>,
}

/// The total of all tensors with one dtype.
#[derive(Clone, Debug, Serialize)]
pub struct DtypeTotal {
    /// The dtype: `f32`, `f16`, ...
    pub dtype: String,
    /// The number of tensors.
    pub tensors: usize,
    /// The number of numbers in them.
    pub numbers: usize,
    /// The number of bytes in them.
    pub bytes: usize,
}

/// Reports about a .safetensors file. It is a record if it has a type, or fields that tell its type, and else a checkpoint.
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
    fn statistics_ignore_numbers_that_are_not_finite() {
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
