//! A watch in progress, for the tests of the host and of the graphs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value as Json;

/// A watch in progress; its rounds are read as they are printed.
pub(crate) struct Watching {
    pub(crate) child: Child,
    pub(crate) rounds: Receiver<Json>,
}

impl Watching {
    /// Starts a command that watches with `--json`. Its messages go to the file `log`.
    pub(crate) fn of(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, rounds) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let round = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send(round).is_err() {
                    break;
                }
            }
        });
        Self { child, rounds }
    }

    /// The next round.
    pub(crate) fn next(&self) -> Json {
        self.rounds.recv_timeout(Duration::from_secs(20)).expect("a round")
    }

    /// The next round, which has to succeed.
    pub(crate) fn done(&self) -> Json {
        let round = self.next();
        assert_eq!(round["status"], "done", "{round:#}");
        round
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The ids of the nodes that ran in a round.
pub(crate) fn ran(round: &Json) -> Vec<&str> {
    let nodes = round["nodes"].as_array().unwrap().iter();
    nodes.filter(|node| node["status"] == "done").map(|node| node["id"].as_str().unwrap()).collect()
}
