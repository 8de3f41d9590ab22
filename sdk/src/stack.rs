//! Stacks records, so that several pictures become one batch.

use crate::{DType, Error, Record, Result, Tensor, Tokens};

/// The fields of TOKENS whose second axis counts tokens.
const PER_TOKEN: [&str; 2] = ["gaussians", "textures"];
/// The field of TOKENS that counts the tokens of each picture without padding.
const COUNTS: &str = "counts";

impl Record {
    /// Whether `other` can be stacked onto this record along the first axis of all fields: with the same type, header,
    /// fields, element types and other axes. Only TOKENS may differ in their number of tokens.
    ///
    /// # Errors
    /// The records do not stack; the message says why.
    pub fn stacks_with(&self, other: &Self) -> Result<()> {
        let name = |record: &Self| if record.type_name.is_empty() { "no type" } else { &record.type_name }.to_owned();
        if self.type_name != other.type_name {
            return Err(different("type", &name(self), &name(other)));
        }
        if self.header != other.header {
            let text = |record: &Self| serde_json::Value::from(record.header.clone()).to_string();
            return Err(different("header", &text(self), &text(other)));
        }
        let fields = |record: &Self| {
            let mut names: Vec<&str> = record.stacked_fields().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.join(", ")
        };
        if other.fields.is_empty() {
            return Err(Error::new("expected a record with fields, got one without"));
        }
        if fields(self) != fields(other) {
            return Err(different("list of fields", &fields(self), &fields(other)));
        }
        let rows = other.fields[0].1.shape().first();
        for (field, tensor) in &other.fields {
            if tensor.shape().first() != rows || rows.is_none() {
                let shapes: Vec<String> = other.fields.iter().map(|(n, t)| format!("{n} {:?}", t.shape())).collect();
                return Err(Error::new(format!(
                    "expected fields with one length of the first axis, got {}",
                    shapes.join(", ")
                )));
            }
            if other.is_per_token(field) && other.tokens() != tensor.shape().get(1).copied() {
                return Err(Error::new(format!(
                    "expected as many tokens in `{field}` as in `{}`, got another number",
                    PER_TOKEN[0]
                )));
            }
            let Some(first) = self.field(field) else { continue };
            if first.dtype() != tensor.dtype() {
                let types = [first, tensor].map(|tensor| tensor.dtype().to_string());
                return Err(different(&format!("element type of `{field}`"), &types[0], &types[1]));
            }
            let (mut ours, mut theirs) = (first.shape().to_vec(), tensor.shape().to_vec());
            if let ([_, ..], [_, ..]) = (&ours[..], &theirs[..]) {
                ours[0] = theirs[0];
            }
            if self.is_per_token(field) && ours.len() == theirs.len() {
                ours[1] = theirs[1];
            }
            if ours != theirs {
                ours = first.shape().to_vec();
                theirs = tensor.shape().to_vec();
                return Err(different(&format!("shape of `{field}`"), &format!("{ours:?}"), &format!("{theirs:?}")));
            }
        }
        Ok(())
    }

    /// Stacks records that [fit](Self::stacks_with) together. If TOKENS differ in their number of tokens, zeros fill up the shorter
    /// ones, and `counts` holds the number of tokens of each picture.
    ///
    /// # Errors
    /// The list is empty, or the records do not stack.
    pub fn stack(records: &[&Self]) -> Result<Self> {
        let [first, ..] = records else { return Err(Error::new("expected at least one record to stack, got none")) };
        records.iter().try_for_each(|record| first.stacks_with(record))?;
        let tokens = records.iter().filter_map(|record| record.tokens()).max().unwrap_or(0);
        let mut stacked = Self { type_name: first.type_name.clone(), header: first.header.clone(), fields: Vec::new() };
        for (field, of_first) in first.stacked_fields() {
            let tensors = records.iter().filter_map(|record| record.field(field));
            let (mut shape, mut bytes) = (of_first.shape().to_vec(), Vec::new());
            shape[0] = 0;
            let fill = first.is_per_token(field);
            for tensor in tensors {
                shape[0] += tensor.shape()[0];
                if fill {
                    filled(tensor, tokens, &mut bytes);
                } else {
                    bytes.extend_from_slice(tensor.bytes());
                }
            }
            if fill {
                shape[1] = tokens;
            }
            stacked.fields.push((field.to_owned(), Tensor::from_bytes(shape, of_first.dtype(), &bytes)?));
        }
        let is_filled = |record: &Self| record.tokens().is_some_and(|count| count < tokens);
        if records.iter().any(|record| record.counts().is_some() || is_filled(record)) && first.is_tokens() {
            let mut counts: Vec<i64> = Vec::new();
            for record in records {
                let rows = record.field(PER_TOKEN[0]).map_or(0, |tensor| tensor.shape()[0]);
                match record.counts() {
                    Some(known) if known.len() == rows => counts.extend_from_slice(known),
                    _ => counts.extend(std::iter::repeat_n(record.tokens().unwrap_or(0) as i64, rows)),
                }
            }
            stacked.fields.push((COUNTS.to_owned(), Tensor::from_vec([counts.len()], counts)?));
        }
        Ok(stacked)
    }

    /// The fields that are stacked one by one: all except the counts of TOKENS, which are computed.
    fn stacked_fields(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let fields = self.fields.iter().map(|(name, tensor)| (name.as_str(), tensor));
        fields.filter(|(name, _)| !(self.is_tokens() && *name == COUNTS))
    }

    fn is_tokens(&self) -> bool {
        self.type_name == Tokens::TYPE
    }

