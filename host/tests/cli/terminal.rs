//! A real terminal: what stays on the screen after a command, and what its bars look like meanwhile.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;

use crate::support::{Place, without_times};
use crate::{graph, node};

/// The longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command on a terminal of its own.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    folder: PathBuf,
}

impl Terminal {
    fn start(place: &Place, arguments: &[&str], (rows, columns): (u16, u16)) -> Self {
        let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&main).unwrap();
        unlockpt(&main).unwrap();
        tcsetwinsize(&main, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&main, Vec::new()).unwrap();
        let other = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut command = place.command(arguments);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        let (stdout, stderr) = (Stdio::from(other.try_clone().unwrap()), Stdio::from(other));
        let child = command.stdout(stdout).stderr(stderr).spawn().unwrap();
        drop(command);
        let (mut main, (sender, output)) = (File::from(main), channel());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The error is the end: the last process that had the terminal is gone.
            while let Ok(count @ 1..) = main.read(&mut bytes) {
                let _ = sender.send(bytes[..count].to_vec());
            }
        });
        let [rows, columns] = [rows, columns].map(|size| NonZero::new(size).unwrap());
        Self { child, output, folder: place.path("work"), screen: vt100::Parser::new(rows, columns, 100) }
    }

    /// The lines on the screen, without times.
    fn text(&self) -> String {
        without_times(self.screen.screen().contents().trim_end()).trim_end().to_owned()
    }

    /// Reads on, and checks that no old bars stay. Returns false at the end of the command.
    fn read(&mut self) -> bool {
        match self.output.recv_timeout(PATIENCE) {
            Ok(bytes) => self.screen.process(&bytes),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill().unwrap();
                panic!("nothing more came:\n{}", self.text());
            }
        }
        let text = self.text();
        let lines_with = |bar: &str| text.lines().filter(|line| line.contains(bar) && line.contains('/')).count();
        for bar in [" nodes ", " items ", "slower (stub.Sleep)"] {
            assert!(lines_with(bar) <= 1, "{text}");
        }
        true
    }

    /// Reads until the screen has a text.
    fn wait_for(&mut self, text: &str) {
        let start = Instant::now();
        while !self.text().contains(text) {
            let waits = start.elapsed() < PATIENCE;
            assert!(waits && self.read(), "the screen never had {text:?}:\n{}", self.text());
        }
    }

    fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Reads to the end. Returns the exit code and the last screen.
    fn end(mut self) -> (i32, String) {
        while self.read() {}
        let text = self.text().replace(self.folder.to_str().unwrap(), "[DIR]");
        (self.child.wait().unwrap().code().unwrap(), text)
    }
}

/// A graph of nodes that take so long that their bars are drawn, with a node that logs.
fn slow_graph(place: &Place) {
    let nodes = json!({
        "slow": node("Sleep", json!({"ms": 400})),
        "slower": node("Sleep", json!({"ms": 700})),
        "add": node("Add", json!({"a": 1, "b": 2})),
        "save": node("WriteText", json!({"text": ["add", "sum"], "path": "sum.txt"})),
    });
    let outputs = json!({"sum": ["add", "sum"], "slow": ["slow", "ms"], "slower": ["slower", "ms"]});
    graph(place, &nodes, &outputs);
}

