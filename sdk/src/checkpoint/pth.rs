//! PyTorch's format since 1.6: a zip archive with a pickle `data.pkl` and a file `data/<key>` for each storage.

use super::{
    pickle::{Pickle, parse},
    strided::gather,
};
use crate::{DType, Error, Result, Tensor};
use std::{
    collections::{BTreeMap, HashMap},
    io::{Cursor, Read},
};
use zip::ZipArchive;

/// A storage's element type by its class in `torch`.
const STORAGES: [(&str, DType); 10] = [
    ("DoubleStorage", DType::F64),
    ("FloatStorage", DType::F32),
    ("HalfStorage", DType::F16),
    ("BFloat16Storage", DType::BF16),
    ("LongStorage", DType::I64),
    ("IntStorage", DType::I32),
    ("ShortStorage", DType::I16),
    ("CharStorage", DType::I8),
    ("ByteStorage", DType::U8),
    ("BoolStorage", DType::Bool),
];

/// Classes of dictionaries that give a checkpoint its structure.
const MAX_NESTING: usize = 16;

/// All tensors of the archive, from all dictionaries. Other content, such as step counts and settings, is ignored.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let mut archive = Archive::open(bytes)?;
    let root = parse(&archive.file("data.pkl")?)?;
    let mut tensors = BTreeMap::new();
    collect(&mut archive, "", &root, 0, &mut tensors)?;
    if tensors.is_empty() {
        return Err(Error::new("expected a checkpoint with tensors, got one without"));
    }
    Ok(tensors)
}

struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    folder: String,
    storages: HashMap<String, Vec<u8>>,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| Error::new(format!("expected a whole PyTorch archive, got a damaged one ({e})")))?;
        let mut names = zip.file_names().flatten();
        let folder = names
            .find_map(|n| n.strip_suffix("data.pkl").filter(|f| f.is_empty() || f.ends_with('/')).map(str::to_owned));
        drop(names);
        let folder =
            folder.ok_or_else(|| Error::new("expected a PyTorch checkpoint, got a zip archive without data.pkl"))?;
        Ok(Self { zip, folder, storages: HashMap::new() })
    }

    fn file(&mut self, name: &str) -> Result<Vec<u8>> {
        let path = format!("{}{name}", self.folder);
        let broken =
            |e: &dyn std::fmt::Display| Error::new(format!("reading the file `{path}` of the PyTorch archive: {e}"));
        let mut file = self.zip.by_name(&path).map_err(|e| broken(&e))?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|e| broken(&e))?;
        Ok(content)
    }
}

fn collect(
    archive: &mut Archive<'_>,
    prefix: &str,
    value: &Pickle,
    depth: usize,
    tensors: &mut BTreeMap<String, Tensor>,
) -> Result<()> {
    if depth > MAX_NESTING {
        return Err(Error::new("expected dictionaries without deep nesting, got ones that are nested too deeply"));
    }
    let join = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    let (function, arguments, state) = match value {
        Pickle::Dict(pairs) => return collect_pairs(archive, &join, pairs, depth, tensors),
        Pickle::Call { function, arguments, state } => {
            (function.global_name().unwrap_or_default(), &**arguments, state.as_deref())
        }
        Pickle::List(items) => {
            for (i, item) in items.iter().enumerate() {
                collect(archive, &join(&i.to_string()), item, depth + 1, tensors)?;
            }
            return Ok(());
        }
        Pickle::Global(module, name) => return allowed(&format!("{module}.{name}")),
        _ => return Ok(()),
    };
    match function.as_str() {
        "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => {
            let tensor = tensor(archive, arguments).map_err(|e| e.context(format!("the tensor `{prefix}`")))?;
            tensors.insert(prefix.to_owned(), tensor);
            Ok(())
        }
        "torch._utils._rebuild_parameter" => match arguments {
            Pickle::List(items) if !items.is_empty() => collect(archive, prefix, &items[0], depth + 1, tensors),
            _ => Ok(()),
        },
        "collections.OrderedDict" => match state {
            Some(Pickle::Dict(pairs)) => collect_pairs(archive, &join, pairs, depth, tensors),
            _ => Ok(()),
        },
        other => allowed(other),
    }
}

fn collect_pairs(
    archive: &mut Archive<'_>,
    join: &dyn Fn(&str) -> String,
    pairs: &[(Pickle, Pickle)],
    depth: usize,
    tensors: &mut BTreeMap<String, Tensor>,
) -> Result<()> {
    for (key, value) in pairs {
        let key = match key {
            Pickle::Text(key) => key.clone(),
            Pickle::Bytes(key) => String::from_utf8_lossy(key).into_owned(),
            Pickle::Int(key) => key.to_string(),
            _ => continue,
        };
        collect(archive, &join(&key), value, depth + 1, tensors)?;
    }
    Ok(())
}

/// Plain data that checkpoints hold beside tensors. Everything else would be code.
fn allowed(global: &str) -> Result<()> {
    const HARMLESS: [&str; 7] = [
        "torch.Size",
        "torch.float32",
        "torch.float16",
        "torch.bfloat16",
        "torch.device",
        "collections.defaultdict",
        "builtins.set",
    ];
    if HARMLESS.contains(&global) {
        return Ok(());
    }
    Err(Error::new(format!(
        "expected a file without code, got one that asks to run `{global}`. If you trust the file, load it in Python and save its state_dict() as .safetensors"
    )))
}

/// The tensor of a call with the arguments storage, offset, size, stride, ...
fn tensor(archive: &mut Archive<'_>, arguments: &Pickle) -> Result<Tensor> {
    let unknown = || Error::new("expected a tensor in the usual form, got another form");
    let Pickle::List(items) = arguments else { return Err(unknown()) };
    let [Pickle::Persistent(id), Pickle::Int(offset), Pickle::List(sizes), Pickle::List(strides), ..] = &items[..]
    else {
        return Err(unknown());
    };
    let Pickle::List(id) = &**id else { return Err(unknown()) };
    let [Pickle::Text(_), class, Pickle::Text(key), ..] = &id[..] else { return Err(unknown()) };
    let class = class.global_name().unwrap_or_default();
    let dtype = STORAGES.iter().find(|(name, _)| class == format!("torch.{name}")).map(|(_, dtype)| *dtype);
    let dtype = dtype.ok_or_else(|| Error::new(format!("expected a supported element type, got `{class}`")))?;
    let numbers = |values: &[Pickle]| -> Result<Vec<usize>> {
        values
            .iter()
            .map(|v| if let Pickle::Int(i) = v { usize::try_from(*i).map_err(|_| unknown()) } else { Err(unknown()) })
            .collect()
    };
    let (shape, strides) = (numbers(sizes)?, numbers(strides)?);
    if shape.len() != strides.len() {
        return Err(unknown());
    }
    let offset = usize::try_from(*offset).map_err(|_| unknown())?;
    if !archive.storages.contains_key(key) {
        let content = archive.file(&format!("data/{key}"))?;
        archive.storages.insert(key.clone(), content);
    }
    let storage = &archive.storages[key];
    gather(storage, dtype, offset, &shape, &strides)
}
