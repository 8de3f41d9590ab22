//! Reads tokens from bytes.

use super::{
    Bits, GEOMETRY, Group, MAGIC, SHORTEST, TokenFile, VERSION,
    coding::{Adaptive, Reader},
    count, flag, most_numbers, numbers,
    steps::Range,
};

/// The largest side of a picture, tile, grid or map.
const LARGEST_SIDE: u32 = 65_536;

/// The tokens of a file, and the bits of its numbers. The reader allocates no more memory than the length of the file
/// justifies.
///
/// # Errors
/// The bytes are not a token file, are damaged, or have a newer version.
pub fn decode(bytes: &[u8]) -> Result<(TokenFile, Bits), String> {
    if !bytes.starts_with(&MAGIC) {
        return Err("expected a token file, which begins with GPST, got another kind of file".to_owned());
    }
    let Some(&version) = bytes.get(MAGIC.len()).filter(|_| bytes.len() >= SHORTEST) else {
        return Err(cut_off());
    };
    if version != VERSION {
        return Err(format!("expected version {VERSION} of the format, got version {version}. Update this program"));
    }
    let Some((content, checksum)) = bytes.split_last_chunk::<4>() else { return Err(cut_off()) };
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err("expected a whole file, got a wrong checksum: the file is damaged or cut off. Copy it again from its source".to_owned());
    }
    let mut content = Content { rest: &content[MAGIC.len() + 1..], whole: bytes.len() };
    let (mut file, bits) = header(&mut content)?;
    numbers_of(&mut content, &mut file, bits)?;
    Ok((file, bits))
}

fn cut_off() -> String {
    "expected a whole file, got one that ends too early. Copy it again from its source".to_owned()
}

fn wrong(what: &str) -> String {
    format!(
        "expected a file in this format, got {what}. The checksum fits, so the program that wrote the file has an error"
    )
}

/// The bytes that are not yet read.
struct Content<'a> {
    rest: &'a [u8],
    /// The length of the whole file.
    whole: usize,
}

impl<'a> Content<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| wrong("an early end"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn float(&mut self) -> Result<f32, String> {
        let bytes = self.take(4)?;
        Ok(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A whole number in its shortest form; see `write::whole`.
    fn number(&mut self) -> Result<u32, String> {
        let mut number = 0u64;
        for place in 0..5 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || place == 0;
                return u32::try_from(number).ok().filter(|_| shortest).ok_or_else(|| wrong("a malformed number"));
            }
        }
        Err(wrong("a malformed number"))
    }

    fn size(&mut self) -> Result<usize, String> {
        self.number().map(|number| number as usize)
    }

    /// A side of a picture, tile, grid or map.
    fn side(&mut self) -> Result<u32, String> {
        let side = self.number()?;
        if (1..=LARGEST_SIDE).contains(&side) { Ok(side) } else { Err(wrong(&format!("a side of {side}"))) }
    }

    fn sides(&mut self) -> Result<[u32; 2], String> {
        Ok([self.side()?, self.side()?])
    }
}

fn header(content: &mut Content<'_>) -> Result<(TokenFile, Bits), String> {
    let flags = content.byte()?;
    if flags & !flag::ALL != 0 {
        return Err(wrong(&format!("the unknown flags {:#x}", flags & !flag::ALL)));
    }
    let [position, size, rho, texture] = [content.byte()?, content.byte()?, content.byte()?, content.byte()?];
    let bits = Bits { position, size, rho, texture };
    if Group::ALL.iter().any(|group| group.bits(bits) > Bits::MOST) {
        return Err(wrong(&format!("{bits:?}, more than {}", Bits::MOST)));
    }
    let [batch, tokens, channels] = [content.size()?, content.size()?, content.size()?];
    let most = most_numbers(content.whole);
    // Very many pictures without tokens, or tokens without channels, are too much as well.
    if numbers(batch.max(1), tokens.max(1), channels).is_none_or(|all| all > most) {
        return Err(wrong(&format!(
            "{} of {} with {}, too many for {} bytes",
            count(batch, "picture"),
            count(tokens, "token"),
            count(channels, "channel"),
            content.whole
        )));
    }
    let (canvas, tile, grid) = (content.sides()?, content.side()?, content.sides()?);
    let has = |flag: u8| flags & flag != 0;
    let map = has(flag::MAP).then(|| content.sides()).transpose()?;
    let support = has(flag::SUPPORT).then(|| content.float()).transpose()?;
    if support.is_some_and(|support| !(support > 0.0 && support.is_finite())) {
        return Err(wrong(&format!("a support of {support:?}")));
    }
    let mut model = None;
    if has(flag::MODEL) {
        let length = content.size()?;
        let name = content.take(length)?.to_vec();
        model = Some(String::from_utf8(name).map_err(|_| wrong("a model's name that is not UTF-8"))?);
    }
    let mut counts = None;
    if has(flag::COUNTS) {
        let used = (0..batch).map(|_| content.size()).collect::<Result<Vec<_>, _>>()?;
        if used.iter().any(|used| *used > tokens) {
            return Err(wrong(&format!("a picture with more than {}", count(tokens, "token"))));
        }
        counts = Some(used);
    }
    let gaussians = vec![0.0; batch * tokens * GEOMETRY];
    let textures = vec![0.0; batch * tokens * channels];
    Ok((
        TokenFile { batch, tokens, channels, gaussians, textures, counts, canvas, tile, grid, map, support, model },
        bits,
    ))
}

/// Reads the numbers of the tokens, the last part of the file.
fn numbers_of(content: &mut Content<'_>, file: &mut TokenFile, bits: Bits) -> Result<(), String> {
    let mut ranges = Vec::new();
    for group in Group::ALL {
        if group.bits(bits) == 0 {
            ranges.push((group, None));
            continue;
        }
        let (low, high) = (content.float()?, content.float()?);
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return Err(wrong(&format!("a {} from {low} to {high}", group.name())));
        }
        ranges.push((group, Some(Range::new(group, [low, high], group.bits(bits)))));
    }
    let rows = file.rows();
    for (group, _) in ranges.iter().filter(|(_, range)| range.is_none()) {
        for column in group.columns(file.channels) {
            for &row in &rows {
                *file.number_mut(row, column) = content.float()?;
            }
        }
    }
    let (words, odd) = content.rest.as_chunks::<4>();
    if !odd.is_empty() {
        return Err(wrong("extra bytes at the end"));
    }
    let words = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let mut reader = Reader::new(words).ok_or_else(|| wrong("coded numbers that begin with a 0"))?;
    for (group, range) in &ranges {
        let Some(range) = range else { continue };
        for column in group.columns(file.channels) {
            let mut model = Adaptive::new(group.bits(bits));
            for &row in &rows {
                *file.number_mut(row, column) = range.number(reader.read(&mut model));
            }
        }
    }
    if !reader.is_at_end() {
        return Err(wrong("extra bytes at the end"));
    }
    Ok(())
}