/// Checks what a run of the slow graph leaves on the screen.
fn leaves_only_the_result(terminal: Terminal) {
    let (code, screen) = terminal.end();
    assert_eq!(code, 0);
    insta::allow_duplicates! {
        insta::assert_snapshot!(screen, @"
        sum     3
        slow    400
        slower  700
        wrote   sum.txt
        done: 4 nodes ran in [TIME]
        ");
    }
}

const SIZE: (u16, u16) = (30, 90);

#[test]
fn a_run_leaves_its_result_and_no_bars() {
    let place = Place::with_stub();
    slow_graph(&place);
    let mut terminal = Terminal::start(&place, &["run", "graph.json"], SIZE);
    for text in ["slower (stub.Sleep)", "nodes 2/4", "nodes 3/4"] {
        terminal.wait_for(text);
    }
    leaves_only_the_result(terminal);
}

#[test]
fn lines_that_are_longer_than_the_terminal_leave_no_bars() {
    let place = Place::with_stub();
    slow_graph(&place);
    let terminal = Terminal::start(&place, &["run", "graph.json"], (8, 24));
    leaves_only_the_result(terminal);
}

#[test]
fn a_node_that_fails_leaves_no_bars() {
    let place = Place::with_stub();
    let nodes = json!({
        "slow": node("Sleep", json!({"ms": 400})),
        "bad": node("Fails", json!({})),
        "add": node("Add", json!({"a": ["bad", "never"]})),
        "save": node("WriteText", json!({"text": ["add", "sum"], "path": "never.txt"})),
    });
    graph(&place, &nodes, &json!({"slow": ["slow", "ms"]}));
    let mut terminal = Terminal::start(&place, &["run", "graph.json"], SIZE);
    terminal.wait_for("slow (stub.Sleep)");
    let (code, screen) = terminal.end();
    assert_eq!(code, 1);
    insta::assert_snapshot!(screen, @"
    error: node `bad` (stub.Fails) failed: input `message`: the stub fails on purpose [stub 0.1.0, host/tests/packs/stub.rs:119:9]
    not run because `bad` failed: `add`, `save`
    slow  400
    1 node failed: 1 node ran in [TIME]
    ");
}

#[test]
fn a_run_that_is_cancelled_leaves_no_bars() {
    let place = Place::with_stub();
    // `stubborn` never ends, and is abandoned.
    let nodes = json!({
        "bad": node("Stubborn", json!({})),
        "save": node("WriteText", json!({"text": ["bad", "never"], "path": "never.txt"})),
    });
    graph(&place, &nodes, &json!({}));
    let mut terminal = Terminal::start(&place, &["run", "graph.json"], SIZE);
    terminal.wait_for("bad (stub.Stubborn)");
    terminal.interrupt();
    terminal.wait_for("cancelling");
    let (code, screen) = terminal.end();
    assert_eq!(code, 130);
    insta::assert_snapshot!(screen, @"
    cancelling; press Ctrl-C again to end at once
    abandoned because it did not stop within a second: `bad` (stub.Stubborn)
    cancelled: 0 nodes ran in [TIME]
    ");
}

#[test]
fn numbers_are_short_for_people_and_whole_for_programs() {
    let place = Place::with_stub();
    let nodes =
        json!({"ratio": node("Ratio", json!({"a": 250, "b": 9})), "add": node("Add", json!({"a": 123456, "b": 1}))});
    graph(&place, &nodes, &json!({"ratio": ["ratio", "ratio"], "sum": ["add", "sum"]}));
    let (code, screen) = Terminal::start(&place, &["run", "graph.json"], SIZE).end();
    assert_eq!(code, 0);
    assert!(screen.starts_with("ratio  27.78\nsum    123457\n"), "{screen}");
    assert_eq!(place.run(&["run", "graph.json"]).stdout, "ratio  27.77777777777778\nsum    123457\n");
}

#[test]
fn a_batch_leaves_its_table_and_no_bars() {
    let place = Place::with_stub();
    let nodes = json!({"slow": node("Sleep", json!({"ms": 0})), "add": node("Add", json!({"a": 1, "b": 2}))});
    let outputs = json!({"sum": ["add", "sum"], "slow": ["slow", "ms"]});
    let graph = json!({"inputs": {"ms": "slow.ms", "a": "add.a"}, "outputs": outputs, "nodes": nodes});
    place.write("graph.json", &graph.to_string());
    let arguments = ["batch", "graph.json", "ms=0,400,800", "--jobs", "1", "--table", "table.csv", "--out", "out"];
    let mut terminal = Terminal::start(&place, &arguments, SIZE);
    terminal.wait_for("items 1/3");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0);
    insta::assert_snapshot!(screen, @"
          sum  slow
    mean  3    400
    std   0    400
    wrote [DIR]/out/table.csv
    done: 3 items in [TIME]
    ");
}

#[test]
fn a_watch_leaves_the_result_of_each_round_and_no_bars() {
    let place = Place::with_stub();
    slow_graph(&place);
    let mut terminal = Terminal::start(&place, &["watch", "graph.json"], (40, 90));
    terminal.wait_for("nodes 2/4");
    terminal.wait_for("press Ctrl-C to end");
    let text = place.read("graph.json").replace("700", "300");
    place.write("graph.json", &text);
    terminal.wait_for("3 nodes unchanged");
    terminal.interrupt();
    let (code, screen) = terminal.end();
    assert_eq!(code, 0);
    // The widths of columns depend on the times.
    let screen: Vec<String> =
        screen.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    insta::assert_snapshot!(screen.join("\n"), @"
    slow [TIME] first time
    slower [TIME] first time
    add [TIME] first time
    save [TIME] first time
    sum 3
    slow 400
    slower 700
    wrote sum.txt
    done: 4 nodes ran in [TIME]
    host [TIME]
    watching graph.json; press Ctrl-C to end
    graph.json changed
    slower [TIME] input `ms` changed
    3 nodes unchanged
    sum 3
    slow 400
    slower 300
    done: 1 node ran in [TIME]
    host [TIME]
    ");
}
