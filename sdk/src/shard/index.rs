//! The members of a shard: their names, and where their bytes lie.

use super::header::{BLOCK, Header, Kind, Pax, text};
use crate::kind_of_file;
use std::{
    io::{self, BufReader, Read, Seek},
    mem::take,
    ops::Range,
};

/// The most bytes of a name, or of the lines about a member.
const LONGEST: u64 = 1 << 20;
/// The most members that are passed over and remembered by name.
const REMEMBERED: usize = 100;

/// The members of a shard that are plain files. A name that comes several times means the last member, as for programs that
/// unpack.
#[derive(Debug, Default)]
pub struct Shard {
    /// The names, one behind the other.
    names: String,
    /// In the order of the shard.
    members: Vec<Member>,
    /// The positions of the members, sorted by their names.
    sorted: Vec<u32>,
    passed_over: Vec<(String, &'static str)>,
    passed_over_count: usize,
}

#[derive(Debug)]
struct Member {
    start: u64,
    length: u64,
    /// Where its name ends.
    name_end: u32,
}

impl Shard {
    /// Reads the headers of a file of so many bytes from its beginning, and skips the contents.
    ///
    /// # Errors
    /// The file can't be read, is cut off, damaged or no .tar file.
    pub fn read(file: impl Read + Seek, size: u64) -> io::Result<Self> {
        let mut shard = Self::default();
        let mut reader = BufReader::new(file);
        let mut block = [0; BLOCK];
        let (mut at, mut long_name, mut pax) = (0, None, Pax::default());
        while at < size {
            if size - at < BLOCK as u64 {
                return Err(invalid(format!(
                    "expected a header of {BLOCK} bytes at byte {at}, got {} bytes; the file is cut off, or no .tar file",
                    size - at
                )));
            }
            reader.read_exact(&mut block)?;
            if block == [0; BLOCK] {
                break;
            }
            let Some(header) = Header::parse(&block) else { return Err(no_header(&block, at)) };
            let mut start = at + BLOCK as u64;
            if header.kind == (Kind::Sparse { continues: true }) {
                start += skip_sparse(&mut reader)?;
            }
            let is_member = !matches!(header.kind, Kind::LongName | Kind::Pax | Kind::Note);
            let about = if is_member { take(&mut pax) } else { Pax::default() };
            let name = about.name.or(if is_member { long_name.take() } else { None }).unwrap_or(header.name);
            let length = about.length.unwrap_or(header.length);
            let end = start.checked_add(length).filter(|end| *end <= size);
            let Some(end) = end else {
                return Err(invalid(format!(
                    "the member {:?} declares {length} bytes at byte {start}, but the file ends at byte {size}; it is cut off or damaged, so copy it again",
                    String::from_utf8_lossy(&name)
                )));
            };
            let mut read = 0;
            match header.kind {
                Kind::LongName => {
                    long_name = Some(text(&content(&mut reader, length)?).to_vec());
                    read = length;
                }
                Kind::Pax => {
                    let lines = content(&mut reader, length)?;
                    pax = Pax::parse(&lines).ok_or_else(|| {
                        invalid(format!(
                            "expected lines of a pax header at byte {start}, got others; the file is damaged"
                        ))
                    })?;
                    read = length;
                }
                Kind::Note | Kind::Folder => {}
                // Old programs mark folders only by their names.
                Kind::File if name.ends_with(b"/") => {}
                Kind::File if about.is_sparse => shard.pass_over(&name, "it is a sparse file, which is not read"),
                Kind::Sparse { .. } => shard.pass_over(&name, "it is a sparse file, which is not read"),
                Kind::Link => shard.pass_over(&name, "it is a link, which is not followed"),
                Kind::Other => shard.pass_over(&name, "it is no file"),
                Kind::File => match plain_name(&name) {
                    Ok(name) => shard.add(&name, start, length)?,
                    Err(why) => shard.pass_over(&name, why),
                },
            }
            at = end.next_multiple_of(BLOCK as u64);
            reader.seek_relative((at - start - read).cast_signed())?;
        }
        shard.sort();
        shard.names.shrink_to_fit();
        shard.members.shrink_to_fit();
        Ok(shard)
    }

    fn add(&mut self, name: &str, start: u64, length: u64) -> io::Result<()> {
        self.names += name;
        let name_end = u32::try_from(self.names.len())
            .map_err(|_| invalid("expected names of at most 4 GiB in all, got more; split the shard".to_owned()))?;
        self.members.push(Member { start, length, name_end });
        Ok(())
    }

