//! The elements of a value, for nodes that repeat a graph for each of them.

use splatgraph_sdk::{Error, Kind, Record, Result, Tensor, Value};

/// The elements of a value. A batch is cut when a pass takes its element, so that no copy of the whole batch is held.
pub(super) enum Elements {
    List(Vec<Value>),
    /// The rows of a record: the pictures of a batch.
    Rows(Record),
}

impl Elements {
    /// The elements of the value of an input that takes a list. `is_one` says that the input has one link, to an output that
    /// gives no list: then the pictures of a batch are the elements, or the items of a JSON array.
    pub(super) fn of(value: &Value, is_one: bool) -> Self {
        let items = value.as_list().unwrap_or_default();
        let [one] = &items[..] else { return Self::List(items) };
        if !is_one {
            return Self::List(items);
        }
        if one.kind() == Kind::Json
            && let Some(serde_json::Value::Array(items)) = one.to_json()
        {
            return Self::List(items.iter().map(Value::from_json).collect());
        }
        match Record::from_value(one) {
            Ok(record) if rows(&record).is_some() => Self::Rows(record),
            _ => Self::List(items),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::List(items) => items.len(),
            Self::Rows(record) => rows(record).unwrap_or(1),
        }
    }

    /// The element at a position below [`len`](Self::len).
    pub(super) fn get(&self, position: usize) -> Result<Value> {
        match self {
            Self::List(items) => Ok(items[position].clone()),
            Self::Rows(record) => Ok(row(record, position)?.into_value()),
        }
    }
}

/// The length of the first axis, if all fields have the same one.
fn rows(record: &Record) -> Option<usize> {
    let rows = record.fields.first()?.1.shape().first().copied()?;
    record.fields.iter().all(|(_, tensor)| tensor.shape().first() == Some(&rows)).then_some(rows)
}

/// One row of each field, with a first axis of length 1.
fn row(record: &Record, position: usize) -> Result<Record> {
    let cut = |(name, tensor): &(String, Tensor)| -> Result<(String, Tensor)> {
        let mut shape = tensor.shape().to_vec();
        let rows = std::mem::replace(&mut shape[0], 1);
        let bytes = tensor.bytes();
        let size = bytes.len() / rows.max(1);
        let tensor = Tensor::from_bytes(shape, tensor.dtype(), &bytes[position * size..(position + 1) * size])?;
        Ok((name.clone(), tensor))
    };
    let fields = record.fields.iter().map(cut).collect::<Result<Vec<_>>>()?;
    Ok(Record { type_name: record.type_name.clone(), header: record.header.clone(), fields })
}

/// How many passes there are, and which element of each list one takes.
pub(super) struct Passes {
    lengths: Vec<usize>,
    cross: bool,
    pub(super) count: usize,
}

impl Passes {
    /// `lists` are the names of the inputs with their elements.
    pub(super) fn new(lists: &[(&str, usize)], cross: bool, limit: Option<u64>) -> Result<Self> {
        let lengths: Vec<usize> = lists.iter().map(|(_, length)| *length).collect();
        let all = if cross {
            let all = lengths.iter().try_fold(1usize, |all, length| all.checked_mul(*length));
            all.ok_or_else(|| {
                plain("expected fewer passes: the lists that are crossed give more than there are numbers")
            })?
        } else {
            let shortest = lengths.iter().copied().min().unwrap_or(0);
            if let Some((longer, _)) = lists.iter().find(|(_, length)| *length != shortest) {
                let each: Vec<String> = lists.iter().map(|(name, length)| format!("`{name}` with {length}")).collect();
                let message = format!("expected lists of one length, got {}", each.join(" and "));
                let hint = "`\"cross\": true` takes each element of one with each of the others";
                return Err(Error { input: Some((*longer).to_owned()), ..plain(&format!("{message}; {hint}")) });
            }
            shortest
        };
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Self { lengths, cross, count: all.min(limit) })
    }

    /// The position of the element of each list for a pass.
    pub(super) fn positions(&self, pass: usize) -> Vec<usize> {
        if !self.cross {
            return vec![pass; self.lengths.len()];
        }
        let mut rest = pass;
        let mut positions = vec![0; self.lengths.len()];
        for (position, length) in positions.iter_mut().zip(&self.lengths).rev() {
            *position = rest % length;
            rest /= length;
        }
        positions
    }
}

/// An error without the place in the source, which is for errors of packs.
pub(super) fn plain(message: &str) -> Error {
    Error { location: String::new(), ..Error::new(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_zipped_or_crossed_with_the_last_changing_fastest() {
        let zipped = Passes::new(&[("a", 3), ("b", 3)], false, None).unwrap();
        assert_eq!((zipped.count, zipped.positions(2)), (3, vec![2, 2]));
        let crossed = Passes::new(&[("a", 2), ("b", 3)], true, None).unwrap();
        let all: Vec<_> = (0..crossed.count).map(|pass| crossed.positions(pass)).collect();
        assert_eq!(all, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(Passes::new(&[("a", 2), ("b", 0)], true, None).unwrap().count, 0);
        assert_eq!(Passes::new(&[("a", 2), ("b", 3)], true, Some(4)).unwrap().count, 4);
        let error = Passes::new(&[("a", 2), ("b", 3)], false, None).map(|_| ()).unwrap_err();
        insta::assert_snapshot!(error.message, @r#"expected lists of one length, got `a` with 2 and `b` with 3; `"cross": true` takes each element of one with each of the others"#);
        assert!(Passes::new(&[("a", usize::MAX), ("b", 2)], true, None).is_err());
    }

    #[test]
    fn the_elements_of_a_batch_are_its_pictures() {
        let batch = Tensor::from_vec([2, 1, 1, 3], vec![0f32, 1., 2., 3., 4., 5.]).unwrap();
        let record = Record { type_name: "IMAGE".into(), fields: vec![("image".into(), batch)], ..Record::default() };
        let one = Value::list([record.into_value()]);
        let elements = Elements::of(&one, true);
        assert_eq!(elements.len(), 2);
        let second = Record::from_value(&elements.get(1).unwrap()).unwrap();
        assert_eq!(second.fields[0].1.shape(), [1, 1, 1, 3]);
        assert_eq!(second.fields[0].1.as_slice::<f32>().unwrap(), [3., 4., 5.]);
        assert_eq!(Elements::of(&one, false).len(), 1, "an item of a list is one element, also if it is a batch");
        let json = Value::list([Value::json(&serde_json::json!([1, "a", null]))]);
        assert_eq!(Elements::of(&json, true).len(), 3);
    }
}
