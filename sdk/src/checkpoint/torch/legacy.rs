//! PyTorch's format before 1.6: four pickles (a magic number, a version, facts about the machine, and the value), a pickle with
//! the keys of all storages, and then the storages in this order, each behind its number of elements.

use super::{Storages, archive::storage_id, globals, tensor::element_size};
use crate::{
    Error, Result,
    checkpoint::pickle::{Parsed, Pickle, parse_first},
    content::Content,
    limits::Budget,
};
use std::{collections::HashMap, ops::Range};

/// The magic number as the protocols 2 to 5 write it, and as the protocols 0 and 1 do.
const BINARY: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const TEXT: &[u8] = b"L119547037146038801333356L\n.";
const VERSION: i64 = 1001;

pub(super) fn is_legacy(start: &[u8]) -> bool {
    magic_end(start).is_some()
}

/// The end of the pickle of the magic number.
fn magic_end(bytes: &[u8]) -> Option<usize> {
    // The protocols 4 and 5 put a frame around it.
    let at = [0, 2, 11].into_iter().find(|at| {
        let number = bytes.get(*at..).unwrap_or_default();
        if *at == 0 { number.starts_with(TEXT) } else { bytes.first() == Some(&0x80) && number.starts_with(BINARY) }
    })?;
    Some(at + if at == 0 { TEXT.len() } else { BINARY.len() })
}

/// The value that was saved, and the numbers of its tensors.
pub(super) fn read(content: &Content, budget: Budget) -> Result<(Pickle, Storages)> {
    let bytes = content.bytes();
    let damaged = || Error::new("expected a whole file of torch.save, got a damaged one");
    let mut at = magic_end(bytes).ok_or_else(damaged)?;
    let mut next = || -> Result<Parsed> {
        let parsed = parse_first(&bytes[at..], &globals::accept)?;
        at += parsed.end;
        Ok(parsed)
    };
    let version = next()?.root;
    if version != Pickle::Int(VERSION) {
        return Err(Error::new(format!("expected version {VERSION} of PyTorch's older format, got another one")));
    }
    next()?;
    let Parsed { root, persistent, .. } = next()?;
    let Pickle::List(keys) = next()?.root else { return Err(damaged()) };

    let sizes = persistent.iter().filter_map(storage_id).map(|(class, key, _)| (key, element_size(&class)));
    let sizes: HashMap<&str, Option<usize>> = sizes.collect();
    let mut ranges: HashMap<String, Range<usize>> = HashMap::new();
    for key in &keys {
        let key = key.as_text().ok_or_else(damaged)?;
        let size = sizes.get(key).copied().ok_or_else(damaged)?;
        let size =
            size.ok_or_else(|| Error::new("expected storages of known element types, got one of another type"))?;
        let count = bytes.get(at..at + 8).and_then(|count| count.try_into().ok()).map(u64::from_le_bytes);
        at += 8;
        let length = count.and_then(|count| usize::try_from(count).ok()?.checked_mul(size));
        let end = length.and_then(|length| at.checked_add(length)).filter(|end| *end <= bytes.len());
        let end = end.ok_or_else(|| {
            Error::new(format!(
                "expected the numbers of all tensors, got a file that ends too early, at byte {}",
                bytes.len()
            ))
        })?;
        ranges.insert(key.to_owned(), at..end);
        at = end;
    }
    for (class, key, view) in persistent.iter().filter_map(storage_id) {
        let [view_key, Pickle::Int(offset), Pickle::Int(count)] = view.items() else { continue };
        let whole = ranges.get(key).ok_or_else(damaged)?.clone();
        let of = |count: i64| usize::try_from(count).ok()?.checked_mul(element_size(&class)?);
        let start = of(*offset).and_then(|offset| offset.checked_add(whole.start));
        let end = start.zip(of(*count)).and_then(|(start, length)| start.checked_add(length));
        let (Some(start), Some(end)) = (start, end.filter(|end| *end <= whole.end)) else { return Err(damaged()) };
        ranges.insert(view_key.as_text().ok_or_else(damaged)?.to_owned(), start..end);
    }
    // These files are little-endian, whatever machine wrote them.
    Ok((root, Storages { content: content.clone(), ranges, swapped: cfg!(target_endian = "big"), budget }))
}
