//! A running server, and requests to it.

use crate::support::Place;
use serde_json::{Value as Json, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

/// How long a test waits for something that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with the pack `stub`. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) place: Place,
    child: Child,
    port: u16,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Server {
    /// A server with these options besides.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::at(Place::with_stub(), options)
    }

    /// A server in a place of which an earlier one may have left data.
    pub(crate) fn at(place: Place, options: &[&str]) -> Self {
        let (child, port) = Self::spawn(&place, options);
        Self { place, child, port }
    }

    fn spawn(place: &Place, options: &[&str]) -> (Child, u16) {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(options).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.strip_prefix("listening at http://127.0.0.1:").unwrap_or_else(|| {
            let rest: Vec<String> = lines.by_ref().map_while(Result::ok).collect();
            panic!("the server said {first} {rest:?}")
        });
        let port = address.split('/').next().unwrap().parse().unwrap();
        // Nobody reads the rest, but the server must not wait for a full pipe.
        thread::spawn(move || lines.for_each(drop));
        (child, port)
    }

    /// Ends the server at once, as a power failure does, and starts it again.
    pub(crate) fn kill_and_restart(&mut self, options: &[&str]) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.port) = Self::spawn(&self.place, options);
    }

    /// Ends the server with Ctrl-C, and starts it again.
    pub(crate) fn interrupt_and_restart(&mut self, options: &[&str]) {
        let sent = std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert!(self.child.wait().unwrap().success());
        (self.child, self.port) = Self::spawn(&self.place, options);
    }

    /// Bytes of memory that the server has.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends bytes, and reads what comes until the server closes the connection.
    pub(crate) fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request += &format!("Host: {}\r\n", self.host());
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        answer(&self.raw(&[request.as_bytes(), body].concat()))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Json) -> Answer {
        self.ask("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Asks for a prompt of a client, and returns the id of its job.
    pub(crate) fn prompt(&self, prompt: &Json, client: &str) -> String {
        let answer = self.post("/prompt", &json!({"prompt": prompt, "client_id": client}));
        let answer = answer.json();
        answer["prompt_id"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// Waits until a job has ended, and returns it.
    pub(crate) fn ended(&self, id: &str) -> Json {
        let start = Instant::now();
        loop {
            let job = self.get(&format!("/jobs/{id}")).json();
            if !matches!(job["status"].as_str(), Some("pending" | "in_progress")) {
                return job;
            }
            assert!(start.elapsed() < PATIENCE, "the job never ended: {job:#}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until nothing waits or runs.
    pub(crate) fn idle(&self) {
        let start = Instant::now();
        while self.get("/prompt").json()["exec_info"]["queue_remaining"] != 0 {
            assert!(start.elapsed() < 4 * PATIENCE, "the queue never became empty");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The web socket of a client.
    pub(crate) fn socket(&self, client: &str) -> Socket {
        let (socket, _) = tungstenite::connect(format!("ws://{}/ws?clientId={client}", self.host())).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        Socket { socket, bytes: 0 }
    }

    /// The folder with results.
    pub(crate) fn results(&self) -> PathBuf {
        self.place.path("data/splatgraph/serve/output")
    }

    /// The content of a result.
    pub(crate) fn result(&self, name: &str) -> String {
        std::fs::read_to_string(self.results().join(name)).unwrap()
    }

    /// The names of all results, sorted.
    pub(crate) fn result_names(&self) -> Vec<String> {
        names(&self.results())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn answer(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("expected an answer, got {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = bytes[end + 4..].to_vec();
    if head.contains("transfer-encoding: chunked") {
        body = whole(&body);
    }
    Answer { status, headers: head.replace('\r', ""), body }
}

/// The content of a body in chunks.
fn whole(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = chunks.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(&String::from_utf8_lossy(&chunks[..line]), 16).unwrap();
        body.extend(&chunks[line + 2..line + 2 + length]);
        chunks = &chunks[line + 4 + length..];
    }
    body
}

/// The web socket of a client.
pub(crate) struct Socket {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    /// The bytes of all messages so far.
    pub(crate) bytes: usize,
}

impl Socket {
    pub(crate) fn send(&mut self, message: &Json) {
        self.socket.send(Message::text(message.to_string())).unwrap();
    }

    /// The next message: its name and its data. A binary message has the name `binary`, and its data are its two parts.
    pub(crate) fn next(&mut self) -> (String, Json) {
        loop {
            match self.socket.read().unwrap() {
                Message::Text(text) => {
                    self.bytes += text.len();
                    let mut message: Json = serde_json::from_str(&text).unwrap();
                    return (message["type"].as_str().unwrap().to_owned(), message["data"].take());
                }
                Message::Binary(bytes) => {
                    self.bytes += bytes.len();
                    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
                    let length = number(4) as usize;
                    let about: Json = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
                    let picture = &bytes[8 + length..];
                    let is_png = picture.starts_with(b"\x89PNG");
                    // A PNG file begins with its sides, at the bytes 16 and 20.
                    let side = picture.get(16..20).map(|bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
                    let data = json!({"kind": number(0), "about": about, "is_png": is_png, "width": side});
                    return ("binary".to_owned(), data);
                }
                _ => {}
            }
        }
    }

    /// The messages about a job up to its last one, without those about the queue.
    pub(crate) fn until_end(&mut self, id: &str) -> Vec<(String, Json)> {
        let mut all = Vec::new();
        loop {
            let (name, data) = self.next();
            let is_last = name == "executing" && data["node"].is_null() && data["prompt_id"] == id;
            if name != "status" {
                all.push((name, data));
            }
            if is_last {
                return all;
            }
        }
    }
}

/// A form with one file and texts.
pub(crate) fn form(name: &str, content: &[u8], texts: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (key, text) in texts {
        body.extend(format!("--line\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{text}\r\n").into_bytes());
    }
    let head = format!("--line\r\nContent-Disposition: form-data; name=\"image\"; filename=\"{name}\"\r\n\r\n");
    body.extend(head.into_bytes());
    body.extend(content);
    body.extend(b"\r\n--line--\r\n");
    ("multipart/form-data; boundary=line".to_owned(), body)
}
