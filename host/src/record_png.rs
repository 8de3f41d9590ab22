//! Writes records of the types IMAGE and MASK as PNG files.

use splatgraph_sdk::{Error, Record, Result};

/// The standard types of pictures, each with its field and its number of channels.
const PICTURES: [(&str, &str, usize); 2] = [("IMAGE", "image", 3), ("MASK", "mask", 1)];

/// Whether values of this type are pictures.
pub(crate) fn is_picture(type_name: &str) -> bool {
    PICTURES.iter().any(|(picture, ..)| *picture == type_name)
}

/// The PNG file of every picture of a batch, with the suffix of its name: empty for a single picture, else `-000` and so on.
pub(crate) fn pngs(record: &Record) -> Vec<(String, Result<Vec<u8>>)> {
    match Pictures::of(record) {
        Ok(pictures) => {
            let suffix = |index| if pictures.len() == 1 { String::new() } else { format!("-{index:03}") };
            (0..pictures.len()).map_while(|index| Some((suffix(index), pictures.png(index)?))).collect()
        }
        Err(error) => vec![(String::new(), Err(error))],
    }
}

/// The pictures of a record.
pub(crate) struct Pictures {
    /// `[batch, height, width, channels]`
    numbers: Vec<f32>,
    width: usize,
    height: usize,
    channels: usize,
}

impl Pictures {
    /// The pictures of a record, none if it has another type.
    ///
    /// # Errors
    /// Its field with pictures is missing or has another shape.
    pub(crate) fn of(record: &Record) -> Result<Self> {
        let Some(&(_, field, channels)) = PICTURES.iter().find(|(type_name, ..)| *type_name == record.type_name) else {
            return Ok(Self { numbers: Vec::new(), width: 1, height: 1, channels: 1 });
        };
        let Some(tensor) = record.field(field) else {
            return Err(no_picture(record, &format!("expected a field `{field}`, got none")));
        };
        let (height, width) = match *tensor.shape() {
            [_, height, width, 3] if channels == 3 => (height, width),
            [_, height, width] if channels == 1 => (height, width),
            _ => {
                let expected = if channels == 3 { "[batch, height, width, 3]" } else { "[batch, height, width]" };
                let why = format!("expected the shape {expected} in `{field}`, got {:?}", tensor.shape());
                return Err(no_picture(record, &why));
            }
        };
        Ok(Self { numbers: tensor.to_f32(), width, height, channels })
    }

    fn size(&self) -> usize {
        self.height * self.width * self.channels
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len() / self.size().max(1)
    }

    /// The PNG file of a picture, if there is one with this index.
    pub(crate) fn png(&self, index: usize) -> Option<Result<Vec<u8>>> {
        let numbers = self.numbers.chunks_exact(self.size().max(1)).nth(index)?;
        Some(png(numbers, self.width, self.height, self.channels))
    }
}

fn no_picture(record: &Record, why: &str) -> Error {
    Error::new(format!("this {} cannot be written as a picture: {why}", record.type_name))
}

/// A PNG file with 8 bits for each number. Numbers outside 0..1 are clamped, and NaN becomes 0.
fn png(numbers: &[f32], width: usize, height: usize, channels: usize) -> Result<Vec<u8>> {
    let pixels: Vec<u8> = numbers.iter().map(|number| (number * 255.0).round().clamp(0.0, 255.0) as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(if channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use splatgraph_sdk::Tensor;

    use super::*;

    fn pictures(type_name: &str, field: &str, shape: &[usize]) -> Vec<(String, Result<Vec<u8>>)> {
        let tensor = Tensor::from_vec(shape, vec![0.5f32; shape.iter().product()]).unwrap();
        pngs(&Record { type_name: type_name.into(), fields: vec![(field.into(), tensor)], ..Record::default() })
    }

    #[test]
    fn only_pictures_become_pictures() {
        assert_eq!(pictures("MASK", "mask", &[2, 1, 1]).len(), 2);
        assert_eq!(pictures("TOKENS", "image", &[1, 1, 1, 3]).len(), 0);
        assert_eq!(pictures("IMAGE", "image", &[0, 4, 4, 3]).len(), 0);
        let errors = [pictures("IMAGE", "image", &[1, 1, 4]), pictures("IMAGE", "mask", &[1, 1, 1])];
        insta::assert_debug_snapshot!(errors.map(|found| found[0].1.as_ref().unwrap_err().message.clone()), @r#"
        [
            "this IMAGE cannot be written as a picture: expected the shape [batch, height, width, 3] in `image`, got [1, 1, 4]",
            "this IMAGE cannot be written as a picture: expected a field `image`, got none",
        ]
        "#);
    }
}
