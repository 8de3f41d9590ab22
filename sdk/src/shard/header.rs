//! The headers of a .tar file: blocks of 512 bytes in front of the members, of the forms v7, ustar, GNU and pax.

/// The bytes of a header. Every member begins at a multiple of it.
pub(super) const BLOCK: usize = 512;

/// What a header describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// The content is the name of the next member.
    LongName,
    /// The content is about the next member: lines of the form `LENGTH KEY=VALUE`.
    Pax,
    /// Content that says nothing about names and sizes: the target of a long link, a label, defaults for all members.
    Note,
    /// A sparse file of GNU tar; if set, the header continues in further blocks.
    Sparse {
        continues: bool,
    },
    Link,
    /// A device, a pipe, or a kind that nobody has defined.
    Other,
}

/// A header.
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) name: Vec<u8>,
    /// The bytes of the content, as the header declares them.
    pub(super) length: u64,
}

impl Header {
    /// Reads a header; `None` if the block is none.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Option<Self> {
        let sum = number(&block[148..156])?;
        if sum != sum_of(block, u64::from) && sum != sum_of(block, |byte| i64::from(byte.cast_signed()).cast_unsigned())
        {
            return None;
        }
        let mut name = text(&block[..100]).to_vec();
        // GNU tar has times in the place of the prefix, and another mark.
        let prefix = if &block[257..263] == b"ustar\0" { text(&block[345..500]) } else { b"" };
        if !prefix.is_empty() {
            name = [prefix, &name].join(&b'/');
        }
        let kind = match block[156] {
            b'0' | 0 | b'7' => Kind::File,
            b'1' | b'2' => Kind::Link,
            b'5' | b'D' => Kind::Folder,
            b'L' => Kind::LongName,
            b'x' => Kind::Pax,
            b'K' | b'V' | b'g' => Kind::Note,
            b'S' => Kind::Sparse { continues: block[482] != 0 },
            _ => Kind::Other,
        };
        // Links, devices and folders may declare a size, but have no content.
        let length = if matches!(block[156], b'1'..=b'6') { 0 } else { number(&block[124..136])? };
        Some(Self { kind, name, length })
    }
}

/// The sum of the bytes of a header, where the sum itself counts as spaces. Old programs add bytes with signs.
fn sum_of(block: &[u8; BLOCK], value: impl Fn(u8) -> u64) -> u64 {
    let byte = |(at, byte): (usize, &u8)| value(if (148..156).contains(&at) { b' ' } else { *byte });
    block.iter().enumerate().map(byte).fold(0, u64::wrapping_add)
}

/// A text in a field, which ends with a zero byte or with the field.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}

/// A number in octal digits, or, behind a mark, in plain bytes. A number beyond 64 bits becomes the largest.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if *first == 0x80 {
        let whole = rest.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        return Some(u64::try_from(whole).unwrap_or(u64::MAX));
    }
    let digits = std::str::from_utf8(text(field)).ok()?.trim_matches(' ');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// What the content of a pax header says about the next member.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) name: Option<Vec<u8>>,
    pub(super) length: Option<u64>,
    pub(super) is_sparse: bool,
}

impl Pax {
    /// Reads the lines; `None` if one has another form.
    pub(super) fn parse(mut lines: &[u8]) -> Option<Self> {
        let mut pax = Self::default();
        while !lines.is_empty() {
            // The length counts the whole line, with its own digits and the line end.
            let space = lines.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&lines[..space]).ok()?.parse().ok()?;
            let line = lines.get(space + 1..length)?.strip_suffix(b"\n")?;
            lines = &lines[length..];
            let equals = line.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&line[..equals], &line[equals + 1..]);
            match key {
                b"path" => pax.name = Some(value.to_vec()),
                b"size" => pax.length = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                _ => pax.is_sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
        Some(pax)
    }
}
