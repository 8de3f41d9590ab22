//! The names of files in an archive.

use splatgraph_sdk::TEMPORARY_PREFIX;

/// The longest name in bytes, with its folders.
const LONGEST: usize = 1024;

/// Refuses a name that could lead out of the folder into which an archive is unpacked, on any system; with the reason. A name has parts
/// with slashes between them.
pub(super) fn check(name: &str) -> Result<(), String> {
    let parts = || name.split('/');
    if name.starts_with('/') || name.contains(':') {
        return Err("expected a relative path, got one that may be absolute".to_owned());
    }
    if parts().any(|part| part == "..") {
        return Err("expected a path inside the folder, got one with `..`".to_owned());
    }
    if parts().any(|part| part.is_empty() || part == ".") {
        return Err("expected a path of names, got one with an empty name".to_owned());
    }
    if name.contains(|c: char| c.is_control() || c == '\\') {
        return Err("expected letters that all systems take, got a backslash or a control character".to_owned());
    }
    if parts().any(|part| part.starts_with(TEMPORARY_PREFIX)) {
        return Err("expected the name of a whole file, got the name of a temporary one".to_owned());
    }
    if name.len() > LONGEST {
        return Err(format!("expected at most {LONGEST} bytes, got {}", name.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_name_stays_in_its_folder_on_every_system() {
        for good in ["a", "a/b.png", ".hidden/a b", "ünï/☃", "..a/b..", "a.tar/x"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = "a/".repeat(600) + "a";
        for bad in [
            "",
            "/",
            "/a",
            "../a",
            "a/../../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            r"..\a",
            "c:a",
            "C:/a",
            "a\0",
            "a\nb",
            &*long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
