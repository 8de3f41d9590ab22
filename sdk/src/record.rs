//! Records: named tensors with a JSON header, in memory and in .safetensors files.

use crate::{
    DType, Error, Result, Tensor, Value,
    content::Content,
    tensors_file::{Contents, FILE_DTYPES, is_safetensors, not_safetensors, read_file, read_safetensors},
    whole_file::write_whole,
};
use safetensors::{Dtype as FileDtype, tensor::TensorView};
use serde_json::{Map, Value as Json, json};
use splatgraph_abi::{self as abi, DlTensor, NodeError, Shared, device, kind, share};
use std::{any::Any, borrow::Cow, collections::BTreeMap, path::Path, sync::Arc};

/// Named tensors and a JSON header. Every structured value has this form outside its own pack.
///
/// The file of a record is a .safetensors file. Its metadata hold the type under the key `type` and the header, as JSON, under
/// `header`.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// `IMAGE`, `TOKENS`, ...; empty if a file names no type and its fields fit none.
    pub type_name: String,
    /// Facts about the tensors: canvas, tile, grid, ...
    pub header: Map<String, Json>,
    /// The tensors, in order.
    pub fields: Vec<(String, Tensor)>,
}

/// The types that files without a type have, by their fields.
const KNOWN_FIELDS: [(&str, &[&str]); 7] = [
    ("TOKENS", &["gaussians", "textures"]),
    ("LAYOUT", &["gaussians"]),
    ("IMAGE", &["image"]),
    ("MASK", &["mask"]),
    ("FEATURES", &["features"]),
    ("FEATURE_MAP", &["map"]),
    ("SELECTION", &["selected"]),
];

/// The levels of brackets in a header. Values are described in JSON around their headers, which must not become too deep to be read.
const MAX_DEPTH: usize = 100;

fn depth(json: &Json) -> usize {
    match json {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl Record {
    /// A field's tensor.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Tensor> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Removes a field and returns its tensor.
    ///
    /// # Errors
    /// The record has no such field.
    pub fn take(&mut self, name: &str) -> Result<Tensor> {
        let index = self.fields.iter().position(|(n, _)| n == name).ok_or_else(|| {
            let known: Vec<&str> = self.fields.iter().map(|(n, _)| n.as_str()).collect();
            Error::new(format!("expected a field `{name}`, got {} with the fields {known:?}", self.kind_text()))
        })?;
        Ok(self.fields.swap_remove(index).1)
    }

    fn kind_text(&self) -> &str {
        if self.type_name.is_empty() { "a record" } else { &self.type_name }
    }

    /// The record behind a value, with its fields in host memory. Fields that are in host memory are not copied.
    ///
    /// # Errors
    /// The value has no fields, or a field can't be read.
    pub fn from_value(value: &Value) -> Result<Self> {
        if let Some(record) = abi::take_back::<Arc<Record>>(&value.0) {
            return Ok((*record).clone());
        }
        let description = value.describe();
        let Some(fields) = description["fields"].as_object().filter(|f| !f.is_empty()) else {
            return Err(Error::new(format!("expected a record, got {}", value.type_name())));
        };
        Ok(Self {
            type_name: value.type_name(),
            header: description["header"].as_object().cloned().unwrap_or_default(),
            fields: fields.keys().map(|name| Ok((name.clone(), value.field(name)?))).collect::<Result<_>>()?,
        })
    }

    /// Converts to a value that other packs can read.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value(share(kind::OBJECT, Shareable(Arc::new(self))))
    }

    fn describe(&self) -> Json {
        let fields: Map<String, Json> = self
            .fields
            .iter()
            .map(|(name, t)| (name.clone(), json!({"dtype": t.dtype().name(), "shape": t.shape()})))
            .collect();
        let bytes: usize = self.fields.iter().map(|(_, t)| t.bytes().len()).sum();
        json!({"fields": fields, "header": self.header, "device": "cpu", "host_bytes": bytes, "device_bytes": 0})
    }

    /// Reads a record from a .safetensors file.
    ///
    /// # Errors
    /// The file can't be read or is damaged, or its header is not a JSON object.
    pub fn load(path: &Path) -> Result<Self> {
        let check = |start: &[u8], length| match is_safetensors(start, length) {
            true => Ok(()),
            false => Err(Error::new(format!("{}{}", not_safetensors(start), other_ending(path)))),
        };
        let read = || Self::of(read_file(&Content::read(path, check)?)?);
        read().map_err(|e: Error| e.about_file("reading a record", path))
    }

    /// Reads a record from the bytes of a .safetensors file.
    ///
    /// # Errors
    /// See [`Record::load`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        Self::of(read_safetensors(bytes)?)
    }

    fn of((tensors, metadata): Contents) -> Result<Self> {
        let header = match metadata.get("header") {
            None => Map::new(),
            Some(text) => serde_json::from_str(text)
                .map_err(|e| Error::new(format!("expected a JSON object under the metadata key `header`: {e}")))?,
        };
        if header.values().any(|value| depth(value) > MAX_DEPTH) {
            return Err(Error::new(format!(
                "expected a header of at most {MAX_DEPTH} levels of brackets, got a deeper one"
            )));
        }
        let has = |field: &&str| tensors.iter().any(|(name, _)| name == field);
        let type_name = metadata.get("type").cloned().unwrap_or_else(|| {
            let known = KNOWN_FIELDS.iter().find(|(_, fields)| fields.iter().all(&has));
            known.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
        });
        Ok(Self { type_name, header, fields: tensors })
    }

    /// Writes a .safetensors file under a temporary name and renames it, so that the file is complete when it appears.
    /// f32 fields are stored as `dtype` (F32 or F16), other fields unchanged.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn save(&self, path: &Path, dtype: DType) -> Result<()> {
        let doing = "writing a record; check that the folder exists, is writable and has space";
        self.write(path, dtype).map_err(|e| e.about_file(doing, path))
    }

    fn write(&self, path: &Path, dtype: DType) -> Result<()> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        write_whole(path, &self.to_safetensors(dtype)?)
    }

    /// The bytes of a .safetensors file with this record, as [`save`](Self::save) writes it.
    ///
    /// # Errors
    /// Two fields have the same name.
    pub fn to_safetensors(&self, dtype: DType) -> Result<Vec<u8>> {
        let metadata = BTreeMap::from([
            ("type".to_owned(), self.type_name.clone()),
            ("header".to_owned(), Json::Object(self.header.clone()).to_string()),
        ]);
        let fields = self.fields.iter().map(|(name, tensor)| (name.as_str(), tensor));
        to_safetensors(fields, &metadata, dtype)
    }
}

