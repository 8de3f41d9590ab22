//! The part of GIF files that the crate `image` does not show: the size of the first frame.

use std::io::{self, BufRead, Seek, SeekFrom};

/// The size of the first frame, which may be larger than the picture, and goes back to the beginning of the file. A damaged file
/// has none, as its decoder reports the damage.
///
/// # Errors
/// The file can't be read.
pub(crate) fn first_frame<R: BufRead + Seek>(reader: &mut R) -> io::Result<Option<(u32, u32)>> {
    let frame = match read(reader) {
        Err(e) if e.kind() != io::ErrorKind::UnexpectedEof => return Err(e),
        frame => frame.ok().flatten(),
    };
    reader.seek(SeekFrom::Start(0))?;
    Ok(frame)
}

fn read<R: BufRead + Seek>(reader: &mut R) -> io::Result<Option<(u32, u32)>> {
    let [.., packed, _, _] = take::<13>(reader)?;
    if packed & 0x80 != 0 {
        reader.seek_relative(3 << ((packed & 7) + 1))?;
    }
    loop {
        match take::<1>(reader)? {
            // An extension: a label and blocks, of which the last one is empty.
            [0x21] => {
                take::<1>(reader)?;
                while let [length @ 1..=255] = take::<1>(reader)? {
                    reader.seek_relative(i64::from(length))?;
                }
            }
            [0x2c] => {
                let [_, _, _, _, w0, w1, h0, h1] = take::<8>(reader)?;
                return Ok(Some((u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())));
            }
            _ => return Ok(None),
        }
    }
}

fn take<const N: usize>(reader: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
