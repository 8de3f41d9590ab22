//! Uploads, results and what the front end saves.

use crate::{
    node,
    server::{Server, form},
};
use serde_json::json;

#[test]
fn an_upload_is_read_by_a_graph_and_shown() {
    let server = Server::start(&[]);
    let upload = |content: &[u8], texts: &[(&str, &str)]| {
        let (kind, body) = form("words.json", content, texts);
        let answer = server.ask("POST", "/api/upload/image", &[("Content-Type", &kind)], &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    assert_eq!(upload(b"[1]", &[]), json!({"name": "words.json", "subfolder": "", "type": "input"}));
    assert_eq!(upload(b"[2]", &[])["name"], "words-1.json");
    assert_eq!(upload(b"[3]", &[("subfolder", "sub"), ("type", "input")])["subfolder"], "sub");
    for (path, content) in [("words.json", "[1]"), ("words-1.json", "[2]"), ("sub/words.json", "[3]")] {
        let prompt = json!({
            "1": node("ReadText", json!({"path": path})),
            "2": node("WriteText", json!({"text": ["1", 0], "path": "read.txt"})),
        });
        let id = server.prompt(&prompt, "me");
        let job = server.ended(&id);
        let name = job["outputs"]["2"]["files"][0]["filename"].as_str().unwrap_or_else(|| panic!("{job:#}"));
        assert_eq!(server.result(name), content);
        let shown = server.get(&format!("/view?filename={name}&type=output"));
        assert_eq!((shown.text().as_str(), shown.status), (content, 200));
        assert_eq!(shown.header("content-disposition"), Some(format!("attachment; filename=\"{name}\"").as_str()));
    }
    let offered = server.get("/object_info/stub.ReadText").text();
    assert!(offered.contains("words-1.json"), "{offered}");
}

#[test]
fn files_that_a_browser_could_run_are_only_data() {
    let server = Server::start(&[]);
    std::fs::write(server.results().join("page.html"), "<script>alert(1)</script>").unwrap();
    std::fs::write(server.results().join("drawing.svg"), "<svg/>").unwrap();
    for name in ["page.html", "drawing.svg"] {
        let shown = server.get(&format!("/view?filename={name}"));
        assert_eq!(shown.header("content-type"), Some("application/octet-stream"));
        assert_eq!(shown.header("content-security-policy"), Some("default-src 'none'; sandbox"));
        assert!(shown.header("content-disposition").unwrap().starts_with("attachment"));
    }
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    let server = Server::start(&[]);
    let secret = server.place.path("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    let input = server.place.path("data/splatgraph/serve/input");
    std::os::unix::fs::symlink(&secret, server.results().join("link.txt")).unwrap();
    std::os::unix::fs::symlink(&secret, input.join("link.txt")).unwrap();
    std::os::unix::fs::symlink(server.place.path(""), input.join("up")).unwrap();
    for query in ["filename=link.txt", "filename=link.txt&type=input", "filename=secret.txt&subfolder=up&type=input"] {
        assert_eq!(server.get(&format!("/view?{query}")).status, 404);
    }
    for path in ["link.txt", "up/secret.txt"] {
        let prompt = json!({
            "1": node("ReadText", json!({"path": path})),
            "2": node("WriteText", json!({"text": ["1", 0], "path": "read.txt"})),
        });
        let answer = server.post("/prompt", &json!({"prompt": prompt})).json();
        let message = answer["node_errors"]["1"]["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("expected a file in "), "{message}");
    }
}

#[test]
fn the_front_end_keeps_its_files() {
    let server = Server::start(&[]);
    let save = |path: &str, content: &[u8]| server.ask("POST", path, &[], content);
    let saved = save("/api/userdata/workflows%2Fa.json?full_info=true", b"{}").json();
    assert_eq!((&saved["path"], &saved["size"]), (&json!("workflows/a.json"), &json!(2)));
    save("/api/userdata/workflows%2Fsub%2Fb.json", b"[]");
    assert_eq!(save("/api/userdata/workflows%2Fa.json?overwrite=false", b"no").status, 409);
    let list = |query: &str| server.get(&format!("/api/userdata?dir=workflows&{query}")).json();
    assert_eq!(list("recurse=true"), json!(["a.json", "sub/b.json"]));
    assert_eq!(list(""), json!(["a.json"]));
    assert_eq!(list("recurse=true&split=true"), json!([["a.json", "a.json"], ["sub/b.json", "sub", "b.json"]]));
    assert_eq!(save("/api/userdata/workflows%2Fa.json/move/workflows%2Fc.json", b"").json(), json!("workflows/c.json"));
    assert_eq!(list("recurse=true"), json!(["c.json", "sub/b.json"]));
    assert_eq!(server.ask("DELETE", "/api/userdata/workflows%2Fc.json", &[], b"").status, 204);
    assert_eq!(server.get("/api/userdata/workflows%2Fc.json").status, 404);
    assert_eq!(server.get("/api/userdata/user.css").status, 200);
    assert_eq!(server.get("/api/userdata?dir=none").json(), json!([]));
}
