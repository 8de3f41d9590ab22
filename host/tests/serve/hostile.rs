//! Requests that are malformed or mean harm. Each gets an error of the protocol, and the server goes on.

use crate::{
    node,
    server::{Server, form},
    writes,
};
use serde_json::{Value as Json, json};

/// Asks for everything, checks each answer, and counts.
struct Refusals<'a> {
    server: &'a Server,
    count: usize,
}

impl Refusals<'_> {
    fn expect(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8], statuses: &[u16]) {
        let answer = self.server.ask(method, path, headers, body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        assert!(
            statuses.contains(&answer.status),
            "{method} {path} {headers:?} {shown}: got {} {}",
            answer.status,
            answer.text()
        );
        assert!(answer.header("x-content-type-options") == Some("nosniff"), "{method} {path}: {}", answer.headers);
        self.count += 1;
    }
}

#[test]
fn at_least_300_hostile_requests_are_refused() {
    let server = Server::start(&[]);
    std::fs::write(server.place.path("secret.txt"), "secret").unwrap();
    let mut refusals = Refusals { server: &server, count: 0 };
    bodies(&mut refusals);
    prompts(&mut refusals);
    paths(&mut refusals);
    uploads(&mut refusals);
    sites(&mut refusals);
    methods(&mut refusals);
    assert!(refusals.count >= 300, "{}", refusals.count);
    assert_eq!(server.get("/prompt").json()["exec_info"]["queue_remaining"], 0);
    assert!(server.result_names().is_empty(), "{:?}", server.result_names());
    let id = server.prompt(&writes(1, "fine.txt"), "me");
    assert_eq!(server.ended(&id)["status"], "completed");
}

/// Bodies that are not what the address takes.
fn bodies(refusals: &mut Refusals<'_>) {
    let deep = "[".repeat(100_000);
    let texts: [&[u8]; 14] = [
        b"{",
        b"[]",
        b"3",
        b"null",
        b"\"x\"",
        b"nonsense",
        b"{\"prompt\":",
        b"\xff\xfe{",
        b"{\"a\":1}}",
        b"[{}]",
        b"NaN",
        b"{'prompt': {}}",
        b"\0",
        deep.as_bytes(),
    ];
    for path in [
        "/prompt",
        "/api/prompt",
        "/queue",
        "/history",
        "/interrupt",
        "/api/jobs/cancel",
        "/api/run",
        "/api/convert",
        "/settings",
    ] {
        for text in texts {
            refusals.expect("POST", path, &[("Content-Type", "application/json")], text, &[400]);
        }
    }
    for path in ["/queue", "/history"] {
        for ids in [json!(3), json!("a"), json!({}), json!([1]), json!([null]), json!([["a"]])] {
            let body = json!({"delete": ids}).to_string();
            refusals.expect("POST", path, &[], body.as_bytes(), &[400]);
        }
    }
    for body in [json!({}), json!({"job_ids": 3}), json!({"job_ids": [3]}), json!({"job_ids": {"a": 1}})] {
        refusals.expect("POST", "/jobs/cancel", &[], body.to_string().as_bytes(), &[400]);
    }
    for body in [json!({"prompt_id": 3}), json!({"prompt_id": []})] {
        refusals.expect("POST", "/interrupt", &[], body.to_string().as_bytes(), &[400]);
    }
    refusals.expect("POST", "/settings/a", &[], b"{", &[400]);
}

