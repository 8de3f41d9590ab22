//! Reads lists and patterns of files and folders. A shard stands for the members that an input can read.

use super::{
    axis::Takes,
    column::Texts,
    error::{Error, given},
    pattern::{self, Finding, Found, PatternProblem, Step, is_pattern, matches_member},
};
use crate::{
    graph::{Kind, Problem},
    words::{count, one_line, shown, some_of, with_slashes},
};
use splatgraph_sdk::shard::{self, Shard};
use std::path::Path;

/// The endings of pictures, which an input reads that declares no endings.
const PICTURES: [&str; 16] =
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "pnm", "pbm", "pgm", "ppm", "tga", "qoi", "ico", "hdr"];

/// The paths of an input, as they are found.
pub(super) struct Files<'a> {
    pub(super) name: &'a str,
    pub(super) takes: Takes,
    /// The extensions of the files that the input reads; empty if it declares none.
    pub(super) extensions: &'a [String],
    pub(super) cwd: &'a Path,
    pub(super) warnings: &'a mut Vec<Problem>,
    pub(super) paths: Texts,
}

/// Whether there is a file or folder at a path, or a shard with further names behind it.
pub(super) fn is_there(path: &Path) -> bool {
    let has = |(shard, member): (&Path, String)| Shard::open(shard).is_ok_and(|shard| shard.find(&member).is_ok());
    path.exists() || shard::split(path).is_some_and(has)
}

impl Files<'_> {
    /// Adds the paths of one part of a list.
    pub(super) fn add(&mut self, part: &str) -> Result<(), Error> {
        let before = self.paths.len();
        let path = self.cwd.join(part);
        if is_pattern(part) && !is_there(&path) {
            self.add_matches(part)?;
        } else if self.means_members(part) && shard::is_shard(&path) {
            self.add_members(part, &[], part)?;
        } else {
            self.refuse_compressed(part, &path)?;
            self.paths.push(part);
        }
        if self.paths.len() > before {
            return Ok(());
        }
        if let Some(hint) = shard::compressed(&path) {
            return Err(Error::usage(format!("{}: {}", given(self.name, part), one_line(&hint))));
        }
        let given = given(self.name, part);
        if part.to_ascii_lowercase().contains(".tar") && self.takes == Takes::Files {
            let message = format!("{given} matches no member of a shard that ends in {}", self.endings());
            return Err(Error::usage(format!(
                "{message}; write SHARD.tar/PATTERN for others, and list them with `tar tf`"
            )));
        }
        let what = if self.takes == Takes::Folders { "folder" } else { "file" };
        let message = format!("{given} matches no {what} in the current directory");
        Err(Error::usage(format!("{message}\n  {}", shown(self.cwd))))
    }

    /// Whether a path or a pattern of shards stands for their members: the input does not read whole .tar files.
    fn means_members(&self, part: &str) -> bool {
        let is_shard = Path::new(part).extension().is_some_and(|ending| ending.eq_ignore_ascii_case(shard::ENDING));
        is_shard && self.takes == Takes::Files && !self.extensions.iter().any(|extension| extension == shard::ENDING)
    }

    fn endings(&self) -> String {
        match self.extensions {
            [] => some_of(PICTURES),
            own => some_of(own.iter().map(String::as_str)),
        }
    }

    /// Refuses a compressed shard, if the user asks for such files and the input does not read them.
    fn refuse_compressed(&self, part: &str, path: &Path) -> Result<(), Error> {
        let ending = path.extension();
        let is_asked = self.takes == Takes::Files && Path::new(part).extension() == ending;
        let is_read = || self.extensions.iter().any(|extension| ending == Some(extension.as_ref()));
        match shard::compressed(path).filter(|_| is_asked && !is_read()) {
            Some(hint) => Err(Error::usage(format!("{}: {}", given(self.name, part), one_line(&hint)))),
            None => Ok(()),
        }
    }

    /// Adds the files that match a pattern, sorted. Hidden files match only if the pattern has their dot.
    fn add_matches(&mut self, pattern: &str) -> Result<(), Error> {
        let given = given(self.name, pattern);
        let Finding { found, unreadable } = pattern::find(pattern, self.cwd).map_err(|problem| match problem {
            PatternProblem::Form { message, at } => {
                Error::usage(format!("expected a pattern, got {given}: {message} at character {at}"))
            }
            PatternProblem::Folder { path, error } => {
                Error::failed(format!("{given}: a folder cannot be read: {error}\n  {}", shown(&path)))
            }
        })?;
        self.warnings.extend(unreadable.iter().map(|(path, error)| {
            let message = format!("{given}: a folder cannot be read and is passed over: {error}");
            Problem::new(Kind::MissingFile, format!("{message}: {}", shown(path)))
        }));
        let means_members = self.means_members(pattern);
        // A path sorts as a text, with slashes.
        let mut paths: Vec<(String, Vec<Vec<Step>>)> = Vec::new();
        for found in found.into_iter().filter(|found| self.is_wanted(found)) {
            let path = match found.path.into_os_string().into_string() {
                Ok(text) if std::path::is_separator('\\') => with_slashes(&text),
                Ok(text) => text,
                Err(name) => {
                    let message = format!("{given} matches a file whose name is not Unicode; rename the file");
                    return Err(Error::usage(format!("{message}\n  {}", shown(Path::new(&name)))));
                }
            };
            paths.push((path, found.inside));
        }
        paths.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, inside) in paths {
            if !inside.is_empty() || (means_members && shard::is_shard(&self.cwd.join(&path))) {
                self.add_members(&path, &inside, pattern)?;
                continue;
            }
            self.refuse_compressed(pattern, &self.cwd.join(&path))?;
            self.paths.push(&path);
        }
        Ok(())
    }

    /// Whether a path is of the kind that the input takes. A broken link counts as a file. Its item then fails with the reason.
    fn is_wanted(&self, found: &Found) -> bool {
        match self.takes {
            Takes::Models => found.inside.is_empty(),
            takes => {
                found.is_folder(self.cwd) == (takes == Takes::Folders)
                    && (found.inside.is_empty() || takes == Takes::Files)
            }
        }
    }

    /// Adds the members of a shard that match one of the rests of a pattern. Without a rest, adds the members that the input reads.
    fn add_members(&mut self, path: &str, inside: &[Vec<Step>], part: &str) -> Result<(), Error> {
        let given = given(self.name, part);
        let whole = self.cwd.join(path);
        let shard = Shard::open(&whole).map_err(|error| {
            Error::failed(format!(
                "{given}: a shard cannot be read: {}\n  {}",
                one_line(&error.to_string()),
                shown(&whole)
            ))
        })?;
        if let Some((name, why)) = shard.passed_over().next() {
            let members = count(shard.passed_over_count(), "member");
            let message = format!(
                "{given}: {members} of a shard cannot be used and are passed over; the first is `{}`: {why}",
                one_line(name)
            );
            self.warnings.push(Problem::new(Kind::MissingFile, format!("{message}: {}", shown(&whole))));
        }
        let is_read = |name: &str| {
            let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let is_hidden = name.split('/').any(|part| part.starts_with('.'));
            !is_hidden
                && match self.extensions {
                    [] => PICTURES.iter().any(|known| known.eq_ignore_ascii_case(ending)),
                    own => own.iter().any(|known| known.eq_ignore_ascii_case(ending)),
                }
        };
        for name in shard.names() {
            let is_meant =
                if inside.is_empty() { is_read(name) } else { inside.iter().any(|steps| matches_member(steps, name)) };
            if is_meant {
                self.paths.push(&format!("{path}/{name}"));
            }
        }
        Ok(())
    }
}
