//! Reports an output of a node: its files, and statistics of its numbers.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{DType, Error, Kind, Record, Value, write_whole};

use crate::{inspect::FieldReport, record_png};

/// The report about an output of a node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OutputReport {
    /// The name of the output; empty for an item of a list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The type: `INT`, `IMAGE`, ...
    #[serde(rename = "type")]
    pub type_name: String,
    /// The device that holds it: `cpu`, `cuda:0`, ...
    pub device: String,
    /// The value of a scalar, text or JSON. A number that is not finite is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// The header of a record.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub header: Map<String, Json>,
    /// The fields of a record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldReport>,
    /// The description of an object that has no fields outside its pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Json>,
    /// The items of a list that has objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<OutputReport>,
    /// The number of all numbers.
    pub numbers: usize,
    /// The number of NaN.
    pub nan: usize,
    /// The number of infinite numbers.
    pub infinite: usize,
    /// The names of its files.
    pub files: Vec<String>,
    /// The reason why its numbers are unknown, or why a file is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl OutputReport {
    /// Reports a value and writes its files, whose paths start with `file`. Errors of writing go into `unwritten`.
    pub(super) fn of(name: &str, value: &Value, file: &Path, unwritten: &mut Vec<String>) -> Self {
        let mut report =
            Self { name: name.to_owned(), type_name: value.type_name(), device: "cpu".to_owned(), ..Self::default() };
        if let Some(json) = value.to_json() {
            report.value = Some(json);
            report.count(value);
        } else if let Some(items) = value.as_list() {
            let items = items.iter().enumerate();
            report.items =
                items.map(|(i, item)| Self::of("", item, &with_suffix(file, &format!("-{i:03}")), unwritten)).collect();
            for item in &report.items {
                report.numbers += item.numbers;
                report.nan += item.nan;
                report.infinite += item.infinite;
            }
        } else {
            report.object(value, file, unwritten);
        }
        report
    }

    /// Counts the numbers of a scalar or of a list of scalars.
    fn count(&mut self, value: &Value) {
        for item in value.as_list().unwrap_or_default() {
            self.count(&item);
        }
        if let (Kind::Float | Kind::Int | Kind::Uint, Some(number)) = (value.kind(), value.as_float()) {
            self.numbers += 1;
            self.nan += usize::from(number.is_nan());
            self.infinite += usize::from(number.is_infinite());
        }
    }

    fn object(&mut self, value: &Value, file: &Path, unwritten: &mut Vec<String>) {
        let description = value.describe();
        if let Some(device) = description["device"].as_str() {
            self.device = device.to_owned();
        }
        if description["fields"].as_object().is_none_or(Map::is_empty) {
            self.description = Some(description);
            return;
        }
        let record = match Record::from_value(value) {
            Ok(record) => record,
            Err(error) => {
                self.error = Some(format!("its fields cannot be copied to host memory: {error}"));
                self.description = Some(description);
                return;
            }
        };
        self.header.clone_from(&record.header);
        self.fields = record.fields.iter().map(|(name, tensor)| FieldReport::of(name, tensor)).collect();
        for (field, (_, tensor)) in self.fields.iter().zip(&record.fields) {
            self.numbers += tensor.len();
            self.nan += field.nan;
            self.infinite += field.infinite;
        }
        let path = with_suffix(file, ".safetensors");
        self.written(&path, record.save(&path, DType::F32), unwritten);
        for (suffix, bytes) in record_png::pngs(&record) {
            let path = with_suffix(file, &format!("{suffix}.png"));
            match bytes {
                Ok(bytes) => self.written(&path, write_picture(&path, &bytes), unwritten),
                Err(error) => self.error = Some(error.message),
            }
        }
    }

    fn written(&mut self, path: &Path, result: Result<(), Error>, unwritten: &mut Vec<String>) {
        match result {
            Ok(()) => self.files.extend(path.file_name().map(|name| name.to_string_lossy().into_owned())),
            Err(error) => {
                self.error = Some(format!("a file cannot be written: {error}"));
                unwritten.push(format!("an output cannot be recorded: {error}"));
            }
        }
    }
}

fn write_picture(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_whole(path, bytes).map_err(|error| error.about_file("writing a picture", path))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