    fn is_per_token(&self, field: &str) -> bool {
        self.is_tokens()
            && PER_TOKEN.contains(&field)
            && self.field(field).is_some_and(|tensor| tensor.shape().len() == 3)
    }

    /// The number of tokens, including padding.
    fn tokens(&self) -> Option<usize> {
        self.field(PER_TOKEN[0]).filter(|_| self.is_per_token(PER_TOKEN[0])).map(|tensor| tensor.shape()[1])
    }

    fn counts(&self) -> Option<&[i64]> {
        self.field(COUNTS).filter(|_| self.is_tokens() && self.tokens().is_some())?.as_slice().ok()
    }
}

#[track_caller]
fn different(what: &str, first: &str, second: &str) -> Error {
    Error::new(format!("expected the {what} of the first record, {first}, got {second}"))
}

/// Appends the bytes of a tensor `[B, N, C]`, with zeros behind the N tokens of each picture up to `tokens`.
fn filled(tensor: &Tensor, tokens: usize, bytes: &mut Vec<u8>) {
    let &[_, count, channels] = tensor.shape() else { return };
    let dtype: DType = tensor.dtype();
    let (row, whole) = (count * channels * dtype.size(), tokens * channels * dtype.size());
    if row == 0 {
        bytes.resize(bytes.len() + tensor.shape()[0] * whole, 0);
        return;
    }
    for part in tensor.bytes().chunks(row) {
        bytes.extend_from_slice(part);
        bytes.resize(bytes.len() + whole - row, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Canvas;

    fn tokens(batch: usize, count: usize, value: f32, counts: Option<Vec<i64>>) -> Record {
        let tensor = |last: usize| Tensor::from_vec([batch, count, last], vec![value; batch * count * last]).unwrap();
        let counts = counts.map(|counts| Tensor::from_vec([counts.len()], counts).unwrap());
        Tokens::new(tensor(5), tensor(2), counts, Canvas::default()).unwrap().into_record()
    }

    #[test]
    fn rows_follow_each_other() {
        let (one, two) = (tokens(1, 2, 1.0, None), tokens(2, 2, 2.0, None));
        let stacked = Tokens::from_record(Record::stack(&[&one, &two]).unwrap()).unwrap();
        assert_eq!((stacked.gaussians.shape(), stacked.textures.shape()), (&[3, 2, 5][..], &[3, 2, 2][..]));
        assert_eq!(stacked.textures.to_f32(), [1., 1., 1., 1., 2., 2., 2., 2., 2., 2., 2., 2.]);
        assert!(stacked.counts.is_none());
    }

    #[test]
    fn fewer_tokens_are_filled_up_and_counted() {
        let (one, two, none) = (tokens(1, 1, 1.0, None), tokens(2, 3, 2.0, Some(vec![2, 3])), tokens(1, 0, 0.0, None));
        let stacked = Tokens::from_record(Record::stack(&[&one, &two, &none]).unwrap()).unwrap();
        assert_eq!(stacked.gaussians.shape(), [4, 3, 5]);
        assert_eq!(stacked.textures.to_f32()[..8], [1., 1., 0., 0., 0., 0., 2., 2.]);
        assert_eq!(stacked.counts.unwrap().as_slice::<i64>().unwrap(), [1, 2, 3, 0]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let record = |type_name: &str, shape: &[usize]| {
            let tensor = Tensor::from_vec(shape, vec![0f32; shape.iter().product()]).unwrap();
            Record { type_name: type_name.into(), fields: vec![("image".into(), tensor)], ..Record::default() }
        };
        let image = record("IMAGE", &[1, 2, 2, 3]);
        let error = |other: &Record| image.stacks_with(other).unwrap_err().message;
        assert!(image.stacks_with(&record("IMAGE", &[7, 2, 2, 3])).is_ok());
        insta::assert_snapshot!(error(&record("MASK", &[1, 2, 2, 3])), @"expected the type of the first record, IMAGE, got MASK");
        insta::assert_snapshot!(error(&record("IMAGE", &[1, 2, 4, 3])), @"expected the shape of `image` of the first record, [1, 2, 2, 3], got [1, 2, 4, 3]");
        insta::assert_snapshot!(error(&record("IMAGE", &[])), @"expected fields with one length of the first axis, got image []");
        insta::assert_snapshot!(error(&Record { type_name: "IMAGE".into(), ..Record::default() }), @"expected a record with fields, got one without");
        let mut other = image.clone();
        other.header.insert("canvas".into(), serde_json::json!([1, 1]));
        insta::assert_snapshot!(error(&other), @r#"expected the header of the first record, {}, got {"canvas":[1,1]}"#);
        other = image.clone();
        other.fields[0].1 = Tensor::from_vec([1, 2, 2, 3], vec![0f64; 12]).unwrap();
        insta::assert_snapshot!(error(&other), @"expected the element type of `image` of the first record, f32, got f64");
        let layers = tokens(1, 2, 1.0, None);
        let mut short = tokens(1, 2, 1.0, None);
        short.fields.push(("more".into(), Tensor::from_vec([2], vec![0f32; 2]).unwrap()));
        insta::assert_snapshot!(layers.stacks_with(&short).unwrap_err().message, @"expected the list of fields of the first record, gaussians, textures, got gaussians, more, textures");
        insta::assert_snapshot!(short.stacks_with(&short).unwrap_err().message, @"expected fields with one length of the first axis, got gaussians [1, 2, 5], textures [1, 2, 2], more [2]");
        assert!(Record::stack(&[]).is_err());
    }
}
