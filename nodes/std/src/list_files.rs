//! `std.ListFiles`

use glob::{MatchOptions, Pattern};
use splatgraph_sdk::prelude::*;
use std::{fs, io, path::Path};

/// The endings of the pictures that std.LoadImage reads.
const PICTURES: [&str; 18] = [
    "png", "jpg", "jpeg", "webp", "gif", "bmp", "dib", "tif", "tiff", "pbm", "pgm", "ppm", "pnm", "pam", "tga", "qoi",
    "ico", "hdr",
];

/// As the patterns of `batch`.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Lists the files of a folder.
///
/// The files are in the order in which `batch` has them: by their paths with slashes, character by character, so that 10.png comes
/// before 9.png. Hidden files are left out, unless the pattern begins with a dot. The node follows links to files, but not links to
/// folders. A folder without such files gives empty lists.
#[node(category = "Lists", outputs(
    paths: "The absolute paths of the files.",
    names: "Their names without folder and ending.",
    count: "The number of files.",
))]
pub fn list_files(
    /// The folder.
    #[input(path = read_dir)]
    folder: PathBuf,
    /// The pattern that a file's name has to match, such as `*.{png,jpg}` or `IMG_????.*`; as in patterns of `batch`, case matters. Empty for
    /// pictures that std.LoadImage reads, by their ending in any case.
    #[input(default = "")]
    pattern: String,
    /// Whether to list the files of all folders below too.
    #[input(default = false)]
    recursive: bool,
    /// The most files to list: the first ones in order. 0 for all.
    #[input(default = 0)]
    limit: u32,
    ctx: &Ctx,
) -> Result<(Vec<String>, Vec<String>, usize)> {
    let names = Names::parse(&pattern)?;
    let refused = |message: String| Error::input("folder", format!("{message}: {}", folder.display()));
    match fs::metadata(&folder) {
        Ok(about) if about.is_dir() => {}
        Ok(_) => return Err(refused("expected a folder, got a file; use its folder and a pattern".to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(refused("expected a folder, found none; check the name".to_owned()));
        }
        Err(e) => return Err(refused(format!("the folder can't be read: {e}"))),
    }
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        ctx.check()?;
        let listed = fs::read_dir(&next).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match listed {
            Ok(entries) => entries,
            Err(e) if next == folder => return Err(refused(format!("the folder can't be read: {e}"))),
            Err(e) => {
                ctx.warn(format!("a folder can't be read and is left out: {e}: {}", next.display()));
                continue;
            }
        };
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if recursive && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if names.matches(&name) && !(kind.is_symlink() && path.is_dir()) {
                found.push(text(&path)?);
            }
        }
    }
    found.sort_by_cached_key(|path| if cfg!(windows) { path.replace('\\', "/") } else { path.clone() });
    if limit > 0 {
        found.truncate(limit as usize);
    }
    let stem = |path: &String| Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (stems, count) = (found.iter().map(stem).collect(), found.len());
    Ok((found, stems, count))
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("expected names in Unicode, got another one; rename the file: {}", path.display());
        Error::input("folder", message)
    })
}

/// The names that match.
enum Names {
    Pictures,
    /// Any of the patterns.
    Patterns(Vec<Pattern>),
}

impl Names {
    fn parse(text: &str) -> Result<Self> {
        let refused = |message: String| Error::input("pattern", message);
        if text.is_empty() {
            return Ok(Self::Pictures);
        }
        if text.contains(std::path::is_separator) || text.contains("**") {
            let message = format!(
                "expected a pattern for names of files, got `{text}` for folders; give the folder as `folder`, or set `recursive`"
            );
            return Err(refused(message));
        }
        let patterns = alternatives(text)
            .ok_or_else(|| refused(format!("expected at most {MOST} alternatives in braces, got more in `{text}`")))?;
        let parsed = patterns.iter().map(|pattern| {
            Pattern::new(pattern).map_err(|e| {
                refused(format!("expected a pattern, got `{pattern}`: {} at character {}", e.msg, e.pos + 1))
            })
        });
        parsed.collect::<Result<_>>().map(Self::Patterns)
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Pictures => {
                let ending = Path::new(name).extension().unwrap_or_default();
                !name.starts_with('.') && PICTURES.iter().any(|known| ending.eq_ignore_ascii_case(known))
            }
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.matches_with(name, OPTIONS)),
        }
    }
}

/// The most texts that a pattern may stand for.
const MOST: usize = 1000;

/// The texts that a text with `{a,b}` in it stands for; `None` if they are too many. Braces without a comma stand for themselves.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let (mut done, mut open) = (Vec::new(), vec![(String::new(), text.to_owned())]);
    while let Some((start, rest)) = open.pop() {
        let Some((before, parts, after)) = first_braces(&rest) else {
            done.push(start + &rest);
            continue;
        };
        if done.len() + open.len() + parts.len() > MOST {
            return None;
        }
        // The part may have braces of its own.
        open.extend(parts.iter().rev().map(|part| (format!("{start}{before}"), format!("{part}{after}"))));
    }
    Some(done)
}

/// The text before the first pair of braces with a comma, the parts between its commas, and the text behind it.
fn first_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    text.match_indices('{').find_map(|(open, _)| {
        let (mut depth, mut from, mut parts) = (0usize, open + 1, Vec::new());
        for (at, c) in text[open..].char_indices().map(|(at, c)| (open + at, c)) {
            match c {
                '{' => depth += 1,
                ',' if depth == 1 => {
                    parts.push(text[from..at].trim());
                    from = at + 1;
                }
                '}' if depth == 1 => {
                    parts.push(text[from..at].trim());
                    return (parts.len() > 1).then(|| (&text[..open], parts, &text[at + 1..]));
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_several_texts() {
        let of = |text: &str| alternatives(text).unwrap();
        assert_eq!(of("a"), ["a"]);
        assert_eq!(of("*.{png,jpg}"), ["*.png", "*.jpg"]);
        assert_eq!(of("{a,b{c,d}}.{e,}"), ["a.e", "a.", "bc.e", "bc.", "bd.e", "bd."]);
        assert_eq!(of("p{b}.png"), ["p{b}.png"]);
        assert_eq!(of("{b}{c,d}{"), ["{b}c{", "{b}d{"]);
        assert_eq!(alternatives(&"{a,b}".repeat(64)), None);
    }
}
