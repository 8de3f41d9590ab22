//! How a command ends when it does not succeed.

/// A node failed, or a file that it names is missing, corrupt or cannot be written.
pub(crate) const FAILED: u8 = 1;
/// The command line or the graph is wrong.
pub(crate) const USAGE: u8 = 2;
/// A pack or a model is missing.
pub(crate) const MISSING: u8 = 3;
/// Cancelled by Ctrl-C (128 + SIGINT).
pub(crate) const INTERRUPTED: u8 = 130;
/// Cancelled by SIGTERM (128 + SIGTERM).
#[cfg(unix)]
pub(crate) const TERMINATED: u8 = 143;

/// What to print and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// Empty when everything has been said.
    pub(crate) message: String,
}

/// What a command gives.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }

    pub(crate) fn usage(message: impl ToString) -> Self {
        Self::new(USAGE, message)
    }
}
