//! Reads JSON with positions. serde_json has a position only for its first error, and accepts duplicate keys.

use super::{
    lines::Lines,
    literal,
    problem::{Kind, Problem},
};
use crate::reading::MOST_VALUES;
use serde_json::{Map, Number, Value as Json};

/// A JSON value and its start as a byte offset.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) at: usize,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Scalar(Json),
    /// A number that JSON does not have, but Python writes: `NaN`, `Infinity`, `-Infinity`.
    NoNumber(&'static str),
    Array(Vec<Tree>),
    Object(Vec<Member>),
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) at: usize,
    pub(crate) key: String,
    pub(crate) value: Tree,
}

impl Tree {
    pub(crate) fn to_json(&self) -> Json {
        match &self.shape {
            Shape::Scalar(value) => value.clone(),
            Shape::NoNumber(_) => Json::Null,
            Shape::Array(items) => Json::Array(items.iter().map(Tree::to_json).collect()),
            Shape::Object(members) => Json::Object(
                members.iter().map(|member| (member.key.clone(), member.value.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The items of an array; none of anything else.
    pub(crate) fn items(&self) -> &[Tree] {
        match &self.shape {
            Shape::Array(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.shape {
            Shape::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Tree> {
        self.members()?.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// Describes the value for a message: `the text "a"`, `the number 3`, `an object`.
    pub(crate) fn describe(&self) -> String {
        if let Shape::NoNumber(name) = self.shape { name.to_owned() } else { describe(&self.to_json()) }
    }

    /// Calls `visit` for the numbers in it that JSON does not have, each with its start.
    pub(crate) fn no_numbers(&self, visit: &mut impl FnMut(usize, &'static str)) {
        match &self.shape {
            Shape::NoNumber(name) => visit(self.at, name),
            Shape::Array(items) => items.iter().for_each(|item| item.no_numbers(visit)),
            Shape::Object(members) => members.iter().for_each(|member| member.value.no_numbers(visit)),
            Shape::Scalar(_) => {}
        }
    }
}

/// Describes a JSON value for a message: `the text "a"`, `the number 3`, `an object`.
pub(crate) fn describe(value: &Json) -> String {
    const SHOWN: usize = 40;
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => format!("the number {number}"),
        Json::String(text) if text.chars().count() > SHOWN => {
            format!("the text {:?}...", text.chars().take(SHOWN).collect::<String>())
        }
        Json::String(text) => format!("the text {text:?}"),
        Json::Array(_) => "an array".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// Reads a text. Returns the tree, if the text could be read to its end, and all problems. Reading continues after comments,
/// trailing commas and duplicate keys.
pub(crate) fn parse(text: &str) -> (Option<Tree>, Vec<Problem>) {
    let mut parser = Parser { text, at: 0, depth: 0, values: 0, lines: Lines::new(text), problems: Vec::new() };
    match parser.document() {
        Ok(tree) => (Some(tree), parser.problems),
        Err(problem) => {
            parser.problems.push(*problem);
            (None, parser.problems)
        }
    }
}

/// The largest depth of objects and arrays. serde_json reads at most 127 levels, and other texts have a graph inside them: the header of
/// a picture, messages, the journal of a batch.
const MAX_DEPTH: u32 = 120;
/// The most problems that are told; a file of another kind may have any number.
pub(crate) const MAX_PROBLEMS: usize = 200;

type Parsed<T> = Result<T, Box<Problem>>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    values: usize,
    lines: Lines<'a>,
    problems: Vec<Problem>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn problem(&self, at: usize, message: impl Into<String>) -> Problem {
        Problem::new(Kind::Syntax, message).at(Some(self.lines.place(at)))
    }

    fn unexpected(&self, expected: &str) -> Box<Problem> {
        let problem = self.problem(self.at, "the JSON cannot be read").expected(expected);
        let problem = match self.text[self.at..].chars().next() {
            None => problem.received("the end of the text"),
            Some('\'') => problem.received("'").hint("write text in double quotes, as \"text\"".to_owned()),
            Some('(') => problem.received("'('").hint("write a list in square brackets, as [1, 2]".to_owned()),
            Some(c) => problem.received(format!("{c:?}")),
        };
        Box::new(problem)
    }

    fn document(&mut self) -> Parsed<Tree> {
        self.at = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        self.space()?;
        if self.peek().is_none() {
            return Err(Box::new(Problem::new(Kind::Syntax, "expected a graph, got an empty text")));
        }
        let tree = self.value()?;
        self.space()?;
        if self.peek().is_some() { Err(self.unexpected("the end of the text")) } else { Ok(tree) }
    }

    /// Skips white space and comments. Comments are problems.
    fn space(&mut self) -> Parsed<()> {
        loop {
            let rest = &self.text[self.at..];
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => end + 2,
                    None => return Err(Box::new(self.problem(self.at, "a comment has no end"))),
                }
            } else if matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                self.at += 1;
                continue;
            } else {
                return Ok(());
            };
            let problem = self.problem(self.at, "JSON has no comments");
            self.problems.push(problem.hint("move the text to a key that starts with `_`".to_owned()));
            self.at += length;
        }
    }

    fn value(&mut self) -> Parsed<Tree> {
        let at = self.at;
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(Box::new(
                self.problem(at, format!("expected a graph of at most {MOST_VALUES} values, got more")),
            ));
        }
        if self.problems.len() > MAX_PROBLEMS {
            let message = format!("the text has more than {MAX_PROBLEMS} problems; the rest of it is not read");
            return Err(Box::new(self.problem(at, message)));
        }
        let shape = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Shape::Scalar(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') if let Some(name) = self.no_number() => {
                self.at += name.len();
                Shape::NoNumber(name)
            }
            Some(b'-' | b'0'..=b'9') => Shape::Scalar(self.number()?),
            Some(b'a'..=b'z' | b'A'..=b'Z') => Shape::Scalar(self.word()?),
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Tree { at, shape })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Parsed<Shape>) -> Parsed<Shape> {
        if self.depth == MAX_DEPTH {
            return Err(Box::new(
                self.problem(self.at, format!("expected at most {MAX_DEPTH} levels of brackets, got more")),
            ));
        }
        self.depth += 1;
        self.at += 1;
        let shape = read(self);
        self.depth -= 1;
        shape
    }

    /// Reads the comma or the closing bracket after an item. Returns whether another item follows.
    fn next_item(&mut self, close: u8, expected: &str) -> Parsed<bool> {
        self.space()?;
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.space()?;
                if self.peek() == Some(close) {
                    let problem = self.problem(comma, format!("JSON has no comma before `{}`", char::from(close)));
                    self.problems.push(problem.hint("remove the comma".to_owned()));
                    self.at += 1;
                    return Ok(false);
                }
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn array(&mut self) -> Parsed<Shape> {
        let mut items = Vec::new();
        self.space()?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Shape::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.next_item(b']', "`,` or `]`")? {
                return Ok(Shape::Array(items));
            }
        }
    }

    fn object(&mut self) -> Parsed<Shape> {
        let mut members: Vec<Member> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        self.space()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Shape::Object(members));
        }
        loop {
            let at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            self.space()?;
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:` after the key"));
            }
            self.at += 1;
            self.space()?;
            let value = self.value()?;
            match seen.insert(key.clone(), at) {
                None => members.push(Member { at, key, value }),
                Some(first) => {
                    let first = self.lines.place(first).line;
                    let message = format!("the object has the key {key:?} twice, first in line {first}");
                    let problem = Problem::new(Kind::DuplicateKey, message).at(Some(self.lines.place(at)));
                    self.problems.push(problem.hint("rename or remove one of them".to_owned()));
                }
            }
            if !self.next_item(b'}', "`,` or `}`")? {
                return Ok(Shape::Object(members));
            }
        }
    }

    /// The number that JSON does not have, if one stands here.
    fn no_number(&self) -> Option<&'static str> {
        let rest = &self.text[self.at..];
        let ends = |name: &str| {
            rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        };
        ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| ends(name))
    }

    fn word(&mut self) -> Parsed<Json> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "null" => Json::Null,
            word => {
                let problem = self.problem(self.at, "the JSON cannot be read").expected("a value");
                let problem = problem.received(format!("`{}`", word.chars().take(40).collect::<String>()));
                let hint = literal::in_json(word).unwrap_or("write text in double quotes");
                return Err(Box::new(problem.hint(hint.to_owned())));
            }
        };
        self.at += length;
        Ok(value)
    }

    fn number(&mut self) -> Parsed<Json> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let digits = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let whole = !digits.contains(['.', 'e', 'E']);
        let number = if let Ok(number) = serde_json::from_str::<Number>(digits) {
            number
        } else {
            let shown: String = digits.chars().take(40).collect();
            return Err(Box::new(
                self.problem(self.at, format!("expected a number, got `{shown}`, which JSON or f64 does not have")),
            ));
        };
        if whole && number.is_f64() && digits != "-0" {
            // serde_json rounds such numbers, which is wrong for a seed.
            let problem = self.problem(self.at, format!("the whole number {digits} is out of range"));
            let problem = problem.expected(format!("{} to {}", i64::MIN, u64::MAX));
            self.problems.push(problem.hint("write a smaller one, or a float with an exponent".to_owned()));
        }
        self.at += digits.len();
        // Floats of serde_json may be wrong in the last bit, and then a graph would change when it is written again.
        let exact = digits.parse().ok().and_then(Number::from_f64).filter(|_| number.is_f64());
        Ok(Json::Number(exact.unwrap_or(number)))
    }

    /// Reads a text in double quotes. serde_json reads its escapes.
    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(0..=0x1f) => {
                    let problem = self.problem(end, "a text has a line break or another control character");
                    return Err(Box::new(problem.hint("close the text, or write \\n".to_owned())));
                }
                Some(_) => end += 1,
                None => return Err(Box::new(self.problem(start, "a text has no closing quote"))),
            }
        }
        match serde_json::from_str(&self.text[start..=end]) {
            Ok(text) => {
                self.at = end + 1;
                Ok(text)
            }
            Err(error) => {
                // The column of serde_json counts bytes from 1, which is the opening quote.
                let mut at = (start + error.column().max(1) - 1).min(end);
                while !self.text.is_char_boundary(at) {
                    at -= 1;
                }
                let hint = "write a backslash as \\\\, another character as \\uXXXX".to_owned();
                Err(Box::new(self.problem(at, "the text has an escape that JSON does not have").hint(hint)))
            }
        }
    }
}
