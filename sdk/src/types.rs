//! The standard types: fields, shapes and ranges on which nodes of different packs agree.

use crate::{
    Canvas, DType, Error, Record, Result, Tensor, Value,
    socket::{Input, Output, Socket},
};
use serde_json::Map;

/// Checks a field: element type, number of axes, no NaN.
fn field(record: &mut Record, name: &str, axes: &str) -> Result<Tensor> {
    let tensor = record.take(name)?;
    check(name, &tensor, axes)?;
    Ok(tensor)
}

/// `axes` is such as `[B, H, W, 3]`: letters stand for any length.
fn check(name: &str, tensor: &Tensor, axes: &str) -> Result<()> {
    let expected: Vec<&str> = axes.trim_matches(['[', ']']).split(", ").collect();
    let fits = expected.len() == tensor.shape().len()
        && expected.iter().zip(tensor.shape()).all(|(e, s)| e.parse::<usize>().map_or(true, |e| e == *s));
    if !fits {
        return Err(Error::new(format!("expected the shape {axes} in the field `{name}`, got {:?}", tensor.shape())));
    }
    if tensor.dtype() != DType::F32 {
        return Err(Error::new(format!("expected the type f32 in the field `{name}`, got {}", tensor.dtype())));
    }
    if let Some(index) = first_nan(tensor.as_slice()?) {
        let axes = tensor.shape().to_vec();
        return Err(Error::new(format!(
            "expected numbers in the field `{name}`, got NaN (not a number), first at {:?}",
            position(index, &axes)
        )));
    }
    Ok(())
}

fn first_nan(values: &[f32]) -> Option<usize> {
    // The compiler vectorises counting in blocks, but not the search for the first NaN.
    const BLOCK: usize = 1024;
    let count = |block: &[f32]| block.iter().map(|v| u32::from(v.is_nan())).sum::<u32>();
    let block = values.chunks(BLOCK).position(|block| count(block) > 0)?;
    values[block * BLOCK..].iter().position(|v| v.is_nan()).map(|i| block * BLOCK + i)
}

fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (a, size) in at.iter_mut().zip(shape).rev() {
        *a = index % size;
        index /= size;
    }
    at
}

/// Files may hold half precision; nodes work on f32.
fn in_f32(mut record: Record) -> Record {
    for (_, tensor) in &mut record.fields {
        if matches!(tensor.dtype(), DType::F16 | DType::BF16 | DType::F64)
            && let Ok(converted) = Tensor::from_vec(tensor.shape(), tensor.to_f32())
        {
            *tensor = converted;
        }
    }
    record
}

