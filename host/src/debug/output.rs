//! One output of a node: its files, and what its numbers are like.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{DType, Error, Kind, Record, Value, write_whole};

use crate::{inspect::FieldReport, record_png};

/// An output of a node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OutputReport {
    /// Its name; empty for an item of a list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `INT`, `IMAGE`, ...
    #[serde(rename = "type")]
    pub type_name: String,
    /// `cpu`, `cuda:0`, ...
    pub device: String,
    /// A scalar, text or JSON. A number that is not finite is null here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// The header of a record.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub header: Map<String, Json>,
    /// The fields of a record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldReport>,
    /// What an object says of itself that has no fields outside its pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Json>,
    /// The items of a list in which there are objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<OutputReport>,
    /// How many numbers there are in all.
    pub numbers: usize,
    /// How many of them are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
    /// The names of its files.
    pub files: Vec<String>,
    /// Why its numbers are not known, or a file of it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl OutputReport {
    /// Looks at a value and writes its files: `file` is their path, but for what comes behind the name. Why one could not be
    /// written goes into `unwritten`.
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

    /// Counts the numbers of scalars, also in lists.
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
                self.error = Some(format!("its fields cannot be brought into host memory: {error}"));
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
                self.error = Some(format!("a file of it cannot be written: {error}"));
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
