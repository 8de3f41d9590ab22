//! The error of nodes and of the SDK.

use splatgraph_abi::{NodeError, code};
use std::{error::Error as StdError, fmt, panic::Location, path::Path};

/// The result type of the SDK and of nodes.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a node failed.
///
/// A message has the form `doing this: expected X, got Y; do this next: path`. Any standard error converts with `?`;
/// [`Error::new`] and [`bail!`](crate::bail) make new errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The kind of failure.
    pub code: Code,
    /// The text for the user.
    pub message: String,
    /// The place in the source where the error was made or the panic happened, such as `src/lib.rs:10:5`.
    pub location: String,
    /// The input that caused the failure.
    pub input: Option<String>,
    /// Causes, or a panic's backtrace.
    pub detail: String,
}

/// The kind of failure of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The work failed.
    Failed,
    /// An input's value can't be used.
    BadInput,
    /// A pack or a model is missing.
    Missing,
    /// The host asked the node to stop.
    Cancelled,
    /// The pack has a bug.
    Panic,
    /// The process that held an input ended. A host makes the input again, and runs the node again.
    Lost,
}

impl Code {
    /// `failed`, `bad_input`, `missing`, `cancelled` or `panic`. A host never shows that a value was lost.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed | Self::Lost => "failed",
            Self::BadInput => "bad_input",
            Self::Missing => "missing",
            Self::Cancelled => "cancelled",
            Self::Panic => "panic",
        }
    }

    /// The kind with this [`name`](Self::name); a failure for any other name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let all = [Self::BadInput, Self::Missing, Self::Cancelled, Self::Panic];
        all.into_iter().find(|code| code.name() == name).unwrap_or(Self::Failed)
    }
}

impl Error {
    /// The work failed.
    #[track_caller]
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            code: Code::Failed,
            message: message.to_string(),
            location: Location::caller().to_string(),
            input: None,
            detail: String::new(),
        }
    }

    /// An input's value can't be used.
    #[track_caller]
    pub fn input(name: &str, message: impl fmt::Display) -> Self {
        Self { code: Code::BadInput, input: Some(name.to_owned()), ..Self::new(message) }
    }

    /// A model is missing.
    #[track_caller]
    pub fn missing(message: impl fmt::Display) -> Self {
        Self { code: Code::Missing, ..Self::new(message) }
    }

    /// The host asked the node to stop.
    #[track_caller]
    pub fn cancelled() -> Self {
        Self { code: Code::Cancelled, ..Self::new("cancelled") }
    }

    /// Names the input that caused the failure, unless the error names one already.
    #[must_use]
    pub fn blame(mut self, input: &str) -> Self {
        if self.input.is_none() {
            self.input = Some(input.to_owned());
        }
        if self.code == Code::Failed {
            self.code = Code::BadInput;
        }
        self
    }

    /// Puts the failed activity in front of the message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// Puts the failed activity in front of the message, and the file behind it.
    #[must_use]
    pub fn about_file(self, doing: impl fmt::Display, path: &Path) -> Self {
        let mut error = self.context(doing);
        error.message.push_str(&format!(": {}", path.display()));
        error
    }

    pub(crate) fn into_abi(self) -> NodeError {
        let code = match self.code {
            Code::Failed | Code::Lost => code::FAILED,
            Code::BadInput => code::BAD_INPUT,
            Code::Missing => code::MISSING,
            Code::Cancelled => code::CANCELLED,
            Code::Panic => code::PANIC,
        };
        let extra = self.input.map(|i| serde_json::json!({ "input": i }).to_string()).unwrap_or_default();
        NodeError {
            code,
            message: self.message.into(),
            location: self.location.into(),
            detail: self.detail.into(),
            extra: extra.into(),
        }
    }

    pub(crate) fn from_abi(e: NodeError) -> Self {
        let code = match e.code {
            code::BAD_INPUT => Code::BadInput,
            code::MISSING => Code::Missing,
            code::CANCELLED => Code::Cancelled,
            code::PANIC => Code::Panic,
            _ => Code::Failed,
        };
        let extra: serde_json::Value = serde_json::from_str(e.extra.as_str()).unwrap_or_default();
        Self {
            code,
            message: e.message.into(),
            location: e.location.into(),
            input: extra["input"].as_str().map(str::to_owned),
            detail: e.detail.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

// `Error` does not implement `std::error::Error`, so that this does not overlap with `From<Error> for Error`.
impl<E: StdError> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut detail = String::new();
        let mut source = error.source();
        while let Some(cause) = source {
            detail.push_str(&format!("caused by: {cause}\n"));
            source = cause.source();
        }
        Self { detail, ..Self::new(error) }
    }
}

/// Returns an [`Error`] with this message from the function.
#[macro_export]
macro_rules! bail {
    ($($message:tt)*) => { return ::core::result::Result::Err($crate::Error::new(::std::format!($($message)*))) };
}
