//! The parts of PNG files that the crate `image` does not show: data about the pixels in any form that programs write, and files
//! without an end.

use super::metadata::{EXIF_PREFIX, Metadata, XMP_PREFIX};
use flate2::read::ZlibDecoder;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// The first bytes of a file.
pub(crate) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The most bytes of a text or a profile, unpacked.
const MOST_BYTES: u64 = 64 << 20;

/// What the chunks of a file say.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// Data about the pixels.
    pub(crate) metadata: Metadata,
    /// Colours in another space than sRGB by numbers (chunk `cICP`).
    pub(crate) other_colours: bool,
    /// The last chunk, IEND, is there.
    pub(crate) ends: bool,
    /// The bytes before the first chunk that is not whole.
    whole: u64,
}

impl Chunks {
    /// Reads all chunks but the pixels, and goes back to the beginning of the file.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn read<R: BufRead + Seek>(reader: &mut R) -> io::Result<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        let mut chunks = Self { whole: SIGNATURE.len() as u64, ..Self::default() };
        while !chunks.ends {
            reader.seek(SeekFrom::Start(chunks.whole))?;
            let mut head = [0; 8];
            if chunks.whole + 12 > length {
                break;
            }
            reader.read_exact(&mut head)?;
            let [a, b, c, d, kind @ ..] = head;
            let size = u64::from(u32::from_be_bytes([a, b, c, d]));
            if chunks.whole + 12 + size > length {
                break;
            }
            if matches!(&kind, b"eXIf" | b"iCCP" | b"tEXt" | b"zTXt" | b"iTXt" | b"cICP") {
                let mut data = Vec::new();
                reader.by_ref().take(size).read_to_end(&mut data)?;
                chunks.add(kind, &data);
            }
            chunks.ends = &kind == b"IEND";
            chunks.whole += 12 + size;
        }
        reader.seek(SeekFrom::Start(0))?;
        Ok(chunks)
    }

    fn add(&mut self, kind: [u8; 4], data: &[u8]) {
        let metadata = &mut self.metadata;
        let (keyword, rest) = split(data);
        match &kind {
            b"eXIf" => metadata.exif = Some(data.to_vec()),
            b"iCCP" => metadata.icc = rest.split_first().and_then(|(_, packed)| unpacked(packed)),
            // Primaries, curve, matrix and range of sRGB.
            b"cICP" => self.other_colours = data != [1, 13, 0, 1],
            b"iTXt" if keyword == b"XML:com.adobe.xmp" => {
                let [packed, _, rest @ ..] = rest else { return };
                let text = split(split(rest).1).1;
                metadata.xmp = if *packed == 0 { Some(text.to_vec()) } else { unpacked(text) };
            }
            b"tEXt" => self.raw_profile(keyword, rest),
            b"zTXt" if keyword.starts_with(b"Raw profile") => {
                if let Some(text) = rest.split_first().and_then(|(_, packed)| unpacked(packed)) {
                    self.raw_profile(keyword, &text);
                }
            }
            _ => (),
        }
    }

    /// A text that holds other data as hexadecimal digits behind their name and their length. The chunk `eXIf` counts before it.
    fn raw_profile(&mut self, keyword: &[u8], text: &[u8]) {
        let Some(kind) = keyword.strip_prefix(b"Raw profile type ") else { return };
        let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let length = words.nth(1).and_then(|word| str::from_utf8(word).ok()?.parse::<usize>().ok());
        let digits: Vec<u8> =
            words.flatten().filter_map(|c| (*c as char).to_digit(16)).map(|digit| digit as u8).collect();
        let mut data: Vec<u8> = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
        data.truncate(length.unwrap_or(0));
        let metadata = &mut self.metadata;
        if data.starts_with(EXIF_PREFIX) || kind.eq_ignore_ascii_case(b"exif") {
            metadata.exif.get_or_insert(data);
        } else if let Some(xmp) = data.strip_prefix(XMP_PREFIX) {
            metadata.xmp.get_or_insert(xmp.to_vec());
        } else if kind.eq_ignore_ascii_case(b"xmp") {
            metadata.xmp.get_or_insert(data);
        }
    }

    /// A file without an end, with one: whole chunks, the part of the pixels that is there, and the last chunk.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn mended<R: BufRead + Seek>(&self, reader: &mut R) -> io::Result<Vec<u8>> {
        reader.seek(SeekFrom::Start(0))?;
        let mut file = Vec::new();
        reader.read_to_end(&mut file)?;
        let rest = file.split_off((self.whole as usize).min(file.len()));
        if let Some((_, data)) = rest.split_at_checked(8).filter(|(head, _)| head.ends_with(b"IDAT")) {
            let size = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            put(&mut file, b"IDAT", &data[..data.len().min(size)]);
        }
        put(&mut file, b"IEND", &[]);
        Ok(file)
    }
}

fn put(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(data);
    file.extend([&(data.len() as u32).to_be_bytes()[..], kind, data, &sum.sum().to_be_bytes()].concat());
}

/// What stands before the first zero, and what stands behind it.
fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    (&data[..end], data.get(end + 1..).unwrap_or_default())
}

fn unpacked(data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(data).take(MOST_BYTES).read_to_end(&mut text).ok()?;
    Some(text)
}
