//! Compares two records or checkpoints.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{Record, Tensor, checkpoint};

use crate::{formats, registry::Registry};

use super::numbers::{Number, numbers};
use super::{InspectError, TensorReport, is_checkpoint, is_safetensors, start_of};

/// The comparison of two files, field by field.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The type of each file: the type of a record, or `checkpoint`.
    pub types: [String; 2],
    /// The differences of their headers, or of the metadata of checkpoints.
    pub header: Vec<HeaderDifference>,
    /// The fields of the first file in its order, then the fields that only the second file has.
    pub fields: Vec<FieldComparison>,
}

/// A key in the headers with different values.
#[derive(Clone, Debug, Serialize)]
pub struct HeaderDifference {
    /// The key.
    pub key: String,
    /// The value in the first file.
    pub a: Option<Json>,
    /// The value in the second file.
    pub b: Option<Json>,
}

/// A field of one file or of both.
#[derive(Clone, Debug, Serialize)]
pub struct FieldComparison {
    /// Its name.
    pub name: String,
    /// The field in the first file.
    pub a: Option<TensorReport>,
    /// The field in the second file.
    pub b: Option<TensorReport>,
    /// The difference of its numbers; `None` if only one file has the field, or if the shapes differ.
    pub difference: Option<Difference>,
}

/// The difference of the numbers of two tensors of the same shape. `max`, `rms` and `cosine` ignore pairs with a number that
/// is not finite.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Difference {
    /// The number of numbers in each.
    pub numbers: usize,
    /// The number of pairs that differ.
    pub differ: usize,
    /// The largest absolute difference.
    pub max: f64,
    /// The index of the first such pair; `None` if no finite numbers differ.
    pub at: Option<Vec<usize>>,
    /// The root mean square of the differences.
    pub rms: f64,
    /// The cosine of the angle between both; `None` if one is all zeros.
    pub cosine: Option<f64>,
    /// The number of pairs that are both NaN, which count as equal.
    pub nan_in_both: usize,
    /// The number of pairs with one NaN.
    pub nan_in_one: usize,
    /// The number of pairs with one infinite number, or with infinite numbers of different signs.
    pub infinite_in_one: usize,
}

/// Compares two records or checkpoints. `registry` has the nodes that read other kinds of files, see
/// [`inspect`](super::inspect).
///
/// # Errors
/// A file can't be read, is damaged, or is of another kind. The error has the position of the file, 0 or 1.
pub fn compare(a: &Path, b: &Path, registry: Option<&Registry>) -> Result<Comparison, (usize, InspectError)> {
    let a = Side::read(a, registry).map_err(|error| (0, error))?;
    let b = Side::read(b, registry).map_err(|error| (1, error))?;
    let mut fields: Vec<FieldComparison> = Vec::new();
    for (name, in_a) in &a.fields {
        fields.push(field(name, Some(in_a), b.field(name)));
    }
    for (name, in_b) in b.fields.iter().filter(|(name, _)| a.field(name).is_none()) {
        fields.push(field(name, None, Some(in_b)));
    }
    let keys = a.header.keys().chain(b.header.keys().filter(|key| !a.header.contains_key(*key)));
    let header = keys.filter(|key| a.header.get(*key) != b.header.get(*key)).map(|key| HeaderDifference {
        key: key.clone(),
        a: a.header.get(key).cloned(),
        b: b.header.get(key).cloned(),
    });
    Ok(Comparison { header: header.collect(), types: [a.type_name, b.type_name], fields })
}

impl Comparison {
    /// Whether both files have the same fields with the same shapes, no number differs by more than `tolerance`, and no
    /// number is NaN or infinite in only one file. Headers and dtypes may differ.
    #[must_use]
    pub fn within(&self, tolerance: f64) -> bool {
        self.fields.iter().all(|field| {
            let difference = field.difference.as_ref();
            difference.is_some_and(|d| d.nan_in_one == 0 && d.infinite_in_one == 0 && d.max <= tolerance)
        })
    }

    /// The field with the largest difference of finite numbers; `None` if none differ.
    #[must_use]
    pub fn worst(&self) -> Option<(&FieldComparison, &Difference)> {
        let differing = self.fields.iter().filter_map(|field| Some((field, field.difference.as_ref()?)));
        differing.filter(|(_, d)| d.max > 0.0).reduce(|worst, next| if next.1.max > worst.1.max { next } else { worst })
    }
}

/// One of the files.
struct Side {
    type_name: String,
    header: Map<String, Json>,
    fields: Vec<(String, Tensor)>,
}

impl Side {
    fn read(path: &Path, registry: Option<&Registry>) -> Result<Self, InspectError> {
        let start = start_of(path)?;
        if is_safetensors(&start) {
            let record = Record::load(path).map_err(InspectError::Tensors)?;
            if !record.type_name.is_empty() {
                return Ok(Self::of(record));
            }
        } else if !is_checkpoint(&start, path) {
            let record = registry.and_then(|registry| formats::read(path, registry));
            return record.ok_or(InspectError::NotCompared)?.map(Self::of).map_err(InspectError::Tensors);
        }
        let checkpoint = checkpoint::open(path).map_err(InspectError::Tensors)?;
        Ok(Self {
            type_name: "checkpoint".to_owned(),
            header: checkpoint.metadata.into_iter().map(|(key, text)| (key, text.into())).collect(),
            fields: checkpoint.tensors.into_iter().collect(),
        })
    }