macro_rules! standard_type {
    ($(#[$doc:meta])* $name:ident, $type_name:literal) => {
        impl $name {
            /// The type's name in graphs.
            pub const TYPE: &'static str = $type_name;
        }
        impl Socket for $name {
            fn socket() -> String {
                Self::TYPE.to_owned()
            }
        }
        impl Input for $name {
            fn from_value(value: &Value) -> Result<Self> {
                let type_name = value.type_name();
                let record = Record::from_value(value)
                    .map_err(|e| Error::new(format!("expected {}: {}", Self::TYPE, e.message)))?;
                if type_name != Self::TYPE && !type_name.is_empty() {
                    return Err(Error::new(format!("expected {}, got {type_name}", Self::TYPE)));
                }
                Self::from_record(in_f32(record))
                    .map_err(|e| Error::new(format!("unusable {}: {}", Self::TYPE, e.message)))
            }
        }
        impl Output for $name {
            fn into_value(self) -> Result<Value> {
                Ok(self.into_record().into_value())
            }
        }
    };
}

/// Types with one field and no header.
macro_rules! plain_type {
    ($(#[$doc:meta])* $name:ident, $type_name:literal, $(#[$field_doc:meta])* $field:ident, $axes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: Tensor,
        }
        impl $name {
            /// Checks the tensor's shape and element type, and that there is no NaN.
            ///
            /// # Errors
            /// A check failed.
            pub fn new($field: Tensor) -> Result<Self> {
                check(stringify!($field), &$field, $axes)?;
                Ok(Self { $field })
            }
            /// Converts a record with the field of the same name.
            ///
            /// # Errors
            /// The field is missing or unusable.
            pub fn from_record(mut record: Record) -> Result<Self> {
                Ok(Self { $field: field(&mut record, stringify!($field), $axes)? })
            }
            /// Converts to a record with the field of the same name.
            #[must_use]
            pub fn into_record(self) -> Record {
                Record { type_name: Self::TYPE.to_owned(), header: Map::new(), fields: vec![(stringify!($field).to_owned(), self.$field)] }
            }
        }
        standard_type!($name, $type_name);
    };
}

plain_type!(
    /// Pictures in sRGB, 0..1; a byte v is v/255. Values outside 0..1 pass between nodes unchanged.
    Image, "IMAGE",
    /// f32 [B, H, W, 3]
    image, "[B, H, W, 3]"
);
plain_type!(
    /// A weight per pixel, 0..1.
    Mask, "MASK",
    /// f32 [B, H, W]
    mask, "[B, H, W]"
);
plain_type!(
    /// The feature map of an encoder.
    Features, "FEATURES",
    /// f32 [B, C, H, W]
    features, "[B, C, H, W]"
);
plain_type!(
    /// A weight per token, 0..1.
    Selection, "SELECTION",
    /// f32 [B, N]
    selected, "[B, N]"
);

/// The gaussians of a picture, without textures.
#[derive(Clone, Debug)]
pub struct Layout {
    /// f32 [B, N, 5]: sigma_x, sigma_y, rho, x, y, in units of half the canvas.
    pub gaussians: Tensor,
    /// f32 [B, N, 4]: x0, y0, x1, y1, inclusive corners.
    pub regions: Option<Tensor>,
    /// The canvas and its tiles.
    pub header: Canvas,
}
standard_type!(Layout, "LAYOUT");

impl Layout {
    /// Checks shapes and element types, and that there is no NaN.
    ///
    /// # Errors
    /// A check failed.
    pub fn new(gaussians: Tensor, regions: Option<Tensor>, header: Canvas) -> Result<Self> {
        check("gaussians", &gaussians, "[B, N, 5]")?;
        if let Some(regions) = &regions {
            check("regions", regions, "[B, N, 4]")?;
            same_rows("gaussians", &gaussians, "regions", regions)?;
        }
        Ok(Self { gaussians, regions, header })
    }

    /// Converts a record with these fields.
    ///
    /// # Errors
    /// A field is missing or unusable.
    pub fn from_record(mut record: Record) -> Result<Self> {
        let regions = record.take("regions").ok();
        Self::new(record.take("gaussians")?, regions, Canvas::from_header(record.header)?)
    }

    /// Converts to a record with these fields.
    #[must_use]
    pub fn into_record(self) -> Record {
        let mut fields = vec![("gaussians".to_owned(), self.gaussians)];
        fields.extend(self.regions.map(|r| ("regions".to_owned(), r)));
        Record { type_name: Self::TYPE.to_owned(), header: self.header.to_header(), fields }
    }
}

/// A picture as gaussians with textures.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// f32 [B, N, 5]: sigma_x, sigma_y, rho, x, y, in units of half the canvas.
    pub gaussians: Tensor,
    /// f32 [B, N, C]
    pub textures: Tensor,
    /// i64 `[B]`: the number of tokens of each picture. Rows past it are padding.
    pub counts: Option<Tensor>,
    /// The canvas and its tiles.
    pub header: Canvas,
}
standard_type!(Tokens, "TOKENS");

impl Tokens {
    /// Checks shapes and element types, and that there is no NaN.
    ///
    /// # Errors
    /// A check failed.
    pub fn new(gaussians: Tensor, textures: Tensor, counts: Option<Tensor>, header: Canvas) -> Result<Self> {
        check("gaussians", &gaussians, "[B, N, 5]")?;
        check("textures", &textures, "[B, N, C]")?;
        same_rows("gaussians", &gaussians, "textures", &textures)?;
        if let Some(counts) = &counts {
            let [b] = counts.dims()?;
            let n = gaussians.shape()[1] as i64;
            if b != gaussians.shape()[0] || counts.as_slice::<i64>()?.iter().any(|c| !(0..=n).contains(c)) {
                return Err(Error::new(format!(
                    "expected {} numbers between 0 and {n} in the field `counts`, got others",
                    gaussians.shape()[0]
                )));
            }
        }
        Ok(Self { gaussians, textures, counts, header })
    }