/// Prompts with something wrong in them.
fn prompts(refusals: &mut Refusals<'_>) {
    let loops = json!({
        "1": node("Add", json!({"a": ["2", 0]})),
        "2": node("Add", json!({"a": ["1", 0]})),
        "3": node("WriteText", json!({"text": ["2", 0], "path": "a.txt"})),
    });
    let graphs: Vec<Json> = vec![
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"1": 3}),
        json!({"1": null}),
        json!({"1": []}),
        json!({"1": {}}),
        json!({"1": {"class_type": 3, "inputs": {}}}),
        json!({"1": {"class_type": "", "inputs": {}}}),
        json!({"1": {"class_type": "stub.WriteText", "inputs": 3}}),
        json!({"1": {"class_type": "stub.WriteText", "inputs": []}}),
        json!({"1": {"inputs": {}}}),
        json!({"nodes": []}),
        json!({"1": node("WriteText", json!({}))}),
        loops,
        json!({"1": node("WriteText", json!({"text": ["1", 0], "path": "a.txt"}))}),
        json!({"1": {"class_type": "../../etc/passwd.json", "inputs": {}}}),
    ];
    for graph in &graphs {
        refusals.expect("POST", "/prompt", &[], json!({"prompt": graph}).to_string().as_bytes(), &[400]);
        refusals.expect("POST", "/api/run", &[], json!({"graph": graph}).to_string().as_bytes(), &[400, 404]);
    }
    let links = [
        json!(["9", 0]),
        json!(["1", 1]),
        json!(["1", -1]),
        json!(["1", 0.5]),
        json!(["1", "x"]),
        json!([1, 0]),
        json!(["1"]),
        json!(["1", 0, 0]),
        json!([]),
        json!([null, 0]),
        json!(["1", 1e300]),
        json!(["1", null]),
        json!([["1", 0], 0]),
        json!(["1", [0]]),
        json!(["1", {}]),
    ];
    for link in links {
        let graph = json!({"1": node("Constant", json!({})), "2": node("Add", json!({"a": link})), "3": node("WriteText", json!({"text": ["2", 0], "path": "a.txt"}))});
        refusals.expect("POST", "/prompt", &[], json!({"prompt": graph}).to_string().as_bytes(), &[400]);
    }
    let files = [
        "",
        "..",
        "../a.txt",
        "/tmp/a.txt",
        "a/../../b.txt",
        ".hidden.txt",
        "x/.git/a.txt",
        "a.exe",
        "a.html",
        "a",
        "a.txt/",
        "a\0.txt",
        "../../../../../../root/.bashrc",
        "{stem}.txt",
        "{nothing}.txt",
        "~/../../a.txt",
    ];
    for file in files {
        refusals.expect("POST", "/prompt", &[], json!({"prompt": writes(1, file)}).to_string().as_bytes(), &[400]);
    }
    for file in ["../secret.txt", "/etc/passwd", "../../../../secret.txt", "missing.txt", ""] {
        let graph = json!({"1": node("ReadText", json!({"path": file})), "2": node("WriteText", json!({"text": ["1", 0], "path": "a.txt"}))});
        refusals.expect("POST", "/prompt", &[], json!({"prompt": graph}).to_string().as_bytes(), &[400]);
    }
    for (key, value) in [
        ("extra_data", json!(3)),
        ("extra_data", json!([])),
        ("client_id", json!(3)),
        ("client_id", json!({})),
        ("prompt_id", json!(3)),
        ("prompt_id", json!("../x")),
        ("prompt_id", json!("AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA")),
        ("number", json!("x")),
        ("number", json!([])),
        ("partial_execution_targets", json!("2")),
        ("partial_execution_targets", json!([null])),
        ("partial_execution_targets", json!(["none"])),
        ("unlisted", json!(1)),
        ("unlisted", json!("yes")),
    ] {
        let mut body = json!({"prompt": writes(1, "a.txt")});
        body[key] = value;
        refusals.expect("POST", "/prompt", &[], body.to_string().as_bytes(), &[400]);
    }
    for body in [
        json!({"graph": "none"}),
        json!({"graph": "../x"}),
        json!({"graph": 3}),
        json!({}),
        json!({"graph": {"nodes": {}}}),
    ] {
        refusals.expect("POST", "/run", &[], body.to_string().as_bytes(), &[400, 404]);
    }
}

/// Paths that lead out of their folders, and things that are not there.
fn paths(refusals: &mut Refusals<'_>) {
    let names = [
        "",
        "..",
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e%2fsecret.txt",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "..%5csecret.txt",
        "a%00.png",
        "....//secret.txt",
        "%252e%252e%252fsecret.txt",
        "serve.sqlite",
        "../serve.sqlite",
        ".",
        "./",
        "C:%5cx",
        "%ff",
        "a/../../../secret.txt",
        "missing.png",
    ];
    for name in names {
        for kind in ["output", "input", "temp"] {
            refusals.expect("GET", &format!("/view?filename={name}&type={kind}"), &[], b"", &[400, 404]);
        }
        refusals.expect(
            "GET",
            &format!("/api/view?filename=secret.txt&subfolder={name}&type=output"),
            &[],
            b"",
            &[400, 404],
        );
        refusals.expect("GET", &format!("/api/view?filename=a.png&type={name}x"), &[], b"", &[400]);
    }
    for path in ["..%2fx", "%2e%2e", "a%2f..%2fb", "%2fetc%2fpasswd", "a%5cb", "a%00b", "a%2f%2fb", "%0a", "."] {
        refusals.expect("GET", &format!("/userdata/{path}"), &[], b"", &[400, 404]);
        refusals.expect("POST", &format!("/userdata/{path}"), &[], b"x", &[400, 404]);
        refusals.expect("DELETE", &format!("/userdata/{path}"), &[], b"", &[400, 404]);
        refusals.expect("GET", &format!("/userdata?dir={path}"), &[], b"", &[400]);
    }
    for path in [
        "/nothing",
        "/api/nothing",
        "/jobs/none",
        "/jobs/none/cancel/x",
        "/explain/none",
        "/graphs/none",
        "/values/a/b/c",
        "/lite/none",
        "/lite/..%2fmod.rs",
        "/templates/none.json",
        "/templates/none-1.png",
        "/workflow_templates/x/y.json",
        "/global_subgraphs/none",
        "/extensions/none/a.js",
        "/extensions/stub/..%2f..%2fa",
        "/assets/none.js",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/secret.txt",
    ] {
        refusals.expect("GET", path, &[], b"", &[404]);
    }
    for query in ["status=none", "limit=x", "limit=-1", "offset=x", "offset=-5", "limit=99999999999999999999"] {
        refusals.expect("GET", &format!("/jobs?{query}"), &[], b"", &[400]);
    }
    refusals.expect("GET", "/history?max_items=x", &[], b"", &[400]);
}

