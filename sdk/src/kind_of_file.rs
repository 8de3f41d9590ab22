//! Names files of other kinds by their first bytes, so that messages can say what a file is and what to do.

/// The number of first bytes that tell the kind.
pub(crate) const START: usize = 512;

const LFS: &str = "a Git LFS pointer in place of the file; run `git lfs pull`, or download the file itself";
const PAGE: &str = "a web page (HTML); download the file itself instead of the page about it";
const ARCHIVE: &str = "a packed archive; unpack it first";

/// Kinds by the bytes at their start.
const KINDS: [(&[u8], &str); 21] = [
    (b"version https://git-lfs.github.com/", LFS),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"\xfd7zXZ\0", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"Rar!", ARCHIVE),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"GGUF", "a model in the format GGUF"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"%PDF", "a PDF file"),
    (b"\x7fELF", "a program or library (ELF)"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
];

/// Says what kind of file begins with these bytes: `a web page (HTML); download ...`. `None` if the kind is not known. Only the first
/// 512 bytes count.
#[must_use]
pub fn kind_of_file(start: &[u8]) -> Option<&'static str> {
    if start.is_empty() {
        return Some("an empty file");
    }
    if let Some((_, kind)) = KINDS.iter().find(|(first, _)| start.starts_with(first)) {
        return Some(kind);
    }
    if start.get(257..262) == Some(b"ustar") {
        return Some(ARCHIVE);
    }
    let text = start.trim_ascii_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|first| first.eq_ignore_ascii_case(with.as_bytes()));
    if begins("<!doctype html") || begins("<html") || begins("<head") {
        return Some(PAGE);
    }
    (begins("{") || begins("[")).then_some("JSON text")
}