    /// Converts a record with these fields.
    ///
    /// # Errors
    /// A field is missing or unusable.
    pub fn from_record(mut record: Record) -> Result<Self> {
        let counts = record.take("counts").ok();
        Self::new(record.take("gaussians")?, record.take("textures")?, counts, Canvas::from_header(record.header)?)
    }

    /// Converts to a record with these fields.
    #[must_use]
    pub fn into_record(self) -> Record {
        let mut fields = vec![("gaussians".to_owned(), self.gaussians), ("textures".to_owned(), self.textures)];
        fields.extend(self.counts.map(|c| ("counts".to_owned(), c)));
        Record { type_name: Self::TYPE.to_owned(), header: self.header.to_header(), fields }
    }
}

/// The result of a splat: textures spread over a map.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    /// f32 [B, C, h, w]
    pub map: Tensor,
    /// The canvas and its tiles.
    pub header: Canvas,
}
standard_type!(FeatureMap, "FEATURE_MAP");

impl FeatureMap {
    /// Checks the tensor's shape and element type, and that there is no NaN.
    ///
    /// # Errors
    /// A check failed.
    pub fn new(map: Tensor, header: Canvas) -> Result<Self> {
        check("map", &map, "[B, C, h, w]")?;
        Ok(Self { map, header })
    }

    /// Converts a record with this field.
    ///
    /// # Errors
    /// The field is missing or unusable.
    pub fn from_record(mut record: Record) -> Result<Self> {
        Self::new(record.take("map")?, Canvas::from_header(record.header)?)
    }

    /// Converts to a record with this field.
    #[must_use]
    pub fn into_record(self) -> Record {
        Record {
            type_name: Self::TYPE.to_owned(),
            header: self.header.to_header(),
            fields: vec![("map".to_owned(), self.map)],
        }
    }
}

fn same_rows(a: &str, left: &Tensor, b: &str, right: &Tensor) -> Result<()> {
    if left.shape()[..2] != right.shape()[..2] {
        return Err(Error::new(format!(
            "expected the same batch and count in the fields `{a}` and `{b}`, got the shapes {:?} and {:?}",
            left.shape(),
            right.shape()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize]) -> Tensor {
        Tensor::from_vec(shape, vec![0.5f32; shape.iter().product()]).unwrap()
    }

    #[test]
    fn records_of_another_kind_are_refused() {
        let mask = Mask::new(tensor(&[1, 2, 2])).unwrap().into_value().unwrap();
        insta::assert_snapshot!(Image::from_value(&mask).unwrap_err(), @"expected IMAGE, got MASK");
        insta::assert_snapshot!(Image::from_value(&Value::int(3)).unwrap_err(), @"expected IMAGE: expected a record, got INT");
        insta::assert_snapshot!(Image::new(tensor(&[1, 2, 2, 4])).unwrap_err(), @"expected the shape [B, H, W, 3] in the field `image`, got [1, 2, 2, 4]");
        insta::assert_snapshot!(Tokens::new(tensor(&[1, 2, 5]), tensor(&[1, 3, 4]), None, Canvas::default()).unwrap_err(), @"expected the same batch and count in the fields `gaussians` and `textures`, got the shapes [1, 2, 5] and [1, 3, 4]");
    }

    #[test]
    fn nan_is_refused_with_its_place() {
        let mut data = vec![0f32; 2 * 3 * 700];
        data[3 * 700 + 5] = f32::NAN;
        let error = Mask::new(Tensor::from_vec([2, 3, 700], data).unwrap()).unwrap_err();
        insta::assert_snapshot!(error, @"expected numbers in the field `mask`, got NaN (not a number), first at [1, 0, 5]");
    }

    #[test]
    fn half_precision_is_converted() {
        let halves = Tensor::from_vec([1, 1, 1], vec![half::f16::from_f32(0.25)]).unwrap();
        let record = Record { type_name: "MASK".into(), fields: vec![("mask".into(), halves)], ..Record::default() };
        assert_eq!(Mask::from_value(&record.into_value()).unwrap().mask.as_slice::<f32>().unwrap(), [0.25]);
    }
}
