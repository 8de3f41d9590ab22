//! The errors of a report.

use crate::batch;

/// An error of a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The kind of an error of a report, which decides what the user can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The options or the results are wrong.
    Usage,
    /// What was named is no table of a batch, or has none.
    Results,
    /// The folder for the report has a file of somebody else; another folder helps.
    Folder,
    /// Something can't be read or written.
    Failed,
}

impl Error {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Usage, message: message.into() }
    }

    pub(super) fn results(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Results, message: message.into() }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, message: message.into() }
    }
}

impl From<batch::Error> for Error {
    fn from(error: batch::Error) -> Self {
        Self::failed(error.to_string())
    }
}
