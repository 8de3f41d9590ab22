//! The errors of a batch.

use crate::words::one_line;

/// An error of a batch, shown with one message a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", messages.join("\n"))]
pub struct Error {
    /// At least one.
    pub messages: Vec<String>,
    /// The kind of the error.
    pub kind: ErrorKind,
}

/// The kind of an error of a batch, which decides what the user can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The values, the options or the graph are wrong.
    Usage,
    /// A graph from elsewhere would replace a file; permission or another folder helps.
    Replaces,
    /// The folder for output belongs to another batch or another process; another folder helps.
    Folder,
    /// Something can't be read or written, or a node failed.
    Failed,
    /// Only packs or models are missing.
    Missing,
}

impl Error {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], kind: ErrorKind::Usage }
    }

    pub(super) fn folder(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], kind: ErrorKind::Folder }
    }

    pub(super) fn replaces(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], kind: ErrorKind::Replaces }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { messages: vec![message.into()], kind: ErrorKind::Failed }
    }
}

/// A value in a message, as the user wrote it.
pub(super) fn given(name: &str, text: &str) -> String {
    format!("`{}`", one_line(&format!("{name}={text}")))
}
