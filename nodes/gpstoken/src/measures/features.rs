//! The record of features that the measures take.

use super::convention::Source;
use splatgraph_sdk::{Error, Input, Output, Record, Result, Tensor, Value, socket::Socket};

/// Features of pictures by a network.
#[derive(Clone, Debug)]
pub struct ImageFeatures {
    /// Where they come from.
    pub source: Source,
    /// f32 `[B, D]`: the means of the last map.
    pub pool: Tensor,
    /// f32 `[B, E]`: a part of a middle map, for sFID.
    pub spatial: Tensor,
    /// f32 `[B, classes]`: the classes before softmax, without bias.
    pub logits: Tensor,
}

impl ImageFeatures {
    /// The type's name in graphs.
    pub const TYPE: &'static str = "IMAGE_FEATURES";

    /// Number of pictures.
    pub fn count(&self) -> usize {
        self.pool.shape()[0]
    }

    /// Reads a record.
    ///
    /// # Errors
    /// A field is missing or unusable, or the fields have different numbers of rows.
    pub fn from_record(mut record: Record) -> Result<Self> {
        if record.type_name != Self::TYPE {
            return Err(Error::new(format!("expected {}, got {}", Self::TYPE, kind(&record.type_name))));
        }
        let source = Source::from_header(&record.header)?;
        let mut take = |name: &str| -> Result<Tensor> {
            let tensor = record.take(name)?;
            let [_, width] = tensor.dims()?;
            let values = tensor.as_slice::<f32>()?;
            if width == 0 || values.iter().any(|value| !value.is_finite()) {
                return Err(Error::new(format!(
                    "expected finite numbers [B, 1 or more] in the field `{name}`, got the shape {:?}, or NaN or infinity in it",
                    tensor.shape()
                )));
            }
            Ok(tensor)
        };
        let features = Self { source, pool: take("pool")?, spatial: take("spatial")?, logits: take("logits")? };
        let rows = [&features.pool, &features.spatial, &features.logits].map(|tensor| tensor.shape()[0]);
        if rows[0] != rows[1] || rows[0] != rows[2] {
            return Err(Error::new(format!(
                "expected one row for each picture in the fields pool, spatial and logits, got {rows:?} rows"
            )));
        }
        Ok(features)
    }

    /// Converts to a record.
    pub fn into_record(self) -> Record {
        let fields = [("pool", self.pool), ("spatial", self.spatial), ("logits", self.logits)];
        Record {
            type_name: Self::TYPE.to_owned(),
            header: self.source.to_header(),
            fields: fields.map(|(name, tensor)| (name.to_owned(), tensor)).to_vec(),
        }
    }

    /// Puts the pictures of all together, in their order.
    ///
    /// # Errors
    /// There are none, or their sources or widths differ. The error blames the input `input`.
    pub fn together(parts: &[Self], input: &str) -> Result<Self> {
        let Some((first, rest)) = parts.split_first() else {
            return Err(Error::input(input, "expected features of at least one picture, got none"));
        };
        if rest.is_empty() {
            return Ok(first.clone());
        }
        rest.iter().try_for_each(|part| first.check_fits(part, input))?;
        let count: usize = parts.iter().map(Self::count).sum();
        let stacked = |field: fn(&Self) -> &Tensor| -> Result<Tensor> {
            let width = field(first).shape()[1];
            let mut all = Vec::with_capacity(count * width);
            for part in parts {
                all.extend_from_slice(field(part).as_slice::<f32>()?);
            }
            Tensor::from_vec([count, width], all)
        };
        Ok(Self {
            source: first.source.clone(),
            pool: stacked(|part| &part.pool)?,
            spatial: stacked(|part| &part.spatial)?,
            logits: stacked(|part| &part.logits)?,
        })
    }

    /// Checks that other features have the same source and widths.
    ///
    /// # Errors
    /// They do not. The error blames the input `input`.
    pub fn check_fits(&self, other: &Self, input: &str) -> Result<()> {
        self.source.check_same(&other.source, input)?;
        let widths = |features: &Self| [&features.pool, &features.spatial, &features.logits].map(|it| it.shape()[1]);
        let (expected, got) = (widths(self), widths(other));
        if expected != got {
            let message =
                format!("expected {expected:?} features, spatial features and classes of each picture, got {got:?}");
            return Err(Error::input(input, message));
        }
        Ok(())
    }

    /// The facts that a result carries: its source and the number of pictures.
    pub fn facts(&self) -> serde_json::Value {
        self.source.with_pictures(Some(self.count() as u64)).into()
    }
}

/// Checks that two sets of features can be compared, and returns the number of features of a picture.
///
/// # Errors
/// Sources or widths differ.
pub fn check_pair(features: &ImageFeatures, reference: &ImageFeatures) -> Result<usize> {
    features.check_fits(reference, "reference")?;
    Ok(features.pool.shape()[1])
}

/// A type's name for messages.
pub(super) fn kind(type_name: &str) -> &str {
    if type_name.is_empty() { "a record without a type" } else { type_name }
}

impl Socket for ImageFeatures {
    fn socket() -> String {
        Self::TYPE.to_owned()
    }
}

impl Input for ImageFeatures {
    fn from_value(value: &Value) -> Result<Self> {
        Self::from_record(Record::from_value(value)?)
    }
}

impl Output for ImageFeatures {
    fn into_value(self) -> Result<Value> {
        Ok(self.into_record().into_value())
    }
}