/// The content of a .safetensors file, with f32 tensors stored as `dtype` and others unchanged. The same tensors give the same bytes.
pub(crate) fn to_safetensors<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
    metadata: &BTreeMap<String, String>,
    dtype: DType,
) -> Result<Vec<u8>> {
    let stored = tensors.map(|(name, tensor)| Ok((name, Stored::new(tensor, dtype)?))).collect::<Result<Vec<_>>>()?;
    let views = stored
        .iter()
        .map(|(name, s)| Ok((*name, TensorView::new(s.dtype, s.shape.to_vec(), &s.bytes)?)))
        .collect::<Result<Vec<_>>>()?;
    let metadata = metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut bytes = safetensors::serialize(views, Some(metadata))?;
    sort_metadata(&mut bytes);
    Ok(bytes)
}

/// Sorts the metadata, which are in the order of a hash map, by their keys. The length of the header does not change.
fn sort_metadata(bytes: &mut [u8]) {
    let Some((length, rest)) = bytes.split_first_chunk_mut::<8>() else { return };
    let Some(header) = rest.get_mut(..u64::from_le_bytes(*length) as usize) else { return };
    let Ok(mut parsed) = serde_json::from_slice::<Map<String, Json>>(header) else { return };
    if let Some(Json::Object(metadata)) = parsed.get_mut("__metadata__") {
        metadata.sort_keys();
    }
    let sorted = Json::Object(parsed).to_string();
    if sorted.len() <= header.len() {
        header.fill(b' ');
        header[..sorted.len()].copy_from_slice(sorted.as_bytes());
    }
}

/// A tensor as it goes into a file.
struct Stored<'a> {
    dtype: FileDtype,
    shape: &'a [usize],
    bytes: Cow<'a, [u8]>,
}

impl<'a> Stored<'a> {
    fn new(tensor: &'a Tensor, dtype: DType) -> Result<Self> {
        let shape = tensor.shape();
        if tensor.dtype() == DType::F32 && dtype == DType::F16 {
            let halves: Vec<half::f16> = tensor.as_slice::<f32>()?.iter().map(|v| half::f16::from_f32(*v)).collect();
            return Ok(Self {
                dtype: FileDtype::F16,
                shape,
                bytes: Cow::Owned(bytemuck::cast_slice(&halves).to_vec()),
            });
        }
        Ok(Self { dtype: file_dtype(tensor.dtype()), shape, bytes: Cow::Borrowed(tensor.bytes()) })
    }
}

