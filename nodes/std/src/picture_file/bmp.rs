//! BMP files whose header is wrong about the place of the pixels.

/// Moves the place of the pixels behind the palette, where some programs say that the pixels begin with the palette.
pub(crate) fn mend(file: &mut [u8]) {
    let Some(number) = file
        .get(..50)
        .map(|start| |at: usize| u32::from_le_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]) as usize)
    else {
        return;
    };
    let (offset, header, colours) = (number(10), number(14), number(46));
    let bits = u16::from_le_bytes([file[28], file[29]]);
    if header >= 40 && offset == 14 + header && (1..=8).contains(&bits) {
        let colours = if colours == 0 { 1 << bits } else { colours.min(256) };
        file[10..14].copy_from_slice(&((offset + 4 * colours) as u32).to_le_bytes());
    }
}
