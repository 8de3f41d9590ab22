//! JSON with positions: serde_json gives a position for its first error only, and takes duplicate keys silently.

use super::problem::{Kind, Place, Problem};
use serde_json::{Map, Number, Value as Json};
use std::cell::Cell;

/// A JSON value and where it starts (a byte offset).
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) at: usize,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Scalar(Json),
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

    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.shape {
            Shape::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Tree> {
        self.members()?.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// What it is, for a message: `the text "a"`, `the number 3`, `an object`.
    pub(crate) fn describe(&self) -> String {
        describe(&self.to_json())
    }
}

/// What a JSON value is, for a message: `the text "a"`, `the number 3`, `an object`.
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

/// Byte offsets to lines and columns.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The offset asked for last and its column: a graph may be one long line, which is not counted from its start
    /// for each position.
    last: Cell<(usize, usize)>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts, last: Cell::new((0, 1)) }
    }

    pub(crate) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|&start| start <= at);
        let start = self.starts[line - 1];
        let (known, its_column) = self.last.get();
        let (from, first) = if (start..=at).contains(&known) { (known, its_column) } else { (start, 1) };
        let column = self.text[from..at].chars().count() + first;
        self.last.set((at, column));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { file: None, line: number(line), column: number(column) }
    }
}

/// The tree, unless the text could not be read to its end, and all problems found on the way. Comments, commas too many
/// and duplicate keys are problems after which reading goes on.
pub(crate) fn parse(text: &str) -> (Option<Tree>, Vec<Problem>) {
    let mut parser = Parser { text, at: 0, depth: 0, lines: Lines::new(text), problems: Vec::new() };
    match parser.document() {
        Ok(tree) => (Some(tree), parser.problems),
        Err(problem) => {
            parser.problems.push(*problem);
            (None, parser.problems)
        }
    }
}

/// Objects and arrays inside each other; as serde_json.
const MAX_DEPTH: u32 = 128;

type Parsed<T> = Result<T, Box<Problem>>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
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
        let problem = self.problem(self.at, "the JSON can't be read").expected(expected);
        let problem = match self.text[self.at..].chars().next() {
            None => problem.received("the end of the text"),
            Some('\'') => problem.received("'").hint("write text in double quotes".to_owned()),
            Some(c) => problem.received(format!("{c:?}")),
        };
        Box::new(problem)
    }

    fn document(&mut self) -> Parsed<Tree> {
        self.at = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        self.space()?;
        if self.peek().is_none() {
            return Err(Box::new(Problem::new(Kind::Syntax, "the graph is empty")));
        }
        let tree = self.value()?;
        self.space()?;
        if self.peek().is_some() { Err(self.unexpected("the end of the text")) } else { Ok(tree) }
    }

    /// Skips white space, and comments after noting them.
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
            self.problems.push(problem.hint("put it under a key that starts with `_`".to_owned()));
            self.at += length;
        }
    }

    fn value(&mut self) -> Parsed<Tree> {
        let at = self.at;
        let shape = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Shape::Scalar(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Shape::Scalar(self.number()?),
            Some(b'a'..=b'z' | b'A'..=b'Z') => Shape::Scalar(self.word()?),
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Tree { at, shape })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Parsed<Shape>) -> Parsed<Shape> {
        if self.depth == MAX_DEPTH {
            return Err(Box::new(self.problem(self.at, format!("more than {MAX_DEPTH} levels of brackets"))));
        }
        self.depth += 1;
        self.at += 1;
        let shape = read(self);
        self.depth -= 1;
        shape
    }

    /// Steps over a comma; true when the list goes on, false at its closing bracket.
    fn next_item(&mut self, close: u8, expected: &str) -> Parsed<bool> {
        self.space()?;
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.space()?;
                if self.peek() == Some(close) {
                    let problem = self.problem(comma, format!("a comma before `{}`", char::from(close)));
                    self.problems.push(problem.hint("remove it".to_owned()));
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
                    let message = format!("the key {key:?} stands twice, first on line {first}");
                    let problem = Problem::new(Kind::DuplicateKey, message).at(Some(self.lines.place(at)));
                    self.problems.push(problem.hint("rename or remove one".to_owned()));
                }
            }
            if !self.next_item(b'}', "`,` or `}`")? {
                return Ok(Shape::Object(members));
            }
        }
    }

    fn word(&mut self) -> Parsed<Json> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            "null" => Json::Null,
            "NaN" | "Infinity" => {
                return Err(Box::new(self.problem(self.at, format!("JSON has no {}", &rest[..length]))));
            }
            word => {
                let problem = self.problem(self.at, "the JSON can't be read").expected("a value");
                let problem = problem.received(format!("`{}`", word.chars().take(40).collect::<String>()));
                return Err(Box::new(problem.hint("write text in double quotes".to_owned())));
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
            return Err(Box::new(self.problem(self.at, format!("`{shown}` is not a number that JSON or f64 has"))));
        };
        if whole && number.is_f64() && digits != "-0" {
            // serde_json would round it, which is wrong for a seed.
            let problem = self.problem(self.at, format!("the whole number {digits} is out of range"));
            let problem = problem.expected(format!("{} to {}", i64::MIN, u64::MAX));
            self.problems.push(problem.hint("for a float write it with an exponent".to_owned()));
        }
        self.at += digits.len();
        // serde_json's floats may be off by the last bit, so that a graph would not stay the same when it is written again.
        let exact = digits.parse().ok().and_then(Number::from_f64).filter(|_| number.is_f64());
        Ok(Json::Number(exact.unwrap_or(number)))
    }

    /// A text in double quotes; its escapes are read by serde_json.
    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(0..=0x1f) => {
                    let problem = self.problem(end, "a line break or control character inside a text");
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
                // serde_json's column counts bytes from 1, the opening quote being the first.
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
