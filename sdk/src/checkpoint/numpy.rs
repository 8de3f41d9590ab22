//! NumPy arrays in pickles.

use super::{
    pickle::Pickle,
    strided::{View, gather},
};
use crate::{DType, Error, Result, Tensor};
use std::borrow::Cow;

/// Element types by NumPy's short names.
const TYPES: [(&str, DType); 12] = [
    ("f8", DType::F64),
    ("f4", DType::F32),
    ("f2", DType::F16),
    ("i8", DType::I64),
    ("i4", DType::I32),
    ("i2", DType::I16),
    ("i1", DType::I8),
    ("u8", DType::U64),
    ("u4", DType::U32),
    ("u2", DType::U16),
    ("u1", DType::U8),
    ("b1", DType::Bool),
];

/// Converts a pickled array, which `pickle.dump` wrote with one of the protocols 2 to 5 and any version of NumPy.
///
/// # Errors
/// The pickle holds something else, the elements are objects, or data are missing.
pub fn numpy_array(pickled: &Pickle) -> Result<Tensor> {
    let expected = || Error::new(format!("expected a NumPy array, got {}", pickled.describe()));
    let Pickle::Call { arguments, state, .. } = pickled else { return Err(expected()) };
    let Pickle::List(arguments) = &**arguments else { return Err(expected()) };
    let name = pickled.global_name().unwrap_or_default();
    // The package was renamed in NumPy 2.
    let parts = match name.replacen("numpy._core.", "numpy.core.", 1).as_str() {
        "numpy.core.multiarray._reconstruct" => match (&arguments[..], state.as_deref()) {
            ([class, ..], _) if class.global_name().as_deref() != Some("numpy.ndarray") => {
                return Err(Error::new(format!("expected a plain NumPy array, got {}", class.describe())));
            }
            (_, Some(Pickle::List(state))) => match &state[..] {
                [_, shape, dtype, Pickle::Bool(turned), data] => Some((shape, dtype, *turned, data)),
                _ => None,
            },
            _ => None,
        },
        "numpy.core.numeric._frombuffer" => match &arguments[..] {
            [data, dtype, shape, Pickle::Text(order)] => Some((shape, dtype, order == "F", data)),
            _ => None,
        },
        _ => return Err(expected()),
    };
    let (shape, dtype, turned, data) =
        parts.ok_or_else(|| Error::new("expected a NumPy array in the usual form, got another form"))?;
    let shape = read_shape(shape)?;
    let (dtype, big_endian) = read_type(dtype)?;
    let data = read_data(data)?;
    let elements = shape.iter().try_fold(1usize, |all, side| all.checked_mul(*side));
    if elements.and_then(|all| all.checked_mul(dtype.size())) != Some(data.len()) {
        return Err(Error::new(format!(
            "expected a NumPy array of shape {shape:?} and type {dtype}, got {} bytes",
            data.len()
        )));
    }
    let swapped = big_endian != cfg!(target_endian = "big");
    gather(
        &data,
        &View { dtype, offset: 0, shape: &shape, strides: &strides(&shape, turned), swapped, negative: false },
    )
}

fn read_shape(pickled: &Pickle) -> Result<Vec<usize>> {
    let side = |side: &Pickle| match side {
        Pickle::Int(side) => usize::try_from(*side).ok(),
        _ => None,
    };
    let shape = match pickled {
        Pickle::List(sides) => sides.iter().map(side).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    shape.ok_or_else(|| Error::new("expected a NumPy array with a shape, got one without"))
}

/// The type, and whether the numbers are big-endian.
fn read_type(pickled: &Pickle) -> Result<(DType, bool)> {
    let unsupported = |what: &str| Error::new(format!("expected a NumPy array of plain numbers, got one of {what}"));
    let Pickle::Call { arguments, state, .. } = pickled else { return Err(unsupported(&pickled.describe())) };
    if pickled.global_name().as_deref() != Some("numpy.dtype") {
        return Err(unsupported(&pickled.describe()));
    }
    let name = match &**arguments {
        Pickle::List(arguments) => arguments.first(),
        _ => None,
    };
    let Some(name) = name.and_then(Pickle::as_text) else { return Err(unsupported("an unnamed type")) };
    let order = match state.as_deref() {
        Some(Pickle::List(state)) => state.get(1),
        _ => None,
    };
    let known = TYPES.iter().find(|(known, _)| *known == name).map(|(_, dtype)| *dtype);
    let dtype = known.ok_or_else(|| unsupported(&format!("type `{name}`")))?;
    Ok((dtype, order.and_then(Pickle::as_text) == Some(">")))
}

/// Protocol 2 has no bytes. It stores them as text with one character per byte, and no bytes as a call of `bytes`.
fn read_data(pickled: &Pickle) -> Result<Cow<'_, [u8]>> {
    let unusual = || Error::new(format!("expected the bytes of a NumPy array, got {}", pickled.describe()));
    match pickled {
        Pickle::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        Pickle::Call { arguments, .. }
            if pickled.global_name().as_deref() == Some("__builtin__.bytes")
                && **arguments == Pickle::List(Vec::new()) =>
        {
            Ok(Cow::Borrowed(&[]))
        }
        Pickle::Call { arguments, .. } if pickled.global_name().as_deref() == Some("_codecs.encode") => {
            let Pickle::List(arguments) = &**arguments else { return Err(unusual()) };
            let [Pickle::Text(text), Pickle::Text(encoding)] = &arguments[..] else { return Err(unusual()) };
            if encoding != "latin1" {
                return Err(unusual());
            }
            let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| unusual()));
            Ok(Cow::Owned(bytes.collect::<Result<_>>()?))
        }
        _ => Err(unusual()),
    }
}

/// The number of elements from one place of an axis to the next. In `turned` arrays (Fortran's order), the first axis varies fastest.
fn strides(shape: &[usize], turned: bool) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1usize;
    let mut set = |axis: usize| {
        strides[axis] = step;
        step = step.saturating_mul(shape[axis]);
    };
    if turned {
        (0..shape.len()).for_each(&mut set);
    } else {
        (0..shape.len()).rev().for_each(&mut set);
    }
    strides
}
