//! What a picture file says about its pixels: how they are turned and in which colours they are.

use super::ifd::Directory;
use image::metadata::Orientation;
use std::io::Cursor;

/// The tag for the orientation in TIFF files and EXIF data.
const ORIENTATION: u16 = 274;

/// What begins EXIF data in JPEG files; some programs write it in other files too.
pub(crate) const EXIF_PREFIX: &[u8] = b"Exif\0\0";

/// What begins XMP data in JPEG files.
pub(crate) const XMP_PREFIX: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Data about the pixels, as the file has them.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// TIFF data with tags.
    pub(crate) exif: Option<Vec<u8>>,
    /// XML text.
    pub(crate) xmp: Option<Vec<u8>>,
    /// A colour profile.
    pub(crate) icc: Option<Vec<u8>>,
}

impl Metadata {
    /// How to turn the picture. EXIF counts before XMP. Wrong data are no reason to refuse a picture: they turn nothing.
    pub(crate) fn orientation(&self) -> Orientation {
        let exif = self.exif.as_deref().and_then(in_exif);
        let value = exif.or_else(|| self.xmp.as_deref().and_then(in_xmp));
        value.and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?)).unwrap_or(Orientation::NoTransforms)
    }
}

fn in_exif(mut exif: &[u8]) -> Option<u64> {
    while let Some(rest) = exif.strip_prefix(EXIF_PREFIX) {
        exif = rest;
    }
    Directory::first(Cursor::new(exif)).ok()?.number(ORIENTATION).ok()?
}

/// The orientation as an attribute, `tiff:Orientation="6"`, or as an element, `<tiff:Orientation>6<`.
fn in_xmp(xmp: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"tiff:Orientation";
    let after = xmp.windows(NAME.len()).enumerate().filter(|(_, name)| *name == NAME).map(|(at, _)| at + NAME.len());
    after.into_iter().find_map(|at| {
        let mut rest = xmp[at..].trim_ascii_start();
        rest = match rest.split_first()? {
            (b'=', rest) => {
                rest.trim_ascii_start().strip_prefix(b"\"").or_else(|| rest.trim_ascii_start().strip_prefix(b"'"))?
            }
            (b'>', rest) => rest,
            _ => return None,
        };
        let digits: Vec<u8> = rest.trim_ascii_start().iter().copied().take_while(u8::is_ascii_digit).collect();
        str::from_utf8(&digits).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF data with one tag of a type and these bytes.
    fn exif(header: &[u8; 4], entry: &[u8]) -> Vec<u8> {
        let big = header[0] == b'M';
        let (offset, count) = if big { ([0, 0, 0, 8], [0, 1]) } else { ([8, 0, 0, 0], [1, 0]) };
        [&header[..], &offset, &count, entry, &[0; 4]].concat()
    }

    #[test]
    fn the_orientation_can_have_any_type_of_number() {
        for (header, entry) in [
            (b"II*\0", &[0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0][..]),
            (b"II*\0", &[0x12, 1, 4, 0, 1, 0, 0, 0, 6, 0, 0, 0]),
            (b"II*\0", &[0x12, 1, 1, 0, 1, 0, 0, 0, 6, 0, 0, 0]),
            (b"MM\0*", &[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]),
            (b"MM\0*", &[1, 0x12, 0, 4, 0, 0, 0, 1, 0, 0, 0, 6]),
        ] {
            let plain = exif(header, entry);
            assert_eq!(in_exif(&plain), Some(6));
            assert_eq!(in_exif(&[EXIF_PREFIX, &plain].concat()), Some(6));
        }
    }

    #[test]
    fn xmp_counts_only_where_exif_says_nothing() {
        let attribute = b"<rdf:Description tiff:Make='a' tiff:Orientation = \"8\"/>".to_vec();
        let element = b"<tiff:Orientation> 3</tiff:Orientation>".to_vec();
        assert_eq!((in_xmp(&attribute), in_xmp(&element), in_xmp(b"tiff:Orientations")), (Some(8), Some(3), None));
        let exif = exif(b"II*\0", &[0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
        let both = Metadata { exif: Some(exif), xmp: Some(attribute.clone()), icc: None };
        assert_eq!(both.orientation(), Orientation::Rotate90);
        let damaged = Metadata { exif: Some(b"II*\0".to_vec()), xmp: Some(attribute), icc: None };
        assert_eq!(damaged.orientation(), Orientation::Rotate270);
    }
}
