//! Records and checkpoints.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{DType, Record, Result, Tensor, checkpoint};

use super::Inspection;

/// A record.
#[derive(Clone, Debug, Serialize)]
pub struct RecordReport {
    /// `TOKENS`, `IMAGE`, ...
    #[serde(rename = "type")]
    pub type_name: String,
    /// Canvas, tile, grid, ...
    pub header: Map<String, Json>,
    /// Its tensors, in order.
    pub fields: Vec<FieldReport>,
}

/// A tensor of a record, with what its numbers are like.
#[derive(Clone, Debug, Serialize)]
pub struct FieldReport {
    /// Name, dtype and shape.
    #[serde(flatten)]
    pub tensor: TensorReport,
    /// The smallest number; `None` when there is none.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The mean of all numbers.
    pub mean: Option<f64>,
    /// How many are not a number; these count for none of the others.
    pub nan: usize,
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
    fn of(name: &str, tensor: &Tensor) -> Self {
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
    let fields = record.fields.iter().map(|(name, tensor)| field(name, tensor)).collect();
    Ok(Inspection::Record(RecordReport { type_name: record.type_name, header: record.header, fields }))
}

fn field(name: &str, tensor: &Tensor) -> FieldReport {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut sum, mut nan) = (0.0, 0);
    let numbers = numbers(tensor);
    for &number in &numbers {
        if number.is_nan() {
            nan += 1;
        } else {
            min = min.min(number);
            max = max.max(number);
            sum += number;
        }
    }
    let counted = numbers.len() - nan;
    let some = |number: f64| (counted > 0).then_some(number);
    FieldReport {
        tensor: TensorReport::of(name, tensor),
        min: some(min),
        max: some(max),
        mean: some(sum / counted as f64),
        nan,
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    let wide = match tensor.dtype() {
        DType::F64 => tensor.as_slice::<f64>().map(<[f64]>::to_vec),
        DType::I64 => tensor.as_slice::<i64>().map(|numbers| numbers.iter().map(|&n| n as f64).collect()),
        _ => Ok(tensor.to_f32().into_iter().map(f64::from).collect()),
    };
    // The dtype was asked for, so the slice has it.
    wide.unwrap_or_default()
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
    fn numbers_are_summed_up_without_those_that_are_none() {
        let tensor = Tensor::from_vec([4], vec![1.0f32, f32::NAN, -2.0, 4.0]).unwrap();
        let report = field("x", &tensor);
        assert_eq!((report.min, report.max, report.mean, report.nan), (Some(-2.0), Some(4.0), Some(1.0), 1));
        let nothing = field("x", &Tensor::from_vec([0], Vec::<f32>::new()).unwrap());
        assert_eq!((nothing.min, nothing.mean, nothing.nan), (None, None, 0));
    }
}
