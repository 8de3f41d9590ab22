//! Failures of commands and their exit codes.

use serde_json::Value as Json;
use splatgraph::graph::{Kind, Problem, Problems};

use super::output::{self, error_line, one_line};

/// The most problems that are listed. Further ones are only counted.
const PROBLEMS_SHOWN: usize = 50;

/// A node failed, or a file is corrupt or can't be written.
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
/// Cancelled because the terminal was closed (128 + SIGHUP).
#[cfg(unix)]
pub(crate) const HUNG_UP: u8 = 129;

/// The reader of standard output went away (128 + SIGPIPE).
pub(crate) const READER_GONE: u8 = 141;

/// The message and the exit code of a command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    /// Empty if the command printed everything itself.
    pub(crate) message: String,
}

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }

    /// The failure of a graph with problems, with one problem in each line.
    pub(crate) fn problems(problems: &Problems) -> Self {
        let shown = problems.problems.iter().take(PROBLEMS_SHOWN).map(|problem| with_hint(problem).to_string());
        // The first line gets its "error:" when the message is printed.
        let mut lines: Vec<String> =
            shown.enumerate().map(|(i, line)| if i == 0 { line } else { error_line(&line) }).collect();
        let count = problems.problems.len();
        if count > PROBLEMS_SHOWN {
            lines.push(format!("... and {} more", count - PROBLEMS_SHOWN));
        }
        lines.push(format!("{} in {}", output::count(count, "problem"), one_line(&problems.graph)));
        Self::new(Self::code_of(problems), lines.join("\n"))
    }

    /// The failure of a single problem.
    pub(crate) fn problem(problem: &Problem) -> Self {
        Self::new(if problem.kind.is_missing() { MISSING } else { USAGE }, problem)
    }

    /// The exit code for a graph with problems.
    pub(crate) fn code_of(problems: &Problems) -> u8 {
        if problems.only_missing() { MISSING } else { USAGE }
    }

    /// The end of a command with an exit code of its own, after it printed its result.
    pub(crate) fn after(printed: Outcome, code: u8) -> Outcome {
        match printed {
            _ if code == 0 => printed,
            Ok(()) => Err(Self::new(code, "")),
            Err(failure) => Err(Self { code, ..failure }),
        }
    }

    pub(crate) fn usage(message: impl ToString) -> Self {
        Self::new(USAGE, message)
    }
}

/// Adds the next step to a problem, if that is an option of the command line.
pub(crate) fn with_hint(problem: &Problem) -> Problem {
    let mut problem = problem.clone();
    if let (Kind::UnknownName, Some(node), Some(input), None) =
        (problem.kind, &problem.node, &problem.input, &problem.hint)
    {
        problem.hint = Some(format!("set an input of a node with `--set {node}.{input}=VALUE`"));
    }
    problem
}

/// The problems of a graph as JSON.
pub(crate) fn problems_json(problems: &Problems) -> Json {
    let problems: Vec<Problem> = problems.problems.iter().map(with_hint).collect();
    serde_json::to_value(problems).unwrap_or_default()
}
