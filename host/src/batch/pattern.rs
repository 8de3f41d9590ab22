//! Finds the files that match a pattern such as `photos/**/*.{png,jpg}`, and the members of shards that match the rest of it.

use glob::{MatchOptions, Pattern, PatternError};
use splatgraph_sdk::shard;
use std::{
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// The reason why a pattern can't be used.
#[derive(Debug)]
pub(super) enum PatternProblem {
    /// It is malformed, at a character counted from 1.
    Form { message: &'static str, at: usize },
    /// A folder can't be read.
    Folder { path: PathBuf, error: io::Error },
}

/// A step of a pattern from a folder to its entries.
#[derive(Clone)]
pub(super) enum Step {
    /// One name, which may also be `..` or the root.
    Name(PathBuf),
    /// Names that match. The text is a name too, if there is one.
    Names(PathBuf, Pattern),
    /// The folder, and all folders below it.
    Below,
}

/// Whether a text has characters with a meaning in patterns.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[']) || alternatives(text).len() > 1
}

/// The parts of a list between commas. Commas in braces are no separators.
pub(super) fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' if text[at..].contains('}') => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// What a pattern matches.
#[derive(Default)]
pub(super) struct Finding {
    pub(super) found: Vec<Found>,
    /// Folders that were passed over as they can't be read.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
}

/// The paths in `folder` that match a pattern, sorted. A pattern that continues behind a shard gives the shard, with the rest of
/// the pattern. Relative patterns give relative paths. `**` follows no links, so it
/// ends even if a link leads to a folder above. A name with special characters that exists is meant as it is. A folder that
/// can't be read is passed over, unless the pattern itself names it.
pub(super) fn find(pattern: &str, folder: &Path) -> Result<Finding, PatternProblem> {
    let mut finding = Finding::default();
    for alternative in alternatives(pattern) {
        let steps = steps(&alternative)?;
        Walk { folder, finding: &mut finding }.go(&PathBuf::new(), &steps, true)?;
    }
    finding.found.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    finding.found.dedup_by(|again, first| {
        let is_again = again.path == first.path;
        if is_again {
            first.inside.append(&mut again.inside);
        }
        is_again
    });
    Ok(finding)
}

/// A path that matches.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// As the folder lists it; `None` if it may be a link.
    kind: Option<fs::FileType>,
    /// If the path is a shard whose members are meant: the rests of the patterns, one of which a member has to match.
    pub(super) inside: Vec<Vec<Step>>,
}

impl Found {
    /// Whether it is a folder, or a link to one. The path is relative to `cwd`.
    pub(super) fn is_folder(&self, cwd: &Path) -> bool {
        match self.kind {
            Some(kind) if !kind.is_symlink() => kind.is_dir(),
            _ => cwd.join(&self.path).is_dir(),
        }
    }
}

/// Whether the name of a member matches the rest of a pattern behind its shard.
pub(super) fn matches_member(steps: &[Step], name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    fits(steps, &parts)
}

fn fits(steps: &[Step], parts: &[&str]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return parts.is_empty() };
    let is_first =
        |is: &dyn Fn(&str) -> bool| parts.split_first().is_some_and(|(part, parts)| is(part) && fits(rest, parts));
    match step {
        Step::Name(name) => is_first(&|part| name.as_os_str() == part),
        Step::Names(name, pattern) => is_first(&|part| name.as_os_str() == part || pattern.matches_with(part, OPTIONS)),
        // `**` stands for no folder, or for the first one and those below it. At the end it means folders, which a shard does not list.
        Step::Below if rest.is_empty() => false,
        Step::Below => {
            fits(rest, parts)
                || parts.split_first().is_some_and(|(part, parts)| !part.starts_with('.') && fits(steps, parts))
        }
    }
}

/// The texts that a text with `{a,b}` in it stands for. Braces without a comma stand for themselves, as in file names.
fn alternatives(text: &str) -> Vec<String> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let Some(close) = closing(text, open) else { break };
        let inner = split(&text[open + 1..close]);
        if inner.len() > 1 {
            let rests = alternatives(&text[close + 1..]);
            let firsts = inner.into_iter().flat_map(alternatives);
            let pairs = firsts.flat_map(|first| rests.iter().map(move |rest| (first.clone(), rest)));
            return pairs.map(|(first, rest)| format!("{}{first}{rest}", &text[..open])).collect();
        }
        from = open + 1;
    }
    vec![text.to_owned()]
}

/// The brace that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    text[open..].char_indices().find_map(|(at, c)| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        (depth == 0).then_some(open + at)
    })
}

fn steps(pattern: &str) -> Result<Vec<Step>, PatternProblem> {
    let mut steps = Vec::new();
    for component in Path::new(pattern).components() {
        let name = PathBuf::from(component.as_os_str());
        let Component::Normal(text) = component else {
            steps.push(Step::Name(name));
            continue;
        };
        let text = text.to_string_lossy();
        steps.push(if text == "**" {
            Step::Below
        } else if text.contains(['*', '?', '[']) {
            Step::Names(name, Pattern::new(&text).map_err(|error| malformed(pattern, &text, &error))?)
        } else {
            Step::Name(name)
        });
    }
    Ok(steps)
}

fn malformed(pattern: &str, part: &str, error: &PatternError) -> PatternProblem {
    let before = pattern.find(part).map_or(0, |at| pattern[..at].chars().count());
    PatternProblem::Form { message: error.msg, at: before + error.pos + 1 }
}

