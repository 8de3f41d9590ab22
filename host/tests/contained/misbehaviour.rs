//! A table of misbehaviour: whatever a contained pack does, the host lives, says so in words, and the other branches finish.
//!
//! `SPLATGRAPH_ROUNDS=100 cargo test --test contained misbehaviour -- --nocapture` does each deed 100 times and prints the table.

use crate::support::Place;
use crate::{place, with_deed};
use serde_json::{Value as Json, json};
use std::fs;
use std::time::{Duration, Instant};

/// What should come of a deed.
enum Outcome {
    /// The node fails, and its message has these words.
    Fails(&'static str),
    /// The node fails with these words, with this limit as the option.
    Limited(&'static str, &'static [&'static str]),
    /// The node is done, and nobody else notices anything.
    Done,
    /// The node is done, but its process ends later. A node of the same pack that runs alone then may be the one that fails.
    EndsLater(&'static str),
}

use Outcome::{Done, EndsLater, Fails, Limited};

const TIME: &[&str] = &["--node-timeout", "0.5"];
const LATE: &str = "expected the node to end within 0.5 seconds, got a longer run; its process was ended";

const DEEDS: &[(&str, Outcome)] = &[
    ("exit-0", Fails("with exit code 0")),
    ("exit-3", Fails("with exit code 3")),
    ("quick-exit-0", Fails("with exit code 0")),
    ("exit-0-in-a-thread", Fails("with exit code 0")),
    ("abort", Fails("by signal 6 (SIGABRT)")),
    ("segv", Fails("by signal 11 (SIGSEGV)")),
    ("ill", Fails("by signal 4 (SIGILL)")),
    ("fpe", Fails("by signal 8 (SIGFPE)")),
    ("bus", Fails("by signal 7 (SIGBUS)")),
    ("term", Fails("by signal 15 (SIGTERM)")),
    ("kill", Fails("by signal 9 (SIGKILL), perhaps because the machine had no memory left")),
    ("kill-group", Fails("by signal 9 (SIGKILL), perhaps because the machine had no memory left")),
    ("overflow", Fails("has overflowed its stack")),
    ("alarm", Fails("by signal 14 (SIGALRM)")),
    ("no-time", Fails("by signal 9 (SIGKILL)")),
    ("stop", Limited(LATE, TIME)),
    ("hang", Limited(LATE, TIME)),
    ("spin", Limited(LATE, TIME)),
    ("ignore-signals", Limited(LATE, TIME)),
    ("print-without-end", Limited(LATE, TIME)),
    ("memory", Limited("memory allocation of", &["--pack-memory", "600"])),
    ("child", Fails("with exit code 0")),
    ("fork-holds-socket", Fails("by signal 11 (SIGSEGV)")),
    ("fork-escapes", Fails("by signal 11 (SIGSEGV)")),
    ("close-all", Fails("its process")),
    ("panic", Fails("the hostile pack panics on purpose")),
    ("thread-crashes-later", EndsLater("by signal 11 (SIGSEGV)")),
    ("pipe", Done),
    ("thread-goes-on", Done),
    ("fork-exit-7", Done),
    ("close-std", Done),
    ("print-much", Done),
    ("print-no-text", Done),
    ("move", Done),
    ("umask", Done),
    ("locale", Done),
    ("variables", Done),
    ("no-files", Done),
    ("no-file-sizes", Done),
];

/// A run with a deed: its result, its log, the time, and the most memory of the host in bytes.
struct Round {
    code: Option<i32>,
    result: Option<Json>,
    log: String,
    memory: u64,
}

/// Runs a graph with a deed, a branch of the same pack that begins after it, and a branch of another pack.
fn round(place: &Place, deed: &str, options: &[&str], limit: Duration) -> Round {
    let (outputs, nodes) = with_deed(deed);
    place.write("graph.json", &json!({"outputs": outputs, "nodes": nodes}).to_string());
    // Files, as a process that the deed leaves behind would hold a pipe.
    let (output, log) = (place.path("output"), place.path("log"));
    let mut command = place.command(&["run", "graph.json", "--json", "--quiet"]);
    command.args(options).stdout(fs::File::create(&output).unwrap()).stderr(fs::File::create(&log).unwrap());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    let mut memory = 0;
    let code = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        memory = memory.max(kilobytes.unwrap_or_default() << 10);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if start.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let result = fs::read(&output).ok().and_then(|text| serde_json::from_slice(&text).ok());
    Round { code, result, log: fs::read_to_string(&log).unwrap_or_default(), memory }
}

/// What is wrong with a round; `None` if the host did all that it should.
fn fault(round: &Round, outcome: &Outcome) -> Option<String> {
    let Some(result) = &round.result else { return Some(format!("no result, exit code {:?}", round.code)) };
    let failures: Vec<(&str, &str)> = result["failures"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|failure| (failure["node"].as_str().unwrap_or_default(), failure["message"].as_str().unwrap_or_default()))
        .collect();
    let outputs = &result["outputs"];
    if outputs["sum"] != 42 {
        return Some(format!("the other branch has no result: {failures:?}"));
    }
    let is_right = match (outcome, failures.as_slice()) {
        (Fails(words) | Limited(words, _), [("bad", message)]) => {
            message.contains(words) && round.code == Some(1) && outputs["own"] == 7
        }
        (Done, []) => round.code == Some(0) && outputs["own"] == 7 && outputs["bad"] == 1,
        (EndsLater(_), []) => outputs["own"] == 7,
        (EndsLater(words), failures) => failures.iter().all(|failure| failure.1.contains(words)),
        _ => false,
    };
    (!is_right).then(|| format!("exit code {:?}, outputs {outputs}, failures {failures:?}", round.code))
}

/// What came of a deed in the process of the host.
fn in_process(place: &Place, deed: &str) -> String {
    let round = round(place, deed, &["--in-process", "hostile_00"], Duration::from_secs(3));
    match (round.code, round.result) {
        (Some(0), Some(_)) => "done".to_owned(),
        (Some(code), Some(_)) => format!("the node fails, exit code {code}"),
        (Some(code), None) => format!("host ends, exit code {code}"),
        (None, _) => "host is killed, or never ends".to_owned(),
    }
}

#[test]
fn whatever_a_contained_pack_does_the_host_and_other_branches_go_on() {
    let place = place();
    let rounds = std::env::var("SPLATGRAPH_ROUNDS").ok().and_then(|rounds| rounds.parse::<u32>().ok());
    println!("{:<22} {:>9} {:>8} {:>8}  in process", "deed", "contained", "ms", "MB");
    let mut faults = Vec::new();
    for (deed, outcome) in DEEDS {
        let options: &[&str] = if let Limited(_, options) = outcome { options } else { &[] };
        let options = [&["--contain", "all"], options].concat();
        let (mut right, mut memory, start) = (0, 0, Instant::now());
        let count = rounds.unwrap_or(2);
        for number in 0..count {
            let round = round(&place, deed, &options, Duration::from_secs(60));
            memory = memory.max(round.memory);
            match fault(&round, outcome) {
                None => right += 1,
                Some(fault) => {
                    let log: String = round.log.chars().take(500).collect();
                    faults.push(format!("{deed}, round {number}: {fault}\n{log}"));
                }
            }
        }
        let ms = start.elapsed().as_millis() / u128::from(count.max(1));
        // These would hurt the machine or the test.
        let alone = match rounds {
            Some(_) if !matches!(*deed, "memory" | "kill-group" | "print-without-end") => in_process(&place, deed),
            _ => "-".to_owned(),
        };
        println!("{deed:<22} {:>9} {ms:>8} {:>8}  {alone}", format!("{right}/{count}"), memory >> 20);
    }
    assert!(DEEDS.len() >= 20 && faults.is_empty(), "{}", faults.join("\n"));
}
