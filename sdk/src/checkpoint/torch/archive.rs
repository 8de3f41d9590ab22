//! PyTorch's format since 1.6: a zip archive with a pickle `data.pkl` and a file `data/<key>` for each storage.

use super::{Storages, globals};
use crate::{
    Error, Result,
    checkpoint::pickle::{Parsed, Pickle, parse_first},
    content::Content,
    limits::Budget,
};
use std::{collections::HashMap, io::Cursor, ops::Range};
use zip::{CompressionMethod, ZipArchive};

pub(super) fn is_archive(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// The value that was saved, and the numbers of its tensors.
pub(super) fn read(content: &Content, budget: Budget) -> Result<(Pickle, Storages)> {
    let bytes = content.bytes();
    let mut archive = Archive::open(bytes)?;
    let pickle = archive.place("data.pkl")?;
    let Parsed { root, persistent, .. } = parse_first(&bytes[pickle], &globals::accept)?;
    let mut ranges = HashMap::new();
    for id in &persistent {
        let Some((_, key, _)) = storage_id(id) else { continue };
        if !ranges.contains_key(key) {
            ranges.insert(key.to_owned(), archive.place(&format!("data/{key}"))?);
        }
    }
    let big_endian = match archive.has("byteorder") {
        true => match &bytes[archive.place("byteorder")?] {
            b"little" => false,
            b"big" => true,
            other => {
                let got = String::from_utf8_lossy(&other[..other.len().min(20)]).into_owned();
                return Err(Error::new(format!(
                    "expected the byte order `little` or `big` in the PyTorch archive, got {got:?}"
                )));
            }
        },
        false => false,
    };
    Ok((
        root,
        Storages { content: content.clone(), ranges, swapped: big_endian != cfg!(target_endian = "big"), budget },
    ))
}

/// The class, the key and the view of a reference to a storage. Only older files have views: a key, an offset and a size.
pub(super) fn storage_id(persistent: &Pickle) -> Option<(String, &str, &Pickle)> {
    let Pickle::Persistent(id) = persistent else { return None };
    let [kind, class, key, _location, _count, rest @ ..] = id.items() else { return None };
    (kind.as_text()? == "storage").then_some((
        class.global_name()?,
        key.as_text()?,
        rest.first().unwrap_or(&Pickle::None),
    ))
}

struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    folder: String,
    length: usize,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|e| Error::new(format!("expected a whole PyTorch archive, got a damaged one ({e})")))?;
        let names: Vec<_> = zip.file_names().flatten().map(|name| name.into_owned()).collect();
        let folder_of = |name: &String| {
            name.strip_suffix("data.pkl").filter(|f| f.is_empty() || f.ends_with('/')).map(str::to_owned)
        };
        let Some(folder) = names.iter().find_map(folder_of) else {
            let arrays = names.iter().any(|name| name.ends_with(".npy"));
            let got = if arrays { "an archive of NumPy arrays (.npz)" } else { "a zip archive without data.pkl" };
            return Err(Error::new(format!("expected a PyTorch checkpoint, got {got}")));
        };
        if names.iter().any(|name| name.strip_prefix(&folder) == Some("constants.pkl")) {
            return Err(Error::new(
                "expected a checkpoint, got a TorchScript program; load it with torch.jit.load and save its state_dict() as .safetensors",
            ));
        }
        Ok(Self { zip, folder, length: bytes.len() })
    }

    fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(&format!("{}{name}", self.folder)).is_some()
    }

    /// The place of a file of the archive, whose checksum is right.
    fn place(&mut self, name: &str) -> Result<Range<usize>> {
        let path = format!("{}{name}", self.folder);
        let doing = format!("reading the file `{path}` of the PyTorch archive");
        let broken = |e: &dyn std::fmt::Display| Error::new(e).context(&doing);
        let index = self.zip.index_for_name(&path).ok_or_else(|| broken(&"expected such a file, got none"))?;
        let raw = self.zip.by_index_raw(index).map_err(|e| broken(&e))?;
        if raw.compression() != CompressionMethod::Stored {
            let message = "expected a file without compression, as torch.save writes it, got a compressed one; unpack the archive and pack it again without compression";
            return Err(broken(&message));
        }
        drop(raw);
        let mut file = self.zip.by_index(index).map_err(|e| broken(&e))?;
        let size = std::io::copy(&mut file, &mut std::io::sink()).map_err(|e| broken(&e))?;
        let start = file.data_start().and_then(|start| usize::try_from(start).ok());
        let end = start.zip(usize::try_from(size).ok()).and_then(|(start, size)| start.checked_add(size));
        let place = start.zip(end.filter(|end| *end <= self.length)).map(|(start, end)| start..end);
        place.ok_or_else(|| broken(&"expected a file inside the archive"))
    }
}
