//! Names files of other kinds by their first bytes, so that messages can say what a file is and what to do.

/// The number of first bytes that tell the kind.
pub(crate) const START: usize = 512;

const LFS: &str = "a Git LFS pointer in place of the file; run `git lfs pull`, or download the file itself";
const PAGE: &str = "a web page (HTML); download the file itself instead of the page about it";
const XML: &str = "XML text, as a server sends it in place of a file; download the file itself";
const ARCHIVE: &str = "a packed archive; unpack it first";
const TAR: &str = "a .tar file; write the name of a member behind it, as in FILE.tar/NAME, or unpack it first";
const PICKLE: &str = "a Python pickle";
const UTF16: &str = "text in UTF-16";
const PROGRAM: &str = "a program or library";
const CUT_OFF: &str = "a .safetensors file that is damaged or cut off; get the file again";

/// Kinds by the bytes at a place near their start.
const KINDS: [(usize, &[u8], &str); 63] = [
    (0, b"version https://git-lfs.github.com/", LFS),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x1f\x8b", ARCHIVE),
    (0, b"BZh", ARCHIVE),
    (0, b"\xfd7zXZ\0", ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", ARCHIVE),
    (0, b"\x04\x22\x4d\x18", ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (0, b"Rar!", ARCHIVE),
    (257, b"ustar", TAR),
    (0, b"\x93NUMPY", "a NumPy array (.npy)"),
    (0, b"GGUF", "a model in the format GGUF"),
    (0, b"lmgg", "a model in the format GGML"),
    (4, b"TFL3", "a model in the format TensorFlow Lite"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (0, b"GPST", "a token file (.gpst)"),
    (0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (0, b"II*\0", "a picture (TIFF)"),
    (0, b"MM\0*", "a picture (TIFF)"),
    (0, b"II+\0", "a picture (BigTIFF)"),
    (0, b"MM\0+", "a picture (BigTIFF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (8, b"AVI ", "a video (AVI)"),
    (8, b"WAVE", "sound (WAV)"),
    (4, b"ftypavi", "a picture (AVIF)"),
    (4, b"ftyphe", "a picture (HEIC)"),
    (4, b"ftypmif1", "a picture (HEIF)"),
    (4, b"ftypmsf1", "a picture (HEIF)"),
    (4, b"ftyp", "a video (MP4 or MOV)"),
    (0, b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
    (0, b"\xff\x0a", "a picture (JPEG XL)"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a picture (JPEG XL)"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a picture (JPEG 2000)"),
    (0, b"\xff\x4f\xff\x51", "a picture (JPEG 2000)"),
    (0, b"8BPS", "a picture (Photoshop)"),
    (0, b"\x76\x2f\x31\x01", "a picture (OpenEXR)"),
    (0, b"#?RADIANCE", "a picture (Radiance HDR)"),
    (0, b"qoif", "a picture (QOI)"),
    (0, b"DDS ", "a picture (DDS)"),
    (0, b"\0\0\x01\0", "a picture (ICO)"),
    (0, b"%PDF", "a PDF file"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"{\\rtf", "a text with formats (RTF)"),
    (0, b"SQLite format 3\0", "a database (SQLite)"),
    (0, b"\x7fELF", PROGRAM),
    (0, b"MZ", PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", PROGRAM),
    (0, b"\xca\xfe\xba\xbe", PROGRAM),
    (0, b"#!", "a script"),
    (0, b"\x80\x02", PICKLE),
    (0, b"\x80\x03", PICKLE),
    (0, b"\x80\x04", PICKLE),
    (0, b"\x80\x05", PICKLE),
    (0, b"\xff\xfe\0\0", "text in UTF-32"),
    (0, b"\0\0\xfe\xff", "text in UTF-32"),
    (0, b"\xff\xfe", UTF16),
    (0, b"\xfe\xff", UTF16),
    (0, b"{\0", UTF16),
    (0, b"\0{", UTF16),
    (8, b"{\"", CUT_OFF),
];

/// Says what kind of file begins with these bytes: `a web page (HTML); download ...`. `None` if the kind is not known. Only the first
/// 512 bytes count.
#[must_use]
pub fn kind_of_file(start: &[u8]) -> Option<&'static str> {
    if start.is_empty() {
        return Some("an empty file");
    }
    let start = &start[..start.len().min(START)];
    let has = |at: usize, bytes: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    if let Some((_, _, kind)) = KINDS.iter().find(|(at, bytes, _)| has(*at, bytes)) {
        return Some(kind);
    }
    // Bitmaps have only two letters at the start, and then their size, and zeros.
    if has(0, b"BM") && has(6, &[0; 4]) {
        return Some("a picture (BMP)");
    }
    if start.len() == START && start.iter().all(|byte| *byte == 0) {
        return Some("a file that begins with zeros, as after a download that was cut off");
    }
    // Models in the format ONNX begin with a small number and the name of a program.
    if has(0, b"\x08")
        && start.get(2) == Some(&b'\x12')
        && start.get(4..).is_some_and(|name| name.starts_with(b"pytorch") || name.starts_with(b"onnx"))
    {
        return Some("a model in the format ONNX");
    }
    text_kind(start)
}

/// The kind of a text.
fn text_kind(start: &[u8]) -> Option<&'static str> {
    let text = without_comments(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start));
    let begins = |with: &str| text.get(..with.len()).is_some_and(|first| first.eq_ignore_ascii_case(with.as_bytes()));
    if ["<!doctype html", "<html", "<head", "<body"].into_iter().any(begins) {
        return Some(PAGE);
    }
    // Some pages begin as XML.
    if begins("<?xml") {
        let is_page = text.windows(5).any(|part| part.eq_ignore_ascii_case(b"<html"));
        return Some(if is_page { PAGE } else { XML });
    }
    if begins("<svg") {
        return Some("a drawing (SVG)");
    }
    if begins("<") {
        return Some(XML);
    }
    if begins("{") || begins("[") {
        let is_index = text.windows(12).any(|part| part == b"\"weight_map\"");
        return Some(if is_index { "the index of a model in several files" } else { "JSON text" });
    }
    is_text(text).then_some("a text")
}

/// A text without blanks and comments of XML at its start.
fn without_comments(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        let Some(comment) = text.strip_prefix(b"<!--") else { return text };
        let Some(end) = comment.windows(3).position(|part| part == b"-->") else { return text };
        text = &comment[end + 3..];
    }
}

/// Whether bytes are the start of a text: letters and blanks, of which the last may be cut off.
fn is_text(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.len() >= SHORTEST_TEXT && !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
}

/// Fewer bytes may look like a text by chance.
const SHORTEST_TEXT: usize = 16;
