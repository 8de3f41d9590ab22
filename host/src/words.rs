//! Words for messages: the nearest right name, lists of names, counts, foreign text on one line.

use std::{borrow::Cow, path::Path};

/// The candidate that differs from `name` by the fewest letters: changed, missing, extra or swapped ones. Ignores case.
/// `None` if every candidate differs by more than a third of the letters.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The text ``did you mean `x`?``, or else all names behind `otherwise`: `its inputs are: a, b, c`.
pub(crate) fn suggest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> Option<String> {
    if let Some(near) = nearest(name, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all = some_of(candidates);
    (!all.is_empty()).then(|| format!("{otherwise}: {all}"))
}

/// The first twelve names, separated by commas, and the number of further names.
pub fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// Whether a terminal acts on a character instead of showing it: control characters, and marks that change lines or the
/// direction of writing. Also characters that this program keeps for its own styles.
#[must_use]
pub fn is_active(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}'
    ) || c.is_control()
}

/// A character as an escape: `\n`, `\u{9b}`.
#[must_use]
pub fn escaped(c: char) -> String {
    match c {
        '\n' | '\r' | '\t' => c.escape_default().to_string(),
        _ => c.escape_unicode().to_string(),
    }
}

/// A foreign text, such as a name, as a message shows it: on one line, with escapes for characters that a terminal acts on.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(is_active) {
        text.chars().map(|c| if is_active(c) { escaped(c) } else { c.to_string() }).collect::<String>().into()
    } else {
        text.into()
    }
}

/// A path as a message shows it, on one line. Every message takes its paths from here.
#[must_use]
pub fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy()).into_owned()
}

/// The most bytes of a text of a pack that are shown.
const SHOWN_BYTES: usize = 4000;

/// A text of a pack, shortened to a length that people can read.
#[must_use]
pub fn shortened(text: &str) -> String {
    shortened_to(text, SHOWN_BYTES)
}

/// A text, shortened to about `most` bytes.
#[must_use]
pub fn shortened_to(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let start = &text[..text.floor_char_boundary(most)];
    format!("{start} ... (the first {} of {} bytes)", start.len(), text.len())
}

/// A number of things: `1 node`, `2 nodes`.
#[must_use]
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A relative path that goes into a graph or a table, with slashes on every system, so that the file is the same everywhere.
#[must_use]
pub(crate) fn with_slashes(path: &str) -> String {
    if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!((count(1, "node"), count(0, "node")), ("1 node".into(), "0 nodes".into()));
    }

    #[test]
    fn foreign_text_stays_on_its_line() {
        assert_eq!(one_line("a cat, ñandú, 猫"), "a cat, ñandú, 猫");
        assert_eq!(one_line("a\nb\rc\td\u{1b}[31m\u{9b}\u{7f}\0"), r"a\nb\rc\td\u{1b}[31m\u{9b}\u{7f}\u{0}");
        assert_eq!(one_line("\u{202e}gnp.tac\u{2066}\u{200f}\u{2028}"), r"\u{202e}gnp.tac\u{2066}\u{200f}\u{2028}");
    }

    #[test]
    fn long_texts_are_shortened_between_letters() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened_to("äöü", 3), "ä ... (the first 2 of 6 bytes)");
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let names = ["tokens", "exponent", "weight"];
        assert_eq!(nearest("token", names), Some("tokens"));
        assert_eq!(nearest("TOKENS", names), Some("tokens"));
        assert_eq!(nearest("exponetn", names), Some("exponent"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("", names), None);
    }
}
