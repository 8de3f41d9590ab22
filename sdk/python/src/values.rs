//! Converts values between the host and Python.

use crate::array::{Array, borrowed};
use crate::ending::detached;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyList, PyNone, PyString},
};
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{Error, Kind, Record, Value};

/// A value with fields, or one that only its pack understands.
#[pyclass(frozen)]
pub(crate) struct Object(pub(crate) Value);

#[pymethods]
impl Object {
    /// `IMAGE`, `TOKENS`, ...
    #[getter]
    fn r#type(&self) -> String {
        self.0.type_name()
    }

    /// Its fields, header and device, in JSON.
    fn describe(&self, py: Python<'_>) -> String {
        detached(py, || self.0.describe().to_string())
    }

    /// A field, in host memory.
    fn field(&self, py: Python<'_>, name: &str) -> PyResult<Array> {
        let field = detached(py, || self.0.field(name));
        field.map(Array::new).map_err(|error| crate::problems::error(py, error.message))
    }
}

/// A value for Python. JSON stays a text behind the word `json`, which the package reads.
pub(crate) fn to_python(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    Ok(match value.kind() {
        Kind::None => PyNone::get(py).to_owned().into_any().unbind(),
        Kind::Bool => value.as_bool().into_pyobject(py)?.unbind(),
        Kind::Int | Kind::Uint => value.as_int().into_pyobject(py)?.unbind(),
        Kind::Float => value.as_float().into_pyobject(py)?.unbind(),
        Kind::Text => PyString::new(py, value.as_text().unwrap_or_default()).into_any().unbind(),
        Kind::Json => ("json", value.to_json().unwrap_or_default().to_string()).into_pyobject(py)?.into_any().unbind(),
        Kind::List => {
            let items = value.as_list().unwrap_or_default();
            let items: Vec<_> = items.iter().map(|item| to_python(py, item)).collect::<PyResult<_>>()?;
            PyList::new(py, items)?.into_any().unbind()
        }
        _ => Py::new(py, Object(value.clone()))?.into_any(),
    })
}

/// A value of Python: an [`Object`], or the tuple `("json", text)` or `("record", type, header, {name: (dtype, array)})`, or a list
/// of these.
pub(crate) fn of_python(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(object) = value.cast::<Object>() {
        return Ok(object.get().0.clone());
    }
    if let Ok(items) = value.cast::<PyList>() {
        return Ok(Value::list(items.iter().map(|item| of_python(&item)).collect::<PyResult<Vec<_>>>()?));
    }
    let wrong = |error: Error| PyTypeError::new_err(error.message);
    let kind: String = value.get_item(0)?.extract()?;
    if kind == "json" {
        let text: String = value.get_item(1)?.extract()?;
        let json: Json = serde_json::from_str(&text).map_err(|error| PyTypeError::new_err(error.to_string()))?;
        return Ok(Value::from_json(&json));
    }
    let (_, type_name, header, fields): (String, String, String, Bound<'_, PyDict>) = value.extract()?;
    let header: Map<String, Json> =
        serde_json::from_str(&header).map_err(|error| PyTypeError::new_err(format!("header: {error}")))?;
    let mut record = Record { type_name, header, fields: Vec::new() };
    for (name, field) in fields {
        let (dtype, array): (String, Bound<'_, PyAny>) = field.extract()?;
        record.fields.push((name.extract()?, borrowed(&array, &dtype)?.map_err(wrong)?));
    }
    Ok(record.into_value())
}
