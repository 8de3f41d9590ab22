//! Directories of tags, as TIFF files and EXIF data have them.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// The most entries of a directory that are read.
const MOST_ENTRIES: u64 = 4096;

/// The first directory of a file, with its values read on demand.
pub(crate) struct Directory<R> {
    reader: R,
    big_endian: bool,
    big_tiff: bool,
    length: u64,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The values, or the place of the values if they take more space.
    field: [u8; 8],
}

impl<R: Read + Seek> Directory<R> {
    /// Reads the header and the first directory of TIFF, BigTIFF or EXIF data.
    ///
    /// # Errors
    /// The data can't be read, end too early, or don't begin as TIFF does.
    pub(crate) fn first(mut reader: R) -> io::Result<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        let mut start = [0; 4];
        reader.read_exact(&mut start)?;
        let (big_endian, version) = match start {
            [b'I', b'I', low, high] => (false, u16::from_le_bytes([low, high])),
            [b'M', b'M', high, low] => (true, u16::from_be_bytes([high, low])),
            _ => return Err(wrong("no TIFF header")),
        };
        if version != 42 && version != 43 {
            return Err(wrong("an unknown version in the TIFF header"));
        }
        let mut directory = Self { reader, big_endian, big_tiff: version == 43, length, entries: Vec::new() };
        if directory.big_tiff && (directory.unsigned(2)? != 8 || directory.unsigned(2)? != 0) {
            return Err(wrong("a BigTIFF header with wrong sizes"));
        }
        let at = directory.offset()?;
        directory.reader.seek(SeekFrom::Start(at))?;
        let count = if directory.big_tiff { directory.unsigned(8)? } else { directory.unsigned(2)? };
        for _ in 0..count.min(MOST_ENTRIES) {
            let (tag, kind) = (directory.unsigned(2)? as u16, directory.unsigned(2)? as u16);
            let count = directory.offset()?;
            let mut field = [0; 8];
            directory.reader.read_exact(&mut field[..if version == 43 { 8 } else { 4 }])?;
            directory.entries.push(Entry { tag, kind, count, field });
        }
        Ok(directory)
    }

    /// The order of bytes in numbers.
    pub(crate) fn big_endian(&self) -> bool {
        self.big_endian
    }

    /// Whether the directory has a tag.
    pub(crate) fn has(&self, tag: u16) -> bool {
        self.entries.iter().any(|entry| entry.tag == tag)
    }

    /// The bytes of a tag as they stand in the file; `None` without the tag.
    ///
    /// # Errors
    /// The file ends too early or can't be read.
    pub(crate) fn bytes(&mut self, tag: u16) -> io::Result<Option<Vec<u8>>> {
        let Some(entry) = self.entries.iter().find(|entry| entry.tag == tag).copied() else { return Ok(None) };
        let size = size_of_kind(entry.kind).ok_or_else(|| wrong("a tag of an unknown type"))?;
        let bytes = entry.count.checked_mul(size as u64).filter(|bytes| *bytes <= self.length);
        let bytes = bytes.ok_or(ErrorKind::UnexpectedEof)?;
        if bytes <= if self.big_tiff { 8 } else { 4 } {
            return Ok(Some(entry.field[..bytes as usize].to_vec()));
        }
        let at = if self.big_tiff { self.number_of(&entry.field) } else { self.number_of(&entry.field[..4]) };
        self.read(at, bytes).map(Some)
    }

    /// `bytes` bytes at a place of the file.
    ///
    /// # Errors
    /// The file ends too early or can't be read.
    pub(crate) fn read(&mut self, at: u64, bytes: u64) -> io::Result<Vec<u8>> {
        if at.checked_add(bytes).is_none_or(|end| end > self.length) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.reader.seek(SeekFrom::Start(at))?;
        let mut data = Vec::new();
        (&mut self.reader).take(bytes).read_to_end(&mut data)?;
        if data.len() as u64 == bytes { Ok(data) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    /// The whole numbers of a tag, of any type of whole numbers; `None` without the tag.
    ///
    /// # Errors
    /// The file ends too early or can't be read, or the values are no whole numbers.
    pub(crate) fn numbers(&mut self, tag: u16) -> io::Result<Option<Vec<u64>>> {
        let Some(kind) = self.entries.iter().find(|entry| entry.tag == tag).map(|entry| entry.kind) else {
            return Ok(None);
        };
        let size = match kind {
            1 | 3 | 4 | 6 | 8 | 9 | 13 | 16 | 17 | 18 => size_of_kind(kind).unwrap_or(1),
            _ => return Err(wrong("a tag whose values are no whole numbers")),
        };
        let bytes = self.bytes(tag)?.unwrap_or_default();
        Ok(Some(bytes.chunks_exact(size).map(|value| self.number_of(value)).collect()))
    }

    /// The first whole number of a tag; `None` without the tag.
    ///
    /// # Errors
    /// As for [`Directory::numbers`].
    pub(crate) fn number(&mut self, tag: u16) -> io::Result<Option<u64>> {
        Ok(self.numbers(tag)?.and_then(|values| values.first().copied()))
    }

    /// The fractions of a tag; `None` without the tag or if it has other values.
    ///
    /// # Errors
    /// The file ends too early or can't be read.
    pub(crate) fn fractions(&mut self, tag: u16) -> io::Result<Option<Vec<f64>>> {
        if !self.entries.iter().any(|entry| entry.tag == tag && entry.kind == 5) {
            return Ok(None);
        }
        let bytes = self.bytes(tag)?.unwrap_or_default();
        let value = |pair: &[u8]| self.number_of(&pair[..4]) as f64 / self.number_of(&pair[4..]) as f64;
        Ok(Some(bytes.chunks_exact(8).map(value).collect()))
    }

    fn offset(&mut self) -> io::Result<u64> {
        self.unsigned(if self.big_tiff { 8 } else { 4 })
    }

    fn unsigned(&mut self, size: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes[..size])?;
        Ok(self.number_of(&bytes[..size]))
    }

    fn number_of(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }
}

/// The bytes of one value.
fn size_of_kind(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}

fn wrong(reason: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}
