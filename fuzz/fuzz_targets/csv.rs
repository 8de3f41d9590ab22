//! CSV files with the values of a batch.
#![no_main]

use splatgraph::{graph, reading, registry, words};
use std::path::Path;

#[path = "../../host/src/batch/axis.rs"]
#[allow(dead_code, reason = "a part of the host, which uses all of it")]
mod axis;
#[path = "../../host/src/batch/column.rs"]
#[allow(dead_code, reason = "a part of the host, which uses all of it")]
mod column;
#[path = "../../host/src/batch/error.rs"]
#[allow(dead_code, reason = "a part of the host, which uses all of it")]
mod error;
#[path = "../../host/src/batch/repeated.rs"]
#[allow(dead_code, reason = "a part of the host, which uses all of it")]
mod repeated;
#[path = "../../host/src/batch/rows.rs"]
#[allow(dead_code, reason = "a part of the host, which uses all of it")]
mod rows;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut rows) = rows::Rows::parse("rows.csv", Path::new("."), bytes.to_vec()) else { return };
    let names: Vec<String> = rows.columns().map(str::to_owned).collect();
    let mut axis = axis::Axis { inputs: Vec::new(), len: rows.len() };
    for name in &names {
        let _ = rows.add(name, None, &mut axis);
    }
    assert!(axis.inputs.iter().all(|input| input.column.len() == rows.len()));
    let _ = rows.refuse_repetitions(&axis);
});
