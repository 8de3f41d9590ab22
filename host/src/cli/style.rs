//! Styles of text, and characters that a terminal must not act on.

use std::fmt;

use clap::builder::styling::{AnsiColor, Style};
use splatgraph::words::{escaped, is_active};

/// A style in a text: `{BOLD}text{BOLD:#}`. It stays a mark until the text is printed. So the escape sequences of a printed
/// text come from marks alone, and all others are foreign.
pub(crate) struct Mark(char);

/// The style of headings.
pub(crate) const BOLD: Mark = Mark('\u{fdd1}');
/// The style of less important text.
pub(crate) const DIM: Mark = Mark('\u{fdd2}');
pub(crate) const RED: Mark = Mark('\u{fdd3}');
pub(crate) const YELLOW: Mark = Mark('\u{fdd4}');
/// The end of every style. Unicode keeps these characters for use inside a program.
const END: char = '\u{fdd0}';

const STYLES: [(Mark, Style); 4] = [
    (BOLD, Style::new().bold()),
    (DIM, Style::new().dimmed()),
    (RED, AnsiColor::Red.on_default().bold()),
    (YELLOW, AnsiColor::Yellow.on_default().bold()),
];

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char(if f.alternate() { END } else { self.0 })
    }
}

/// The text with escape sequences for the marks. Foreign control characters are escaped, except line ends and tabs.
pub(crate) fn to_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match STYLES.iter().find(|(mark, _)| mark.0 == c) {
            Some((_, style)) => out += &style.to_string(),
            None if c == END => out += &format!("{:#}", STYLES[0].1),
            None if is_active(c) && !matches!(c, '\n' | '\t') => out += &escaped(c),
            None => out.push(c),
        }
    }
    out
}

/// The JSON text with escapes of JSON for control characters.
pub(crate) fn json_to_terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_active(c) && !matches!(c, '\n' | '\t') {
            out += &format!("\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_become_escape_sequences() {
        let text = format!("{RED}error{RED:#}: a\u{1b}[2Jb\u{9b}c\r\u{202e}d\n\te");
        assert_eq!(to_terminal(&text), "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: a\\u{1b}[2Jb\\u{9b}c\\r\\u{202e}d\n\te");
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({"a\u{9b}\u{7f}": "b\u{202e}\u{1b}\n\u{fdd1}"});
        let text = json_to_terminal(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(|c: char| is_active(c) && c != '\n'), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