/// A walk through folders.
struct Walk<'a> {
    folder: &'a Path,
    finding: &'a mut Finding,
}

impl Walk<'_> {
    /// Adds the paths that match from `at` on, which is relative to `folder`. `named` says whether the pattern names `at`
    /// letter by letter.
    fn go(&mut self, at: &Path, steps: &[Step], named: bool) -> Result<(), PatternProblem> {
        let Some((step, rest)) = steps.split_first() else {
            self.finding.found.push(Found { path: at.to_owned(), kind: None, inside: Vec::new() });
            return Ok(());
        };
        if shard::is_shard(&self.folder.join(at)) {
            self.finding.found.push(Found { path: at.to_owned(), kind: None, inside: vec![steps.to_vec()] });
            return Ok(());
        }
        match step {
            Step::Name(name) => {
                let path = at.join(name);
                // A broken link at the end counts as a file.
                if self.folder.join(&path).symlink_metadata().is_ok() { self.go(&path, rest, named) } else { Ok(()) }
            }
            Step::Names(name, _) if self.folder.join(at).join(name).symlink_metadata().is_ok() => {
                self.go(&at.join(name), rest, named)
            }
            Step::Names(_, pattern) => self.each(at, named, |walk, entry| {
                // A name that is not Unicode is compared as far as it is shown.
                let name = entry.file_name();
                if !pattern.matches_with(&name.to_string_lossy(), OPTIONS) {
                    return Ok(());
                }
                let path = at.join(name);
                if rest.is_empty() {
                    walk.finding.found.push(Found { path, kind: entry.file_type().ok(), inside: Vec::new() });
                    return Ok(());
                }
                walk.go(&path, rest, false)
            }),
            Step::Below => {
                // `**` at the end stands for all folders, `**/` before a name also for no folder.
                self.go(at, rest, named)?;
                self.each(at, named, |walk, entry| {
                    let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                    if is_folder && !is_hidden(&entry.file_name()) {
                        walk.go(&at.join(entry.file_name()), steps, false)?;
                    }
                    Ok(())
                })
            }
        }
    }

    /// Calls `visit` for the entries of a folder. A file has none, and a pattern passes over it.
    fn each(
        &mut self,
        at: &Path,
        named: bool,
        mut visit: impl FnMut(&mut Self, &fs::DirEntry) -> Result<(), PatternProblem>,
    ) -> Result<(), PatternProblem> {
        let path = self.folder.join(at);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(_) if !path.is_dir() => return Ok(()),
            Err(error) => return self.pass_over(path, error, named),
        };
        for entry in entries {
            match entry {
                Ok(entry) => visit(self, &entry)?,
                Err(error) => return self.pass_over(path, error, named),
            }
        }
        Ok(())
    }

    fn pass_over(&mut self, path: PathBuf, error: io::Error, named: bool) -> Result<(), PatternProblem> {
        if named {
            return Err(PatternProblem::Folder { path, error });
        }
        // `**/` comes twice to each folder.
        if self.finding.unreadable.iter().all(|(known, _)| *known != path) {
            self.finding.unreadable.push((path, error));
        }
        Ok(())
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_several_texts() {
        assert_eq!(alternatives("a"), ["a"]);
        assert_eq!(alternatives("*.{png,jpg}"), ["*.png", "*.jpg"]);
        assert_eq!(alternatives("{a,b{c,d}}/{e,}"), ["a/e", "a/", "bc/e", "bc/", "bd/e", "bd/"]);
        assert_eq!(alternatives("p{b}.png"), ["p{b}.png"]);
        assert_eq!(alternatives("{b}{c,d}{"), ["{b}c{", "{b}d{"]);
        assert_eq!(split("a,{b,c},d{e"), ["a", "{b,c}", "d{e"]);
        assert_eq!(split("a{,b"), ["a{", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_form_no_loops_and_special_names_are_names() {
        use std::os::unix::{ffi::OsStrExt, fs::symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("in/deep")).unwrap();
        fs::create_dir_all(path("ph [2020]")).unwrap();
        symlink("..", path("in/deep/up")).unwrap();
        symlink("in", path("link")).unwrap();
        for name in ["in/a.png", "in/deep/b.png", "ph [2020]/c.png", "in/.hidden.png", "in/d.jpg"] {
            fs::write(path(name), "").unwrap();
        }
        fs::write(path("in").join(OsStr::from_bytes(b"x\xff.png")), "").unwrap();
        let names = |pattern: &str| -> Vec<String> {
            let found = find(pattern, folder.path()).unwrap().found;
            found.iter().map(|found| found.path.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("in/**/*.png"), ["in/a.png", "in/deep/b.png", "in/x\u{fffd}.png"]);
        assert_eq!(names("link/?.png"), ["link/a.png"]);
        assert_eq!(names("ph [2020]/*.png"), ["ph [2020]/c.png"]);
        assert_eq!(names("in/{a,d}.{png,jpg}"), ["in/a.png", "in/d.jpg"]);
        assert_eq!(names("in/a.png/*"), Vec::<String>::new());
        assert_eq!(names("in/../in/a.*"), ["in/../in/a.png"]);
        assert_eq!(names("in/**"), ["in", "in/deep"]);
        let absolute = path("in/[ad].*").display().to_string();
        assert_eq!(names(&absolute), [path("in/a.png"), path("in/d.jpg")].map(|path| path.display().to_string()));
    }
}
