//! Icons: the choice among the pictures of a file. The crate `image` reads PNG pictures in it only if they have RGBA.

use super::{png::SIGNATURE, refusal::Refusal};

/// The largest picture of an icon, the deepest of equally large ones: a file of its own. It is either PNG or an icon with one
/// picture.
///
/// # Errors
/// The list of pictures is damaged.
pub(crate) fn largest(file: &[u8]) -> Result<Vec<u8>, Refusal> {
    let ends = || Refusal::Damaged("the file ends too early".to_owned());
    let count = file.get(4..6).map(|count| usize::from(u16::from_le_bytes([count[0], count[1]]))).ok_or_else(ends)?;
    let entries = file.get(6..6 + count * 16).ok_or_else(ends)?.as_chunks::<16>().0;
    let side = |byte: u8| if byte == 0 { 256 } else { u32::from(byte) };
    // The first of equal ones.
    let best = entries
        .iter()
        .rev()
        .max_by_key(|entry| (side(entry[0]) * side(entry[1]), u16::from_le_bytes([entry[6], entry[7]])));
    let best = best.ok_or_else(|| Refusal::Damaged("it has no pictures".to_owned()))?;
    let number = |at: usize| u32::from_le_bytes([best[at], best[at + 1], best[at + 2], best[at + 3]]) as usize;
    let (length, start) = (number(8), number(12));
    let data = start.checked_add(length).and_then(|end| file.get(start..end)).ok_or_else(ends)?;
    if data.starts_with(SIGNATURE) {
        return Ok(data.to_vec());
    }
    let mut entry = *best;
    let data = &data[..mend(&mut entry, data).min(data.len())];
    entry[8..12].copy_from_slice(&(data.len() as u32).to_le_bytes());
    entry[12..].copy_from_slice(&22_u32.to_le_bytes());
    Ok([&[0, 0, 1, 0, 1, 0], &entry[..], data].concat())
}

/// Gives an entry the size in the header of its picture, which some programs write wrong in the list, and returns the bytes that
/// the picture takes: header, colours, pixels and mask. Some programs write more behind them, and some write a mask that is too short,
/// which does not count.
fn mend(entry: &mut [u8; 16], data: &[u8]) -> usize {
    let Some(header) = data.first_chunk::<40>() else { return data.len() };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    // The height counts the colours and the mask.
    let (width, height, bits) = (number(4), number(8) / 2, usize::from(header[14]));
    if width > 256 || height > 256 || bits > 32 {
        return data.len();
    }
    (entry[0], entry[1]) = (width as u8, height as u8);
    let colours = match (bits, number(32)) {
        (1..=8, 0) => 1 << bits,
        (1..=8, colours) => colours.min(256),
        _ => 0,
    };
    let pixels = number(0).min(256) + 4 * colours + height * ((width * bits).div_ceil(32) * 4);
    let mask = height * width.div_ceil(32) * 4;
    if data.len() < pixels + mask { pixels } else { pixels + mask }
}