    fn of(record: Record) -> Self {
        Self { type_name: record.type_name, header: record.header, fields: record.fields }
    }

    fn field(&self, name: &str) -> Option<&Tensor> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor)
    }
}

fn field(name: &str, a: Option<&Tensor>, b: Option<&Tensor>) -> FieldComparison {
    let report = |tensor: &Tensor| TensorReport::of(name, tensor);
    let difference = match (a, b) {
        (Some(a), Some(b)) if a.shape() == b.shape() => Some(difference(a, b)),
        _ => None,
    };
    FieldComparison { name: name.to_owned(), a: a.map(report), b: b.map(report), difference }
}

/// The difference of two tensors of the same shape.
fn difference(a: &Tensor, b: &Tensor) -> Difference {
    let mut found = Difference { numbers: a.len(), ..Difference::default() };
    let (mut squares, mut finite) = (0.0, 0usize);
    let (mut dot, mut norm_a, mut norm_b) = (0.0, 0.0, 0.0);
    let mut largest_at = None;
    for (position, (a, b)) in numbers(a).zip(numbers(b)).enumerate() {
        let (x, y) = (a.as_f64(), b.as_f64());
        if !x.is_finite() || !y.is_finite() {
            if x.is_nan() && y.is_nan() {
                found.nan_in_both += 1;
            } else if x != y {
                found.differ += 1;
                let nan = x.is_nan() || y.is_nan();
                *(if nan { &mut found.nan_in_one } else { &mut found.infinite_in_one }) += 1;
            }
            continue;
        }
        let apart = match (a, b) {
            // Compared as whole numbers, as floats can't represent all large ones.
            (Number::Whole(a), Number::Whole(b)) => a.abs_diff(b) as f64,
            _ => (x - y).abs(),
        };
        finite += 1;
        squares += apart * apart;
        dot += x * y;
        norm_a += x * x;
        norm_b += y * y;
        if apart > 0.0 {
            found.differ += 1;
            if apart > found.max {
                found.max = apart;
                largest_at = Some(position);
            }
        }
    }
    found.at = largest_at.map(|position| index(position, a.shape()));
    if finite > 0 {
        found.rms = (squares / finite as f64).sqrt();
    }
    let norms = norm_a.sqrt() * norm_b.sqrt();
    found.cosine = (norms > 0.0).then(|| (dot / norms).clamp(-1.0, 1.0));
    found
}

/// The index along each axis of a position in memory.
fn index(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let along = position % extent.max(1);
            position /= extent.max(1);
            along
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(numbers: &[f32]) -> Tensor {
        Tensor::from_vec([1, numbers.len()], numbers.to_vec()).unwrap()
    }

    #[test]
    fn differences_follow_their_definitions() {
        let found = difference(&floats(&[1.0, 2.0, 3.0, 0.0]), &floats(&[1.0, 2.5, 1.0, 0.0]));
        assert_eq!((found.numbers, found.differ, found.max, found.at), (4, 2, 2.0, Some(vec![0, 2])));
        assert_eq!(found.rms, (4.25f64 / 4.0).sqrt());
        // (1 + 5 + 3) / (sqrt(14) sqrt(8.25))
        assert!((found.cosine.unwrap() - 9.0 / (14.0f64 * 8.25).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn numbers_that_are_not_finite_are_counted_apart() {
        let a = floats(&[f32::NAN, f32::NAN, f32::INFINITY, f32::INFINITY, 1.0]);
        let b = floats(&[f32::NAN, 0.0, f32::INFINITY, f32::NEG_INFINITY, 1.0]);
        let found = difference(&a, &b);
        assert_eq!((found.nan_in_both, found.nan_in_one, found.infinite_in_one, found.differ), (1, 1, 1, 2));
        assert_eq!((found.max, found.at, found.rms, found.cosine), (0.0, None, 0.0, Some(1.0)));
        assert_eq!(difference(&floats(&[0.0]), &floats(&[0.0])).cosine, None);
    }

    #[test]
    fn whole_numbers_are_compared_exactly() {
        let whole = |number: u64| Tensor::from_vec([1], vec![number]).unwrap();
        let found = difference(&whole(u64::MAX), &whole(u64::MAX - 1));
        assert_eq!((found.differ, found.max), (1, 1.0));
        let signed = Tensor::from_vec([1], vec![-1i64]).unwrap();
        assert_eq!(difference(&signed, &whole(u64::MAX)).max, 2f64.powi(64));
    }

    #[test]
    fn positions_become_indices() {
        assert_eq!(index(23, &[2, 3, 4]), [1, 2, 3]);
        assert_eq!(index(0, &[]), [0; 0]);
    }
}
