//! The axes of a batch: inputs that are set together, and the values that they take one after the other.

use crate::{graph::File, registry::Registry};
use splatgraph_sdk::spec::{InputSpec, PathKind, scalar};

/// Inputs that are set together, and what they are set to, one row after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Axis {
    pub(super) inputs: Vec<AxisInput>,
    /// One value for each input; `None` leaves it as the graph has it.
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// A named input that an axis sets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AxisInput {
    pub(super) name: String,
    pub(super) takes: Takes,
}

/// What sort of values an input takes, as far as writing several of them goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Lists and ranges; of numbers, or of names where the input takes those too.
    Numbers,
    /// Lists of choices, or of true and false.
    Words,
    /// Patterns and lists of files to read.
    Files,
    /// Patterns and lists of folders to read.
    Folders,
    /// Patterns and lists of models, each a file, a folder or a name.
    Models,
    /// A path to write: one value as it is.
    Write,
    /// Text, JSON and lists: one value as it is.
    Anything,
}

impl Takes {
    /// Whether it is a path to read.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Files | Self::Folders | Self::Models)
    }

    pub(super) fn is_path(self) -> bool {
        self.reads() || self == Self::Write
    }
}

impl Axis {
    /// Whether items differ by it.
    pub(super) fn varies(&self) -> bool {
        self.rows.len() > 1
    }

    /// Whether items differ by this input of the axis.
    pub(super) fn input_varies(&self, input: usize) -> bool {
        let mut values = self.rows.iter().map(|row| &row[input]);
        let first = values.next();
        values.any(|value| Some(value) != first)
    }
}

/// The declaration of a named input.
pub(super) fn spec_of(file: &File, registry: &Registry, name: &str) -> Option<InputSpec> {
    file.named_input(name)?.targets.iter().find_map(|target| {
        let class = registry.class(&file.node(&target.node)?.class_type)?;
        class.spec.inputs.iter().find(|spec| spec.name == target.input).cloned()
    })
}

/// What an input takes; of an unknown one anything, which the graph's check then refuses.
pub(super) fn takes(spec: Option<&InputSpec>) -> Takes {
    let Some(spec) = spec.filter(|spec| !spec.list) else { return Takes::Anything };
    let only = |types: &[&str]| spec.socket.split(',').all(|socket_type| types.contains(&socket_type));
    match spec.path {
        Some(PathKind::Write) => Takes::Write,
        Some(PathKind::Read) => Takes::Files,
        Some(PathKind::ReadDir) => Takes::Folders,
        Some(PathKind::Model) => Takes::Models,
        None if !spec.choices.is_empty() || only(&[scalar::BOOLEAN]) => Takes::Words,
        None if only(&[scalar::STRING]) => Takes::Anything,
        None if only(&[scalar::INT, scalar::FLOAT, scalar::STRING]) => Takes::Numbers,
        None => Takes::Anything,
    }
}
