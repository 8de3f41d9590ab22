//! The axes of a batch: inputs that are set together, and the values that they take one after the other.

use super::column::Column;
use crate::{
    graph::{File, class_of},
    registry::Registry,
};
use splatgraph_sdk::spec::{InputSpec, PathKind, scalar};

/// Inputs that are set together, and the values that they take row by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Axis {
    pub(super) inputs: Vec<AxisInput>,
    /// The number of rows.
    pub(super) len: usize,
}

/// A named input that an axis sets.
#[derive(Clone, Debug)]
pub(super) struct AxisInput {
    pub(super) name: String,
    pub(super) takes: Takes,
    pub(super) column: Column,
}

/// How several values of an input are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Lists and ranges of numbers, or of names if the input takes texts too.
    Numbers,
    /// Lists of choices, or of true and false.
    Words,
    /// Patterns and lists of files to read.
    Files,
    /// Patterns and lists of folders to read.
    Folders,
    /// Patterns and lists of models. Each is a file, a folder or a name.
    Models,
    /// One path to write, used as it is.
    Write,
    /// One text, JSON value or list, used as it is.
    Anything,
}

impl Takes {
    /// Whether the values are paths to read.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Files | Self::Folders | Self::Models)
    }

    pub(super) fn is_path(self) -> bool {
        self.reads() || self == Self::Write
    }
}

impl Axis {
    /// Whether items differ in this axis.
    pub(super) fn varies(&self) -> bool {
        self.len > 1
    }

    /// Whether items differ in this input of the axis.
    pub(super) fn input_varies(&self, input: usize) -> bool {
        self.inputs[input].column.varies()
    }
}

/// The declaration of a named input; `None` if the graph has no such input or its class is not loaded.
pub(super) fn spec_of(file: &File, registry: &Registry, name: &str) -> Option<InputSpec> {
    file.named_input(name)?.targets.iter().find_map(|target| {
        let class = class_of(file.node(&target.node)?, registry)?;
        class.spec.inputs.iter().find(|spec| spec.name == target.input).cloned()
    })
}

/// How values of an input are written. An unknown input takes anything, and the check of the graph then refuses it.
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
