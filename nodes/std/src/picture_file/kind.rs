//! Tells what a file is by how it begins.

use image::ImageFormat;
use splatgraph_sdk::prelude::*;

/// The formats that the node reads.
pub(crate) const FORMATS: &str = "PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR";

/// The bytes from the beginning of a file that tell what it is.
pub(crate) const START: usize = 64;

/// The format of a file that begins like this. `extension` is the extension of the file, for the one format (TGA) that its
/// content does not identify.
///
/// # Errors
/// The file is of no format that the node reads. The error names it if it is of a known kind.
pub(crate) fn format_of(start: &[u8], extension: Option<&str>) -> Result<ImageFormat> {
    if start.is_empty() {
        bail!("expected a picture ({FORMATS}), got an empty file");
    }
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    if let Some((kind, way)) = other_kind(start) {
        bail!("expected a picture ({FORMATS}), got {kind}, which is not supported; {way}");
    }
    // BigTIFF, which the crate does not know.
    if start.starts_with(b"II+\0") || start.starts_with(b"MM\0+") {
        return Ok(ImageFormat::Tiff);
    }
    let by_extension = || matches!(&*extension, "tga" | "icb" | "vda" | "vst").then_some(ImageFormat::Tga);
    // A cursor can begin as TGA does.
    if extension == "cur" && start.starts_with(b"\0\0\x02\0") {
        bail!("expected a picture ({FORMATS}), got a cursor (CUR), which is not supported; {CONVERT}");
    }
    let Some(format) = image::guess_format(start).ok().or_else(by_extension) else {
        let some = &start[..start.len().min(16)];
        bail!("expected a picture ({FORMATS}), got a file that starts with \"{}\"", some.escape_ascii());
    };
    if !format.reading_enabled() {
        bail!("expected a picture ({FORMATS}), got {}, which is not supported; {CONVERT}", name(format));
    }
    Ok(format)
}

/// The name of a format.
pub(crate) fn name(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        ImageFormat::OpenExr => "OpenEXR".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}

const CONVERT: &str = "convert it to PNG or JPEG with another program first";
const DEVELOP: &str = "develop it to JPEG, TIFF or PNG with another program first";
const EXPORT: &str = "export it as PNG with the program that made it";
const FRAME: &str = "extract its frames as PNG or JPEG first";

/// Files of other kinds: how they begin, the name, and the way out.
const OTHERS: [(&[u8], &str, &str); 33] = [
    (b"\xff\x0a", "JPEG XL", CONVERT),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", CONVERT),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", CONVERT),
    (b"\xff\x4f\xff\x51", "JPEG 2000", CONVERT),
    (b"II\xbc", "JPEG XR", CONVERT),
    (b"8BPS", "a Photoshop file (PSD)", EXPORT),
    (b"gimp xcf", "a GIMP file (XCF)", EXPORT),
    (b"\x76\x2f\x31\x01", "OpenEXR", CONVERT),
    (b"DDS ", "DDS", CONVERT),
    (b"farbfeld", "farbfeld", CONVERT),
    (b"FLIF", "FLIF", CONVERT),
    (b"BPG\xfb", "BPG", CONVERT),
    (b"\x8aMNG", "MNG", CONVERT),
    (b"\x8bJNG", "JNG", CONVERT),
    (b"\x0a\x05\x01", "PCX", CONVERT),
    (b"\x01\xda", "an SGI picture", CONVERT),
    (b"icns", "an Apple icon (ICNS)", CONVERT),
    (b"SIMPLE  =", "FITS", CONVERT),
    (b"\x59\xa6\x6a\x95", "a Sun raster file", CONVERT),
    (b"AT&TFORM", "DjVu", CONVERT),
    (b"%PDF", "a PDF document", CONVERT),
    (b"%!PS", "a PostScript document", CONVERT),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document (EPS)", CONVERT),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)", DEVELOP),
    (b"IIU\0", "a camera's raw file (RW2)", DEVELOP),
    (b"IIRO", "a camera's raw file (ORF)", DEVELOP),
    (b"IIRS", "a camera's raw file (ORF)", DEVELOP),
    (b"FOVb", "a camera's raw file (X3F)", DEVELOP),
    (b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)", FRAME),
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"\x93NUMPY", "a NumPy array", CONVERT),
    (b"version https://git-lfs", "a pointer of Git LFS instead of the picture", "get the picture with `git lfs pull`"),
];

fn other_kind(start: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Some(brands) = start.get(4..).and_then(|rest| rest.strip_prefix(b"ftyp")) {
        return Some(by_brands(start, brands));
    }
    // A camera's raw file is TIFF with a mark behind the header.
    if start.starts_with(b"II*\0") && start.get(8..10) == Some(b"CR") {
        return Some(("a camera's raw file (CR2)", DEVELOP));
    }
    if matches!(start.get(4..6), Some(b"\x11\xaf" | b"\x12\xaf")) {
        return Some(("an animation (FLI or FLC)", FRAME));
    }
    if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"AVI ") {
        return Some(("a video (AVI)", FRAME));
    }
    if let Some((_, name, way)) = OTHERS.iter().find(|(begin, _, _)| start.starts_with(begin)) {
        return Some((name, way));
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start().to_ascii_lowercase();
    if text.starts_with(b"<svg") || text.starts_with(b"<?xml") {
        return Some(("SVG or other XML", "draw an SVG as PNG with another program first"));
    }
    if text.starts_with(b"<!doctype html") || text.starts_with(b"<html") {
        return Some((
            "a web page instead of the picture",
            "get the file again, from the address of the picture itself",
        ));
    }
    None
}

/// Files in boxes as MP4 has them. The brand says the kind; the general brands of pictures leave it to the list behind them.
fn by_brands(start: &[u8], brands: &[u8]) -> (&'static str, &'static str) {
    let length = u32::from_be_bytes([start[0], start[1], start[2], start[3]]) as usize;
    let list = start.get(16..start.len().min(length)).unwrap_or_default().as_chunks::<4>().0;
    let has = |names: &[&[u8; 4]]| {
        names.iter().any(|name| brands.starts_with(*name) || list.iter().any(|brand| brand == *name))
    };
    if has(&[b"avif", b"avis"]) {
        ("AVIF", CONVERT)
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"]) {
        ("HEIC", CONVERT)
    } else if has(&[b"mif1", b"msf1", b"mif2", b"miaf"]) {
        ("HEIF", CONVERT)
    } else if has(&[b"crx "]) {
        ("a camera's raw file (CR3)", DEVELOP)
    } else if has(&[b"jxl "]) {
        ("JPEG XL", CONVERT)
    } else if has(&[b"jp2 ", b"jpx "]) {
        ("JPEG 2000", CONVERT)
    } else {
        ("a video (MP4 or QuickTime)", FRAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_general_brand_of_pictures_leaves_the_kind_to_the_list() {
        for (start, kind) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
            (b"\0\0\0\x14ftypmif1\0\0\0\0mif1heic", "HEIF"),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp41mp42", "a video (MP4 or QuickTime)"),
            (b"\0\0\0\x18ftyp", "a video (MP4 or QuickTime)"),
        ] {
            assert_eq!(other_kind(start).unwrap().0, kind);
        }
    }
}
