//! A class of a generator's training data, by number or by name.

use crate::names::nearest;
use serde_json::Value as Json;
use splatgraph_sdk::{Error, Result, Union, socket::Literal};

/// The largest number of classes that a message lists.
const MOST_LISTED: usize = 64;

/// The class of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Union)]
pub enum Class {
    /// The number of the class.
    Number(u32),
    /// The name of the class in the checkpoint.
    Name(String),
}

impl Literal for Class {
    fn to_literal(&self) -> Json {
        match self {
            Self::Number(number) => Json::from(*number),
            Self::Name(name) => Json::from(name.as_str()),
        }
    }
}

impl Class {
    /// The number of the class among `count` classes; `names` is empty if they have no names.
    ///
    /// # Errors
    /// There is no such class; the message lists the known ones.
    pub(crate) fn among(&self, count: usize, names: &[String]) -> Result<usize> {
        let found = match self {
            Self::Number(number) => Some(*number as usize).filter(|number| *number < count),
            Self::Name(name) => names.iter().position(|known| known == name),
        };
        found.ok_or_else(|| {
            let near = match self {
                Self::Name(name) => nearest(name, names.iter().map(String::as_str)),
                Self::Number(_) => None,
            };
            let near = near.map(|near| format!(". Did you mean `{near}`?")).unwrap_or_default();
            let known = match self {
                _ if !names.is_empty() => format!("; this generator knows {}", listed(0..count, names)),
                Self::Number(_) => String::new(),
                Self::Name(_) => "; this generator has no names for its classes".to_owned(),
            };
            let (last, got) = (count - 1, self.to_literal());
            Error::new(format!("expected a class from 0 to {last}, got {got}{known}{near}"))
        })
    }
}

/// `0: brick, 3: rock`
pub(crate) fn listed(classes: impl IntoIterator<Item = usize>, names: &[String]) -> String {
    let mut all: Vec<String> = classes.into_iter().map(|class| format!("{class}: {}", names[class])).collect();
    let more = all.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        all.truncate(MOST_LISTED);
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}