    fn pass_over(&mut self, name: &[u8], why: &'static str) {
        self.passed_over_count += 1;
        if self.passed_over.len() < REMEMBERED {
            self.passed_over.push((String::from_utf8_lossy(name).into_owned(), why));
        }
    }

    /// Sorts the members by name, and drops those whose name comes again.
    fn sort(&mut self) {
        let sorted = |shard: &Self| {
            let mut positions: Vec<u32> = (0..).take(shard.len()).collect();
            positions.sort_by(|a, b| shard.name(*a as usize).cmp(shard.name(*b as usize)));
            positions
        };
        self.sorted = sorted(self);
        let is_again = |pair: &[u32]| self.name(pair[0] as usize) == self.name(pair[1] as usize);
        // Equal names stay in the order of the shard.
        let mut dropped: Vec<u32> = self.sorted.windows(2).filter(|pair| is_again(pair)).map(|pair| pair[0]).collect();
        if dropped.is_empty() {
            return;
        }
        dropped.sort_unstable();
        let mut rest = Self { passed_over: take(&mut self.passed_over), ..Self::default() };
        rest.passed_over_count = self.passed_over_count;
        for (position, member) in self.members.iter().enumerate() {
            if dropped.binary_search(&(position as u32)).is_err() {
                rest.names += self.name(position);
                let name_end = rest.names.len() as u32;
                rest.members.push(Member { name_end, ..*member });
            }
        }
        rest.sorted = sorted(&rest);
        *self = rest;
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether the shard has no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn name(&self, position: usize) -> &str {
        let start = position.checked_sub(1).map_or(0, |before| self.members[before].name_end);
        &self.names[start as usize..self.members[position].name_end as usize]
    }

    /// The names of the members, in the order of the shard.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|position| self.name(position))
    }

    /// Whether the shard has a member of this name.
    ///
    /// # Errors
    /// It has none that can be used; the words say what it has in its place, and what to do.
    pub fn find(&self, name: &str) -> Result<(), String> {
        self.place(name).map(drop)
    }

    /// Where the bytes of a member lie.
    pub(super) fn place(&self, name: &str) -> Result<Range<u64>, String> {
        let Ok(at) = self.sorted.binary_search_by(|position| self.name(*position as usize).cmp(name)) else {
            let known = self.passed_over.iter().find(|(known, _)| known.trim_start_matches("./") == name);
            return Err(match known {
                Some((_, why)) => format!("the member {name:?} that can't be used: {why}"),
                None => format!("no member {name:?}; `tar tf` lists the members of the shard"),
            });
        };
        let member = &self.members[self.sorted[at] as usize];
        Ok(member.start..member.start + member.length)
    }

    /// The number of members that can't be used: links, sparse files, devices, and names that lead out of the shard.
    pub fn passed_over_count(&self) -> usize {
        self.passed_over_count
    }

    /// The first 100 of these, each with the reason.
    pub fn passed_over(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.passed_over.iter().map(|(name, why)| (name.as_str(), *why))
    }
}

/// The name of a member without `.` and repeated slashes.
///
/// # Errors
/// The reason why it can't be used.
fn plain_name(name: &[u8]) -> Result<String, &'static str> {
    let name = std::str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
    if name.starts_with('/') {
        return Err("its name is absolute");
    }
    if name.contains('\0') {
        return Err("its name has a zero byte");
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err("its name leads out of the shard");
    }
    if parts.is_empty() { Err("it has no name") } else { Ok(parts.join("/")) }
}

/// The content of a header, which is small.
fn content(reader: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    if length > LONGEST {
        return Err(invalid(format!(
            "expected a name or lines of at most {LONGEST} bytes about a member, got {length} bytes"
        )));
    }
    let mut content = Vec::new();
    reader.take(length).read_to_end(&mut content)?;
    Ok(content)
}

/// Skips the further blocks of a header of a sparse file, and returns their bytes.
fn skip_sparse(reader: &mut impl Read) -> io::Result<u64> {
    let (mut block, mut bytes) = ([0; BLOCK], 0);
    loop {
        reader.read_exact(&mut block)?;
        bytes += BLOCK as u64;
        if block[504] == 0 {
            return Ok(bytes);
        }
    }
}

fn no_header(block: &[u8; BLOCK], at: u64) -> io::Error {
    invalid(match kind_of_file(block).filter(|_| at == 0 && &block[257..262] != b"ustar") {
        Some(kind) => format!("expected a .tar file, got {kind}"),
        None => {
            format!("expected a header of a member at byte {at}, got other bytes; the file is damaged, or no .tar file")
        }
    })
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
