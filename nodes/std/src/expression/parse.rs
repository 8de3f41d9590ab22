//! Makes a tree of an expression.

use super::{
    NAMES,
    tokens::{Part, Token},
};
use crate::simple::{Number, Simple};
use splatgraph_sdk::prelude::*;

/// A part of an expression with a value.
#[derive(Debug)]
pub(super) enum Tree {
    Value(Simple),
    /// The input at this position in [`NAMES`].
    Input(usize),
    Negative(Box<Tree>),
    Not(Box<Tree>),
    /// An operator between two parts.
    Pair(&'static str, Box<[Tree; 2]>),
    Call(&'static str, Vec<Tree>),
}

/// The functions. `min` and `max` take any number of values, the others one.
pub(super) const FUNCTIONS: [&str; 11] =
    ["abs", "ceil", "cos", "exp", "floor", "log", "max", "min", "round", "sin", "sqrt"];

/// How deep brackets may be inside each other.
const DEEPEST: usize = 50;

/// The tree of an expression.
///
/// # Errors
/// The expression is malformed. The error says where.
pub(super) fn parse(tokens: Vec<Token>) -> Result<Tree> {
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let tree = parser.either()?;
    match parser.part() {
        Part::End => Ok(tree),
        Part::Sign("<" | "<=" | ">" | ">=" | "==" | "!=") => {
            Err(parser.expected("one comparison; join two with `and`"))
        }
        _ => Err(parser.expected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn part(&self) -> &Part {
        &self.tokens[self.next].part
    }

    /// Takes the next part. The last one, [`Part::End`], stays.
    fn take(&mut self) -> Part {
        let part = self.part().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        part
    }

    /// Takes the next part if it is one of these signs or words.
    fn take_one(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        let found = match self.part() {
            Part::Sign(sign) => wanted.iter().find(|wanted| *wanted == sign),
            Part::Name(name) => wanted.iter().find(|wanted| **wanted == name),
            _ => None,
        };
        let found = *found?;
        self.take();
        Some(found)
    }

    fn expected(&self, what: &str) -> Error {
        let Token { part, at } = &self.tokens[self.next];
        let got = match part {
            Part::Value(Simple::Text(text)) => format!("the text {text:?}"),
            Part::Value(Simple::Number(number)) => format!("`{number}`"),
            Part::Value(Simple::Truth(truth)) => format!("`{truth}`"),
            Part::Name(name) if name.chars().count() > 20 => "a long name".to_owned(),
            Part::Name(name) => format!("`{name}`"),
            Part::Sign(sign) => format!("`{sign}`"),
            Part::End => "the end".to_owned(),
        };
        Error::new(format!("expected {what}, got {got} at character {at}"))
    }

    /// Parts of the next level with these operators between them.
    fn chain(&mut self, operators: &[&'static str], level: impl Fn(&mut Self) -> Result<Tree>) -> Result<Tree> {
        let mut tree = level(self)?;
        while let Some(operator) = self.take_one(operators) {
            tree = Tree::Pair(operator, Box::new([tree, level(self)?]));
        }
        Ok(tree)
    }

    fn either(&mut self) -> Result<Tree> {
        self.chain(&["or"], |parser| parser.chain(&["and"], Self::not))
    }

    /// Goes one level deeper, for parts that may have parts of any kind inside.
    fn deeper(&mut self, level: impl FnOnce(&mut Self) -> Result<Tree>) -> Result<Tree> {
        if self.depth == DEEPEST {
            bail!("expected at most {DEEPEST} brackets and signs inside each other, got more; use several nodes");
        }
        self.depth += 1;
        let tree = level(self)?;
        self.depth -= 1;
        Ok(tree)
    }

    fn not(&mut self) -> Result<Tree> {
        if self.take_one(&["not"]).is_some() {
            return Ok(Tree::Not(Box::new(self.deeper(Self::not)?)));
        }
        let left = self.sum()?;
        let Some(operator) = self.take_one(&["==", "!=", "<=", ">=", "<", ">"]) else { return Ok(left) };
        Ok(Tree::Pair(operator, Box::new([left, self.sum()?])))
    }

    fn sum(&mut self) -> Result<Tree> {
        self.chain(&["+", "-"], |parser| parser.chain(&["*", "/", "//", "%"], Self::signed))
    }

    fn signed(&mut self) -> Result<Tree> {
        if self.take_one(&["-"]).is_some() {
            return Ok(Tree::Negative(Box::new(self.deeper(Self::signed)?)));
        }
        let base = self.atom()?;
        if self.take_one(&["^", "**"]).is_none() {
            return Ok(base);
        }
        Ok(Tree::Pair("^", Box::new([base, self.deeper(Self::signed)?])))
    }

    fn atom(&mut self) -> Result<Tree> {
        match self.part() {
            Part::Value(_) => {
                let Part::Value(value) = self.take() else { unreachable!("a value") };
                Ok(Tree::Value(value))
            }
            Part::Name(name) => {
                let name = name.clone();
                self.named(&name)
            }
            Part::Sign("(") => {
                self.take();
                let inner = self.deeper(Self::either)?;
                self.close()?;
                Ok(inner)
            }
            _ => Err(self.expected("a number, a name or `(`")),
        }
    }

    fn named(&mut self, name: &str) -> Result<Tree> {
        let constant = match name {
            "true" => Some(Simple::Truth(true)),
            "false" => Some(Simple::Truth(false)),
            "pi" => Some(Simple::Number(Number::Float(std::f64::consts::PI))),
            _ => None,
        };
        if let Some(value) = constant {
            self.take();
            return Ok(Tree::Value(value));
        }
        if let Some(input) = NAMES.iter().position(|known| *known == name) {
            self.take();
            return Ok(Tree::Input(input));
        }
        let Some(function) = FUNCTIONS.into_iter().find(|known| *known == name) else {
            return Err(self.expected(&format!(
                "a name of an input ({}), `pi`, `true`, `false` or a function ({})",
                NAMES.join(", "),
                FUNCTIONS.join(", ")
            )));
        };
        self.take();
        if self.take_one(&["("]).is_none() {
            return Err(self.expected(&format!("`(` behind `{function}`")));
        }
        let mut arguments = vec![self.deeper(Self::either)?];
        while self.take_one(&[","]).is_some() {
            arguments.push(self.deeper(Self::either)?);
        }
        self.close()?;
        if arguments.len() > 1 && !matches!(function, "min" | "max") {
            bail!("expected one value for `{function}`, got {}", arguments.len());
        }
        Ok(Tree::Call(function, arguments))
    }

    fn close(&mut self) -> Result<()> {
        self.take_one(&[")"]).map(|_| ()).ok_or_else(|| self.expected("`)`"))
    }
}
