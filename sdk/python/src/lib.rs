//! The module `splatgraph._host`: the host in the process of Python. The package in `splatgraph/` makes it convenient.
//!
//! `session` loads packs, `graph` checks and runs graphs with them, `supplied` is the pack of values that Python supplies,
//! `values` and `array` convert values, and `watching` waits for a run while Python stays responsive.

mod array;
mod batch;
mod ending;
mod graph;
mod problems;
mod session;
mod supplied;
mod values;
mod watching;

/// The host in the process of Python; the package `splatgraph` uses it.
#[pyo3::pymodule]
mod _host {
    #[pymodule_export]
    use super::array::Array;
    #[pymodule_export]
    use super::ending::end;
    #[pymodule_export]
    use super::graph::Graph;
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::values::Object;
}
