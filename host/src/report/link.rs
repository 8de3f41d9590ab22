//! Addresses of files for pages, relative to the folder of a page.

use std::path::{Component, Path};

/// The address of a file from a page in `folder`. Both are absolute.
pub(super) fn link(file: &Path, folder: &Path) -> String {
    let shared = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let is_root = |component: &Component| matches!(component, Component::Prefix(_) | Component::RootDir);
    // Another drive has no relative path.
    if !file.components().take(shared).any(|component| is_root(&component)) {
        return format!("file:///{}", encoded(&file.to_string_lossy().replace('\\', "/")));
    }
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = file.components().skip(shared).map(|part| encoded(&part.as_os_str().to_string_lossy()));
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// A text with all bytes encoded that have a meaning in an address, in HTML or in Markdown.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn addresses_are_relative_and_have_no_quotes() {
        assert_eq!(link(Path::new("/a/photos/cat 1.png"), Path::new("/a/report")), "../photos/cat%201.png");
        assert_eq!(link(Path::new("/a/b/\"><x>.png"), Path::new("/a/b")), "%22%3E%3Cx%3E.png");
        assert_eq!(link(Path::new("/ä"), Path::new("/b")), "../%C3%A4");
    }
}