fn file_dtype(dtype: DType) -> FileDtype {
    FILE_DTYPES[dtype as usize].1
}

/// What to do with a file whose ending says that it is no record.
fn other_ending(path: &Path) -> String {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some(ending) if ending != "safetensors" && ending.chars().all(char::is_alphanumeric) => format!(
            "; records end in .safetensors: load a .{ending} file with a node that reads its kind, or convert it first (splatgraph convert)"
        ),
        _ => String::new(),
    }
}

/// A record that other packs can read.
struct Shareable(Arc<Record>);

impl Shared for Shareable {
    fn type_name(&self) -> &str {
        &self.0.type_name
    }
    fn describe(&self) -> String {
        self.0.describe().to_string()
    }
    fn field(&self, name: &str, device_type: i32) -> Result<DlTensor, NodeError> {
        if device_type != device::CPU {
            return Err(NodeError::bad_input(format!(
                "expected a request for host memory, as the fields of {} are only there",
                self.0.type_name
            )));
        }
        let tensor = self
            .0
            .field(name)
            .ok_or_else(|| NodeError::bad_input(format!("expected a field of {}, got `{name}`", self.0.type_name)))?;
        tensor.to_dlpack().map_err(Error::into_abi)
    }
    fn inner(&self) -> &(dyn Any + Send + Sync) {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            type_name: "LAYOUT".into(),
            header: json!({"canvas": [256, 256]}).as_object().unwrap().clone(),
            fields: vec![
                ("gaussians".into(), Tensor::from_vec([1, 2, 5], (0u8..10).map(f32::from).collect()).unwrap()),
                ("counts".into(), Tensor::from_vec([1], vec![2i64]).unwrap()),
            ],
        }
    }

    #[test]
    fn a_file_holds_what_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        for dtype in [DType::F32, DType::F16] {
            let path = folder.path().join("new").join("layout.safetensors");
            record().save(&path, dtype).unwrap();
            let loaded = Record::load(&path).unwrap();
            assert_eq!(loaded.type_name, "LAYOUT");
            assert_eq!(loaded.header, record().header);
            assert_eq!(loaded.field("gaussians").unwrap().dtype(), dtype);
            assert_eq!(loaded.field("gaussians").unwrap().to_f32(), record().fields[0].1.to_f32());
            assert_eq!(loaded.field("counts").unwrap().as_slice::<i64>().unwrap(), [2]);
        }
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layout.safetensors");
        let bytes = || {
            record().save(&path, DType::F32).unwrap();
            std::fs::read(&path).unwrap()
        };
        let first = bytes();
        // Hash maps have another order each time.
        assert!((0..8).all(|_| bytes() == first));
    }

    #[test]
    fn the_type_is_told_by_the_fields_where_a_file_does_not_say() {
        let mut plain = record();
        plain.fields.push(("textures".into(), Tensor::from_vec([1, 2, 1], vec![0f32; 2]).unwrap()));
        let views = plain
            .fields
            .iter()
            .map(|(n, t)| (n.as_str(), TensorView::new(file_dtype(t.dtype()), t.shape().to_vec(), t.bytes()).unwrap()));
        let bytes = safetensors::serialize(views, None).unwrap();
        assert_eq!(Record::from_safetensors(&bytes).unwrap().type_name, "TOKENS");
    }

    #[test]
    fn damaged_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.safetensors");
        record().save(&path, DType::F32).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for end in [0, 5, 40, whole.len() - 1] {
            let error = Record::from_safetensors(&whole[..end]).unwrap_err();
            assert!(error.message.starts_with("expected a whole .safetensors file"), "{error}");
        }
        let missing = Record::load(&folder.path().join("none")).unwrap_err();
        assert!(missing.message.starts_with("reading a record: No such file"), "{missing}");
    }

    #[test]
    fn values_share_the_tensors() {
        let original = record();
        let address = original.fields[0].1.bytes().as_ptr();
        let value = original.into_value();
        assert_eq!(value.type_name(), "LAYOUT");
        assert_eq!(value.field("gaussians").unwrap().bytes().as_ptr(), address);
        assert_eq!(value.host_bytes(), 48);
        assert_eq!(value.field("nothing").unwrap_err().message, "expected a field of LAYOUT, got `nothing`");
        assert_eq!(Record::from_value(&Value::int(1)).unwrap_err().message, "expected a record, got INT");
    }
}
