//! Paths to write as templates, which are filled in faster than paths are resolved. A series of runs has as many paths as runs.

use super::{
    placeholders::{Placeholders, file_name_part},
    written::WrittenFile,
};
use std::path::PathBuf;

/// An absolute path with gaps.
pub(super) struct Template {
    pieces: Vec<Piece>,
    /// Whether `{b}` in the path stands for numbers.
    pub(super) has_number: bool,
}

enum Piece {
    Text(String),
    Index,
    Stem,
    /// The named input at this position.
    Named(usize),
}

/// The first of the characters that stand for the gaps while the path is resolved. They are for private use, and nobody uses them.
const FIRST_MARK: u32 = 0xF_0000;

impl Template {
    /// Resolves the path with marks in the gaps, and takes it apart. `resolve` gets the placeholders. Returns `None` if values in the
    /// gaps could change more than the names that they are in, or if it gives no path.
    pub(super) fn new(
        named: Vec<&str>,
        has_stem: bool,
        resolve: impl Fn(&Placeholders) -> Option<WrittenFile>,
    ) -> Option<Self> {
        // On Windows a name ends at its last letter that is neither a point nor a blank.
        if !cfg!(unix) {
            return None;
        }
        let mark = |at: usize| -> Option<String> {
            Some(char::from_u32(FIRST_MARK + u32::try_from(at).ok().filter(|at| *at < 0x1000)?)?.to_string())
        };
        let marks = named.iter().enumerate().map(|(at, name)| Some(((*name).to_owned(), mark(at + 2)?)));
        let marks = marks.collect::<Option<Vec<_>>>()?;
        let stem = if has_stem { Some(mark(1)?) } else { None };
        let file = resolve(&Placeholders::with_index(stem, mark(0)?, marks))?;
        let text = file.path.to_str()?;
        // Names that consist of values alone may become `..`. An index has digits.
        let may_be_dot = |c: char| c == '.' || (is_mark(c) && c as u32 != FIRST_MARK);
        let is_open = |name: &str| name.contains(is_mark) && name.chars().all(may_be_dot);
        // Nobody uses the marks, but a name may have them all the same.
        let others = named.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let others = Placeholders::with_index(has_stem.then(|| "x".to_owned()), "0".to_owned(), others);
        let has_marks = resolve(&others)?.path.to_str().is_none_or(|text| text.contains(is_mark));
        if has_marks || text.split('/').any(is_open) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_mark(*c)) {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            pieces.push(match (c as u32 - FIRST_MARK) as usize {
                0 => Piece::Index,
                1 => Piece::Stem,
                at => Piece::Named(at - 2),
            });
            rest = &rest[at + c.len_utf8()..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Some(Self { pieces, has_number: file.has_number() })
    }

    /// Whether the template itself has the extension, whatever the values are.
    pub(super) fn has_own_extension(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Text(end)) if end.contains('.'))
    }

    /// The path of a run.
    pub(super) fn fill(&self, index: usize, stem: Option<&str>, named: &[String]) -> PathBuf {
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => path += text,
                Piece::Index => path += &format!("{index:03}"),
                Piece::Stem => path += &file_name_part(stem.unwrap_or_default()),
                Piece::Named(at) => path += &file_name_part(&named[*at]),
            }
        }
        path.into()
    }
}

fn is_mark(c: char) -> bool {
    (FIRST_MARK..FIRST_MARK + 0x1000).contains(&(c as u32))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::path::Path;

    fn template(text: &str) -> Option<Template> {
        Template::new(vec!["n", "m"], true, |placeholders| {
            placeholders.fill(text).ok().map(|filled| filled.in_folder(Path::new("/out"), false))
        })
    }

    #[test]
    fn a_template_gives_the_path_that_resolving_gives() {
        for text in ["{stem}-{n}.png", "a/{index}/x{m}.png", "{{}n}-{n}", "x-{b}-{n}.png", "./a//{n}.png"] {
            let template = template(text).unwrap();
            for (index, stem, n, m) in [(7, "cat", "1", "2"), (12345, "a/b", "..", "\n"), (0, "{n}", "ä", "")] {
                let named = vec![("n".to_owned(), n.to_owned()), ("m".to_owned(), m.to_owned())];
                let placeholders = Placeholders::new(Some(stem.to_owned()), index, named);
                let Ok(filled) = placeholders.fill(text) else { panic!("{text}") };
                let right = filled.in_folder(Path::new("/out"), false);
                assert_eq!(template.fill(index, Some(stem), &[n.to_owned(), m.to_owned()]), right.path, "{text}");
            }
        }
    }

    #[test]
    fn names_of_values_alone_are_no_templates() {
        for text in ["{n}", "{n}/x.png", ".{n}", "{stem}{n}/{m}.png", "\u{f0002}.png"] {
            assert!(template(text).is_none(), "{text}");
        }
    }
}
