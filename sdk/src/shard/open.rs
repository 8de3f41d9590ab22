//! Opens plain files and members of shards in one way.

use super::{compressed, index::Shard, known::State, split};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
};

/// A file to read: a plain one, or a member of a shard.
#[derive(Debug)]
pub struct InputFile {
    file: File,
    member: Option<Member>,
}

/// A member, whose file stands at byte `at`.
#[derive(Debug)]
struct Member {
    bytes: Range<u64>,
    at: u64,
    /// The shard, as its index describes it.
    state: State,
}

/// Opens the file at a path for reading. A path that continues behind a .tar file names a member of it:
/// `val-0003.tar/n01440764/1.jpg`. Nodes that open files through this function read data sets in shards without unpacking.
///
/// The shard's index is read once and remembered. To open a member is then a seek, and nothing but its bytes is read.
///
/// # Errors
/// There is no such file or member, or the shard is damaged. The message says what to do.
pub fn open_file(path: &Path) -> io::Result<InputFile> {
    let Some((shard, name)) = split(path) else {
        let file = File::open(path).map_err(|error| match compressed(path) {
            Some(hint) => io::Error::new(error.kind(), hint),
            None => error,
        })?;
        return Ok(InputFile { file, member: None });
    };
    let mut file = File::open(shard)?;
    let state = State::of(&file)?;
    let index = Shard::of(&file, &state, shard)?;
    let missing =
        |what: String| io::Error::new(io::ErrorKind::NotFound, format!("expected a member of a shard, got {what}"));
    let bytes = index.place(&name).map_err(missing)?;
    file.seek(SeekFrom::Start(bytes.start))?;
    Ok(InputFile { file, member: Some(Member { at: bytes.start, bytes, state }) })
}

impl InputFile {
    /// The number of bytes. Of a pipe or a device it is 0.
    ///
    /// # Errors
    /// The system does not tell it.
    pub fn length(&self) -> io::Result<u64> {
        match &self.member {
            Some(member) => Ok(member.bytes.end - member.bytes.start),
            None => Ok(self.file.metadata()?.len()),
        }
    }

    /// Whether it has a length: it is no folder, pipe or device.
    pub(crate) fn is_file(&self) -> io::Result<bool> {
        Ok(self.member.is_some() || self.file.metadata()?.is_file())
    }

    /// The file, if it is no member of a shard.
    pub(crate) fn plain(&self) -> Option<&File> {
        self.member.is_none().then_some(&self.file)
    }
}

impl Read for InputFile {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let Some(member) = &mut self.member else { return self.file.read(to) };
        let left = usize::try_from(member.bytes.end.saturating_sub(member.at)).unwrap_or(usize::MAX);
        let most = left.min(to.len());
        if most == 0 {
            return Ok(0);
        }
        let length = self.file.read(&mut to[..most])?;
        member.at += length as u64;
        // Bytes that another program wrote meanwhile never count as the member.
        if length == 0 || State::of(&self.file)? != member.state {
            let message = "the shard changed while a member was read; run it again when nobody writes the shard";
            return Err(io::Error::other(message));
        }
        Ok(length)
    }
}

impl Seek for InputFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Some(member) = &mut self.member else { return self.file.seek(to) };
        let from = |start: u64, by: i64| start.checked_add_signed(by);
        let at = match to {
            SeekFrom::Start(at) => member.bytes.start.checked_add(at),
            SeekFrom::End(by) => from(member.bytes.end, by),
            SeekFrom::Current(by) => from(member.at, by),
        };
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a seek before the beginning of a member");
        let at = at.filter(|at| *at >= member.bytes.start).ok_or_else(before)?;
        member.at = self.file.seek(SeekFrom::Start(at))?;
        Ok(member.at - member.bytes.start)
    }
}
