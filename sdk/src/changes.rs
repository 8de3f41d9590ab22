//! What changed in a pack since its earlier versions, so that graphs of those versions still run.
//!
//! A pack lists its changes in `export_pack!`, one line a change, each with the version in which it came:
//!
//! ```
//! use splatgraph_sdk::{changes::since, prelude::*};
//!
//! /// Makes a picture smoother.
//! #[node(outputs(image))]
//! pub fn smooth(
//!     image: Image,
//!     /// In pixels.
//!     #[input(default = 3)]
//!     size: u32,
//! ) -> Result<Image> {
//!     # let _ = size;
//!     Ok(image)
//! }
//!
//! export_pack! {
//!     id: "acme",
//!     description: "Pictures, smoothed",
//!     nodes: [smooth],
//!     changes: [
//!         since("0.2.0", "Blur").renamed("Smooth"),
//!         since("0.2.0", "Smooth").input("radius").renamed("size"),
//!         since("0.2.0", "Smooth").input("size").was(5),
//!     ],
//! }
//! # fn main() {}
//! ```
//!
//! A graph says under `packs` with which versions it was made. The host applies the lines of later versions one after the other, in the
//! order of versions and then of the list. So each line has the names that hold after all lines before it. Lines stay in the list for
//! ever, as long as graphs of those versions may come.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// One change: a class, an input or an output, and one thing that happened to it. [`since`] begins one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The version of the pack in which the change came: `0.2.0`.
    pub version: String,
    /// The name of the class inside the pack, before this change. With [`renamed`](Self::renamed) it may be a class of another pack,
    /// `old.Blur`, that a node of this pack now stands in for.
    pub class: String,
    /// The name of the input, if the change is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The name of the output, if the change is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The new name of the class, the input or the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
    /// For a class with a new name: values of inputs that the old class did not have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Json>,
    /// For an input: the class that takes the place of this one for each value, and then no longer has the input.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub split: BTreeMap<String, String>,
    /// For an input: the new texts of values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, String>,
    /// For an input: the factor of its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// For an input: whether it took one value, and now takes a list.
    #[serde(default, skip_serializing_if = "is_false")]
    pub list: bool,
    /// For a class, an input or an output that is gone: what to do in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<String>,
    /// For an input: the value that old graphs get if they leave it out. With [`removed`](Self::removed): the only value that loses
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Json>,
    /// For an output: its position before, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Begins a change of the class `class` that came with the version `version` of the pack.
#[must_use]
pub fn since(version: &str, class: &str) -> Change {
    Change { version: version.to_owned(), class: class.to_owned(), ..Change::default() }
}

impl Change {
    /// The change is about an input.
    #[must_use]
    pub fn input(self, name: &str) -> Self {
        Self { input: Some(name.to_owned()), ..self }
    }

    /// The change is about an output.
    #[must_use]
    pub fn output(self, name: &str) -> Self {
        Self { output: Some(name.to_owned()), ..self }
    }

    /// The class, the input or the output has a new name.
    #[must_use]
    pub fn renamed(self, name: &str) -> Self {
        Self { renamed: Some(name.to_owned()), ..self }
    }

    /// The class of the new name has an input that the old class did not have; old graphs get this value. So two classes become one.
    #[must_use]
    pub fn with(mut self, input: &str, value: impl Into<Json>) -> Self {
        self.values.insert(input.to_owned(), value.into());
        self
    }

    /// The value of the input chooses another class, which no longer has the input: pairs of a value and a class. Nodes with other values
    /// keep their class. [`was`](Self::was) tells the value of graphs that leave the input out.
    #[must_use]
    pub fn split(self, classes: &[(&str, &str)]) -> Self {
        Self { split: pairs(classes), ..self }
    }

    /// Values of the input have new texts: pairs of an old text and a new one.
    #[must_use]
    pub fn words(self, words: &[(&str, &str)]) -> Self {
        Self { words: pairs(words), ..self }
    }

    /// The numbers of the input are multiplied by `factor`.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { factor: Some(factor), ..self }
    }

    /// The input took one value, and now takes a list. The value of an old graph becomes a list of one.
    #[must_use]
    pub fn list(self) -> Self {
        Self { list: true, ..self }
    }

    /// The class, the input or the output is gone. `advice` tells users what to do: "use Rotate". What an old graph gives to such an input is
    /// dropped; an old graph with such a class, or with a link from such an output, does not run.
    #[must_use]
    pub fn removed(self, advice: &str) -> Self {
        Self { removed: Some(advice.to_owned()), ..self }
    }

    /// The value of the input in old graphs that leave it out: its old default, or what a new input means for them. For an input that is
    /// [removed](Self::removed): an old graph with another value does not run.
    #[must_use]
    pub fn was(self, value: impl Into<Json>) -> Self {
        Self { was: Some(value.into()), ..self }
    }

    /// The output was at another position among the outputs, counted from 0. Prompts name outputs by position.
    #[must_use]
    pub fn was_at(self, position: usize) -> Self {
        Self { position: Some(position), ..self }
    }
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(old, new)| (old.to_owned(), new.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_the_json_that_other_languages_write() {
        let lines = [
            since("0.2.0", "Blur").renamed("Smooth").with("method", "fast"),
            since("0.2.0", "Smooth").input("kind").split(&[("edge", "Edges")]).was("plain"),
            since("0.2.0", "Smooth").input("amount").times(0.01),
            since("0.2.0", "Smooth").input("sizes").list(),
            since("0.2.0", "Smooth").output("mask").was_at(1),
        ];
        let expected = json!([
            { "version": "0.2.0", "class": "Blur", "renamed": "Smooth", "values": { "method": "fast" } },
            { "version": "0.2.0", "class": "Smooth", "input": "kind", "split": { "edge": "Edges" }, "was": "plain" },
            { "version": "0.2.0", "class": "Smooth", "input": "amount", "factor": 0.01 },
            { "version": "0.2.0", "class": "Smooth", "input": "sizes", "list": true },
            { "version": "0.2.0", "class": "Smooth", "output": "mask", "position": 1 },
        ]);
        assert_eq!(json!(lines), expected);
        assert_eq!(serde_json::from_value::<Vec<Change>>(expected).unwrap(), lines);
    }
}
