//! Tensors as `torch.save` writes them: a storage, and how a tensor lies in it.

use super::{Storages, archive::storage_id};
use crate::{
    DType, Error, Result, Tensor,
    checkpoint::{
        pickle::Pickle,
        strided::{View, gather},
    },
};

/// Element types by their names in `torch`, and by the class of a storage.
const TYPES: [(&str, &str, DType); 13] = [
    ("float64", "Double", DType::F64),
    ("float32", "Float", DType::F32),
    ("float16", "Half", DType::F16),
    ("bfloat16", "BFloat16", DType::BF16),
    ("int64", "Long", DType::I64),
    ("int32", "Int", DType::I32),
    ("int16", "Short", DType::I16),
    ("int8", "Char", DType::I8),
    ("uint64", "-", DType::U64),
    ("uint32", "-", DType::U32),
    ("uint16", "-", DType::U16),
    ("uint8", "Byte", DType::U8),
    ("bool", "Bool", DType::Bool),
];

/// Storages of elements that no [`DType`] stands for, with their sizes. Older files need the sizes to find the next storage.
const OTHER_SIZES: [(&str, usize); 7] = [
    ("ComplexDouble", 16),
    ("ComplexFloat", 8),
    ("QInt32", 4),
    ("QInt8", 1),
    ("QUInt8", 1),
    ("QUInt4x2", 1),
    ("QUInt2x4", 1),
];

/// `Float` of `torch.FloatStorage`, and an empty text of a storage of bytes without a type.
fn elements(class: &str) -> Option<&str> {
    let name = class.rsplit('.').next()?.strip_suffix("Storage")?;
    Some(name.trim_start_matches('_')).map(|name| if name == "Untyped" { "" } else { name })
}

/// The bytes of an element in a storage of this class.
pub(super) fn element_size(class: &str) -> Option<usize> {
    let elements = elements(class)?;
    if elements.is_empty() {
        return Some(1);
    }
    let other = || OTHER_SIZES.iter().find(|(name, _)| *name == elements).map(|(_, size)| *size);
    TYPES.iter().find(|(_, name, _)| *name == elements).map(|(_, _, dtype)| dtype.size()).or_else(other)
}

/// The element type that a pickle names: `torch.uint16`.
fn named_type(pickled: &Pickle) -> Result<DType> {
    let name = pickled.global_name().unwrap_or_default();
    let known = TYPES.iter().find(|(known, _, _)| name.strip_prefix("torch.") == Some(known));
    known.map(|(_, _, dtype)| *dtype).ok_or_else(|| unsupported(&format!("`{name}`")))
}

fn unsupported(what: &str) -> Error {
    let known: Vec<&str> = TYPES.iter().map(|(name, _, _)| *name).collect();
    Error::new(format!(
        "expected an element type out of {}, got {what}; convert the tensor in Python, or leave it out",
        known.join(", ")
    ))
}

/// The tensor of a call with the arguments storage, offset, size, stride and further ones: `requires_grad`, hooks, the type if
/// `typed`, and metadata.
pub(super) fn tensor(storages: &mut Storages, arguments: &[Pickle], typed: bool) -> Result<Tensor> {
    let unknown = || Error::new("expected a tensor in the usual form, got another form");
    let [id, Pickle::Int(offset), sizes, strides, rest @ ..] = arguments else { return Err(unknown()) };
    let (class, key, view) = storage_id(id).ok_or_else(unknown)?;
    let key = view.items().first().and_then(Pickle::as_text).unwrap_or(key);
    let rest = rest.get(2..).unwrap_or_default();
    let (dtype, rest) = match rest {
        [dtype, rest @ ..] if typed => (named_type(dtype)?, rest),
        rest => {
            let elements = elements(&class).unwrap_or_default();
            let known = TYPES.iter().find(|(_, name, _)| *name == elements);
            (known.map(|(_, _, dtype)| *dtype).ok_or_else(|| unsupported(&format!("`{class}`")))?, rest)
        }
    };
    let negative = negative(rest.first())?;
    let offset = usize::try_from(*offset).map_err(|_| unknown())?;
    let (shape, strides) = (numbers(sizes).ok_or_else(unknown)?, numbers(strides).ok_or_else(unknown)?);
    if shape.len() != strides.len() {
        return Err(unknown());
    }
    let range = storages.ranges.get(key).ok_or_else(unknown)?.clone();
    let view = View { dtype, offset, shape: &shape, strides: &strides, swapped: storages.swapped, negative };
    let bytes = &storages.content.bytes()[range.clone()];
    if let Some(place) = view.plain(bytes.len())? {
        let place = range.start + place.start..range.start + place.end;
        if !storages.content.is_aligned(&place, dtype) {
            storages.budget.take(place.len())?;
        }
        return storages.content.tensor(place, &shape, dtype);
    }
    storages.budget.take(view.bytes())?;
    gather(bytes, &view)
}

/// Whether the numbers are stored with the other sign: torch notes `tensor.imag` of a conjugate like this.
fn negative(metadata: Option<&Pickle>) -> Result<bool> {
    let mut negative = false;
    let Some(Pickle::Dict(pairs)) = metadata else { return Ok(false) };
    for (key, value) in pairs.iter().filter(|(_, value)| *value != Pickle::Bool(false)) {
        match (key.as_text(), value) {
            (Some("neg"), Pickle::Bool(true)) => negative = true,
            (key, _) => {
                let key = key.unwrap_or("something unnamed");
                return Err(Error::new(format!(
                    "expected a plain tensor, got one with `{key}` in its metadata; save tensor.resolve_conj() or a copy of it"
                )));
            }
        }
    }
    Ok(negative)
}

/// The numbers of a tuple or of a `torch.Size`.
fn numbers(pickled: &Pickle) -> Option<Vec<usize>> {
    let items = match pickled {
        Pickle::List(items) => items,
        Pickle::Call { arguments, .. } if pickled.global_name()? == "torch.Size" => arguments.items().first()?.items(),
        _ => return None,
    };
    let number = |item: &Pickle| match item {
        Pickle::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    items.iter().map(number).collect()
}