fn uploads(refusals: &mut Refusals<'_>) {
    let names = [
        "a.html",
        "a.svg",
        "a.js",
        "a.exe",
        "a",
        "",
        "..",
        "../a.png",
        "a/../../b.png",
        "/etc/a.png",
        ".png",
        ".hidden.png",
        "a.png.html",
        "a\\..\\b.png",
        "a:b.png",
        "a.php",
        "a.xhtml",
    ];
    for name in names {
        let (kind, body) = form(name, b"x", &[]);
        refusals.expect("POST", "/upload/image", &[("Content-Type", &kind)], &body, &[400]);
    }
    for (key, value) in [
        ("type", "output"),
        ("type", "../x"),
        ("type", "graphs"),
        ("subfolder", ".."),
        ("subfolder", "/etc"),
        ("subfolder", "a/../../b"),
        ("subfolder", ".x"),
    ] {
        let (kind, body) = form("a.png", b"x", &[(key, value)]);
        refusals.expect("POST", "/upload/mask", &[("Content-Type", &kind)], &body, &[400]);
    }
    for kind in ["application/json", "multipart/form-data", "text/plain", "multipart/form-data; boundary="] {
        refusals.expect("POST", "/upload/image", &[("Content-Type", kind)], b"--line\r\n", &[400]);
    }
    for body in [
        &b""[..],
        b"--line\r\n",
        b"--line--\r\n",
        b"--line\r\nContent-Disposition: x\r\n\r\n",
        b"--line\r\n\r\n\r\n--line--",
    ] {
        refusals.expect(
            "POST",
            "/upload/image",
            &[("Content-Type", "multipart/form-data; boundary=line")],
            body,
            &[400],
        );
    }
}

/// Requests that pages of other sites make.
fn sites(refusals: &mut Refusals<'_>) {
    let body = json!({"prompt": writes(1, "a.txt")}).to_string();
    for path in
        ["/prompt", "/queue", "/interrupt", "/upload/image", "/settings/a", "/userdata/a.json", "/api/run", "/free"]
    {
        for headers in [
            &[("Origin", "https://evil.example")][..],
            &[("Origin", "null")],
            &[("Origin", "http://127.0.0.1:1")],
            &[("Host", "evil.example")],
            &[("Host", "127.0.0.1.evil.example")],
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "no-cors")],
        ] {
            refusals.expect("POST", path, headers, body.as_bytes(), &[403]);
        }
    }
    for path in ["/", "/lite", "/history", "/view?filename=a.png", "/object_info"] {
        refusals.expect("GET", path, &[("Host", "evil.example")], b"", &[403]);
    }
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Origin", "https://evil.example"),
    ];
    refusals.expect("GET", "/ws", &upgrade, b"", &[403]);
}

fn methods(refusals: &mut Refusals<'_>) {
    for (method, path) in [
        ("DELETE", "/prompt"),
        ("PUT", "/queue"),
        ("GET", "/interrupt"),
        ("PATCH", "/history"),
        ("GET", "/upload/image"),
        ("DELETE", "/view"),
        ("POST", "/object_info"),
        ("POST", "/jobs"),
        ("GET", "/run"),
        ("TRACE", "/prompt"),
        ("POST", "/lite"),
        ("PUT", "/userdata/a"),
    ] {
        refusals.expect(method, path, &[], b"", &[405]);
    }
    refusals.expect("POST", "/nothing", &[], b"", &[404]);
    refusals.expect("GET", "/ws", &[], b"", &[400, 426]);
}

#[test]
fn connections_that_break_off_and_lines_that_are_no_http_harm_nobody() {
    let server = Server::start(&[]);
    for request in [
        &b"\r\n\r\n"[..],
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"POST /prompt HTTP/1.1\r\nContent-Length: 5\r\n\r\n{",
        b"POST /prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /prompt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(server.host()).unwrap();
        let _ = stream.write_all(request);
        // Goes away without reading an answer.
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(1 << 20));
    server.raw(long.as_bytes());
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    server.raw(format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes());
    let id = server.prompt(&writes(1, "fine.txt"), "me");
    assert_eq!(server.ended(&id)["status"], "completed");
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let server = Server::start(&[]);
    let host = server.host();
    let head =
        format!("POST /prompt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n");
    let answer = String::from_utf8_lossy(&server.raw(head.as_bytes())).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[test]
fn messages_on_a_socket_that_are_no_messages_are_ignored() {
    let server = Server::start(&[]);
    let mut socket = server.socket("me");
    for message in [
        json!(3),
        json!([]),
        json!({"type": 3}),
        json!({"type": "feature_flags"}),
        json!({"type": "feature_flags", "data": []}),
    ] {
        socket.send(&message);
    }
    let id = server.prompt(&writes(1, "fine.txt"), "me");
    assert!(!socket.until_end(&id).is_empty());
}
