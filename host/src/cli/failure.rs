//! How a command ends when it does not succeed.

use splatgraph::graph::Problems;

use super::output::error_line;

/// Problems beyond these are only counted.
const PROBLEMS_SHOWN: usize = 50;

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

    /// Everything that is wrong with a graph, one problem a line.
    pub(crate) fn problems(problems: &Problems) -> Self {
        let shown = problems.problems.iter().take(PROBLEMS_SHOWN).map(ToString::to_string);
        // The first line gets its "error:" where the message is printed.
        let mut lines: Vec<String> =
            shown.enumerate().map(|(i, line)| if i == 0 { line } else { error_line(&line) }).collect();
        let count = problems.problems.len();
        if count > PROBLEMS_SHOWN {
            lines.push(format!("... and {} more", count - PROBLEMS_SHOWN));
        }
        lines.push(format!("{count} problem{} in {}", if count == 1 { "" } else { "s" }, problems.graph));
        Self::new(problems.exit_code(), lines.join("\n"))
    }

    pub(crate) fn usage(message: impl ToString) -> Self {
        Self::new(USAGE, message)
    }
}
