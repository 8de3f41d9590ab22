//! Tensors that Python reads in the memory of the host, and arrays of Python that the host reads in theirs.

use pyo3::{prelude::*, types::PyDict};
use splatgraph_sdk::{DType, Error, Tensor, host::tensor_in};
use std::sync::Arc;

/// A tensor. numpy reads its memory without a copy, and can't write to it.
#[pyclass(frozen)]
pub(crate) struct Array(Tensor);

impl Array {
    pub(crate) fn new(tensor: Tensor) -> Self {
        Self(tensor)
    }
}

#[pymethods]
impl Array {
    /// What numpy asks for: the address and the form of the memory, which lives as long as this object.
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", pyo3::types::PyTuple::new(py, self.0.shape())?)?;
        interface.set_item("typestr", typestr(self.0.dtype()))?;
        // true: read-only.
        interface.set_item("data", (self.0.bytes().as_ptr().addr(), true))?;
        Ok(interface)
    }

    /// The type of an element: `float32`, `bfloat16`, ...
    #[getter]
    fn dtype(&self) -> &'static str {
        self.0.dtype().name()
    }
}

/// numpy's name of an element type, such as `<f4`. numpy has no bfloat16, so it gets its bits.
fn typestr(dtype: DType) -> String {
    let kind = match dtype {
        DType::F64 | DType::F32 | DType::F16 => 'f',
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => 'i',
        DType::Bool => 'b',
        _ => 'u',
    };
    let order = match dtype.size() {
        1 => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    format!("{order}{kind}{}", dtype.size())
}

/// The memory of a numpy array.
struct Lent {
    /// Keeps the memory. It may be dropped in any thread, also without the lock of the interpreter: PyO3 then defers it.
    _array: Py<PyAny>,
    address: usize,
    bytes: usize,
}

impl Lent {
    fn bytes(&self) -> &[u8] {
        if self.bytes == 0 {
            return &[];
        }
        // SAFETY: the package checks that the array is contiguous and has this many bytes, and `_array` keeps its memory. The
        // documentation asks that nobody writes to a supplied array until the run ends.
        #[expect(unsafe_code, reason = "the memory belongs to Python")]
        unsafe {
            std::slice::from_raw_parts(std::ptr::with_exposed_provenance(self.address), self.bytes)
        }
    }
}

/// The tensor in the memory of a contiguous numpy array. `dtype` is such as `f32`.
pub(crate) fn borrowed(array: &Bound<'_, PyAny>, dtype: &str) -> PyResult<Result<Tensor, Error>> {
    let interface = array.getattr("__array_interface__")?;
    let (address, _): (usize, bool) = interface.get_item("data")?.extract()?;
    let shape: Vec<usize> = interface.get_item("shape")?.extract()?;
    let bytes: usize = array.getattr("nbytes")?.extract()?;
    let Some(dtype) = DType::named(dtype) else {
        return Ok(Err(Error::new(format!("expected a known element type, got {dtype}"))));
    };
    let lent = Arc::new(Lent { _array: array.clone().unbind(), address, bytes });
    Ok(tensor_in(lent, Lent::bytes, dtype, &shape))
}
