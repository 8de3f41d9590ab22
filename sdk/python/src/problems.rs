//! Errors, as Python gets them. The package `splatgraph` has their classes.

use pyo3::{PyErr, Python, types::PyAnyMethods};
use splatgraph::graph::{Problem, Problems};
use std::fmt::Display;

/// An exception of the class `splatgraph.Error`.
pub(crate) fn error(py: Python<'_>, message: impl Display) -> PyErr {
    raised(py, "Error", (message.to_string(),))
}

/// An exception of the class `splatgraph.GraphError`, with all problems.
pub(crate) fn problems(py: Python<'_>, problems: &Problems) -> PyErr {
    let json = serde_json::to_string(&problems).unwrap_or_default();
    raised(py, "GraphError", (problems.to_string(), json))
}

/// A `splatgraph.GraphError` with one problem.
pub(crate) fn problem(py: Python<'_>, problem: Problem) -> PyErr {
    let json = serde_json::to_string(&[&problem]).unwrap_or_default();
    raised(py, "GraphError", (problem.to_string(), json))
}

/// An exception of a class in `splatgraph._errors`.
pub(crate) fn raised<'py, A: pyo3::call::PyCallArgs<'py>>(py: Python<'py>, class: &str, arguments: A) -> PyErr {
    let made = py.import("splatgraph._errors").and_then(|errors| errors.getattr(class)?.call1(arguments));
    made.map_or_else(|error| error, PyErr::from_value)
}
