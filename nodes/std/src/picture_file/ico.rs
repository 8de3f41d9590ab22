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
    entry[12..].copy_from_slice(&22_u32.to_le_bytes());
    Ok([&[0, 0, 1, 0, 1, 0], &entry[..], data].concat())
}
