//! The numbers of a tensor of any dtype.

use splatgraph_sdk::{DType, Element, Tensor};

/// A number, exactly as its tensor has it.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// All numbers of a tensor, in the order of memory.
pub(super) fn numbers(tensor: &Tensor) -> Box<dyn Iterator<Item = Number> + '_> {
    match tensor.dtype() {
        DType::F64 => floats::<f64>(tensor),
        DType::F32 => floats::<f32>(tensor),
        DType::I64 => whole::<i64>(tensor),
        DType::I32 => whole::<i32>(tensor),
        DType::I16 => whole::<i16>(tensor),
        DType::I8 => whole::<i8>(tensor),
        DType::U64 => whole::<u64>(tensor),
        DType::U32 => whole::<u32>(tensor),
        DType::U16 => whole::<u16>(tensor),
        DType::U8 => whole::<u8>(tensor),
        DType::Bool => Box::new(tensor.bytes().iter().map(|&number| Number::Whole(number.into()))),
        // Half precision: f32 represents all of its numbers.
        _ => Box::new(tensor.to_f32().into_iter().map(|number| Number::Float(number.into()))),
    }
}

// The match above knows the dtype, so the slices exist.

fn whole<T: Element + Into<i128>>(tensor: &Tensor) -> Box<dyn Iterator<Item = Number> + '_> {
    Box::new(tensor.as_slice::<T>().unwrap_or_default().iter().map(|&number| Number::Whole(number.into())))
}

fn floats<T: Element + Into<f64>>(tensor: &Tensor) -> Box<dyn Iterator<Item = Number> + '_> {
    Box::new(tensor.as_slice::<T>().unwrap_or_default().iter().map(|&number| Number::Float(number.into())))
}
