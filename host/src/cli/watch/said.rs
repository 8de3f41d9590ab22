//! Prints the result of every round.

use serde_json::{Value as Json, json};
use splatgraph::run::Status;

use super::changes::{Cause, Done};
use super::round::{Rounds, Run, Wrong};
use crate::cli::failure::{Failure, Outcome, problems_json};
use crate::cli::output::{self, columns, count};
use crate::cli::progress::duration;
use crate::cli::run::report::Report;

impl Rounds<'_> {
    /// Prints the result of a run.
    pub(super) fn tell(&mut self, run: &Run, done: &Done, cause: &Cause) -> Outcome {
        run.progress.finish();
        let elapsed = done.at.saturating_duration_since(cause.since);
        let host_ms = elapsed.saturating_sub(done.busy).as_secs_f64() * 1000.0;
        let report =
            Report { result: &done.result, checked: &run.checked, cwd: &self.given.cwd, elapsed, unchanged: false };
        if self.options.json {
            let mut whole = json!({"changed": self.names(&cause.changed)});
            merge(&mut whole, report.as_json());
            whole["host_ms"] = host_ms.into();
            return output::print_json_text(&output::json_line(&whole));
        }
        if !self.options.quiet() {
            self.tell_nodes(done);
        }
        let printed = report.print(self.options.quiet(), false);
        if !self.options.quiet() {
            output::note(&format!("host {}", duration(host_ms)));
            self.introduce();
        }
        printed
    }

    /// Prints the nodes that ran and why.
    fn tell_nodes(&self, done: &Done) {
        let ran = done.result.nodes.iter().filter(|node| node.status == Status::Done);
        let row = |why: String| why.strip_prefix("ran: ").map_or(why.clone(), str::to_owned);
        let rows: Vec<Vec<String>> =
            ran.map(|node| vec![node.node.to_string(), duration(node.ms), row(node.why.to_string())]).collect();
        if !rows.is_empty() {
            output::note(columns(0, &rows).trim_end());
        }
        let unchanged = done.result.nodes.iter().filter(|node| node.status == Status::Cached).count();
        if unchanged > 0 {
            output::note(&format!("{} unchanged", count(unchanged, "node")));
        }
    }

    /// Prints the reason why the graph can't run.
    pub(super) fn tell_wrong(&mut self, wrong: &Wrong, cause: &Cause) -> Outcome {
        if self.options.json {
            let mut whole = json!({"changed": self.names(&cause.changed), "status": "invalid"});
            match wrong {
                Wrong::Problems(problems) => {
                    whole["problems"] = problems_json(problems);
                }
                Wrong::Failure(failure) => whole["message"] = failure.message.clone().into(),
            }
            return output::print_json_text(&output::json_line(&whole));
        }
        if !self.options.quiet() {
            self.say_cause(cause);
        }
        match wrong {
            Wrong::Problems(problems) => output::error(&Failure::problems(problems).message),
            Wrong::Failure(failure) => output::error(&failure.message),
        }
        if !self.options.quiet() {
            let stays = if cause.is_start() { "not run" } else { "the last result stays" };
            output::note(&format!("{stays}; waiting for a change"));
            self.introduce();
        }
        Ok(())
    }

    /// Prints once what is watched and how to end the watch.
    fn introduce(&mut self) {
        if !std::mem::replace(&mut self.introduced, true) {
            let graph = output::shown(&self.options.graph);
            let others = match self.others() {
                0 => String::new(),
                others => format!(" and {}", count(others, "other file")),
            };
            output::note(&format!("watching {graph}{others}; press Ctrl-C to end"));
        }
    }
}

fn merge(into: &mut Json, from: Json) {
    if let (Json::Object(into), Json::Object(from)) = (into, from) {
        into.extend(from);
    }
}
