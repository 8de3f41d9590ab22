//! The pages, the token, and the graphs of the server.

use crate::{server::Server, support::Place};
use serde_json::json;
use std::fs;

#[test]
fn the_front_end_of_the_user_is_served_with_a_strict_policy() {
    let place = Place::with_stub();
    let folder = place.path("work/front");
    fs::create_dir_all(folder.join("assets")).unwrap();
    fs::create_dir_all(folder.join("extensions/core")).unwrap();
    fs::write(folder.join("index.html"), "<html><script>alert(1)</script><script src=a.js></script></html>").unwrap();
    fs::write(folder.join("assets/a-1234.js"), "1").unwrap();
    fs::write(folder.join("extensions/core/own.js"), "1").unwrap();
    fs::write(place.path("work/secret"), "secret").unwrap();
    let server = Server::at(place, &["--frontend", "front"]);
    let page = server.get("/");
    assert!(page.text().starts_with("<html>"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'self' 'wasm-unsafe-eval' 'sha256-bhhhl3z2vdgxut0w3dwqorprscmda2y5plslg4gf+pi=';"),
        "{policy}"
    );
    assert!(policy.contains("connect-src 'self' data: blob:;"));
    let script = server.get("/assets/a-1234.js");
    assert_eq!((script.text().as_str(), script.header("content-type")), ("1", Some("text/javascript")));
    assert!(script.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(server.get("/extensions").json(), json!(["/extensions/core/own.js"]));
    assert_eq!(server.get("/extensions/core/own.js").text(), "1");
    for path in ["/../secret", "/%2e%2e/secret", "/assets/../../secret", "/assets/..%2f..%2fsecret"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn without_a_front_end_the_own_page_is_shown() {
    let place = Place::with_stub();
    let mut command = place.command(&["serve", "--frontend", "nothing"]);
    let ran = place.ran(&command.output().unwrap());
    insta::assert_snapshot!(ran.all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: --frontend: expected a folder with an index.html
      nothing
    ");
    let server = Server::at(place, &[]);
    let page = server.get("/lite");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
}

#[test]
fn other_machines_need_a_token() {
    let place = Place::with_stub();
    let refused = |options: &[&str]| {
        let options = [&["serve"], options].concat();
        let ran = place.run(&options);
        assert_eq!(ran.code, 2);
        ran.stderr
    };
    insta::assert_snapshot!(refused(&["--listen", "0.0.0.0:8188"]), @"error: expected --token TEXT, as other machines can reach 0.0.0.0:8188; clients then open http://0.0.0.0:8188/?token=TEXT");
    insta::assert_snapshot!(refused(&["--token", "short"]), @"error: --token: expected at least 8 letters, digits or -_.~, got another text");
    insta::assert_snapshot!(refused(&["--listen", "nowhere"]), @"error: --listen: expected an address such as 127.0.0.1:8188, got `nowhere`");
    let server = Server::at(place, &["--token", "long-enough"]);
    assert_eq!(server.get("/prompt").status, 401);
    assert_eq!(server.get("/prompt?token=wrong-wrong").status, 401);
    assert_eq!(server.get("/ws").status, 401);
    let answer = server.get("/prompt?token=long-enough");
    assert_eq!(answer.status, 200);
    assert!(answer.header("set-cookie").unwrap().starts_with("splatgraph=long-enough; httponly; samesite=strict"));
    assert_eq!(server.ask("GET", "/prompt", &[("Cookie", "a=b; splatgraph=long-enough")], b"").status, 200);
    assert_eq!(server.ask("GET", "/prompt", &[("Authorization", "Bearer long-enough")], b"").status, 200);
}

#[test]
fn graphs_of_the_folder_run_by_their_names() {
    let place = Place::with_stub();
    place.write("graphs/sum.json", &crate_graph());
    place.write("graphs/parts/part.json", "{}");
    place.write("graphs/other.json", r#"{"nodes": {"a": {"class_type": "nobody.Knows"}}}"#);
    let server = Server::at(place, &[]);
    let graphs = server.get("/api/graphs").json();
    assert_eq!(graphs.as_array().unwrap().len(), 1, "{graphs:#}");
    assert_eq!((&graphs[0]["name"], &graphs[0]["title"]), (&json!("sum"), &json!("Add and save")));
    let start = &graphs[0]["inputs"][0];
    assert_eq!(
        (&start["name"], &start["type"], &start["max"], &start["value"]),
        (&json!("start"), &json!("INT"), &json!(1000), &json!(3))
    );
    let run = |body: serde_json::Value| server.post("/api/run", &body);
    let answer = run(json!({"graph": "sum", "inputs": {"start": 10}, "sets": {"add.b": 5}})).json();
    let job = server.ended(answer["prompt_id"].as_str().unwrap());
    assert_eq!((&job["status"], &job["results"]["sum"]), (&json!("completed"), &json!(15)), "{job:#}");
    assert_eq!(server.result("sum.txt"), "15");
    let problems = run(json!({"graph": "sum", "inputs": {"start": 5000}, "sets": {"add.b": "x"}})).json();
    let texts: Vec<_> =
        problems["problems"].as_array().unwrap().iter().map(|problem| problem["input"].as_str().unwrap()).collect();
    assert_eq!(texts, ["value", "b"]);
    assert_eq!(run(json!({"graph": "sum", "inputs": {"none": 1}})).status, 400);
    assert_eq!(run(json!({"graph": "none"})).status, 404);
}

#[test]
fn a_graph_of_an_earlier_version_runs_and_its_changes_are_told() {
    let place = Place::new();
    place.add_pack("craft_after_pack", "packs");
    let graph = json!({
        "packs": {"craft": "0.1.0"}, "inputs": {"amount": "light.amount"}, "outputs": {"light": ["light", "out"]},
        "nodes": {
            "light": {"class_type": "craft.Lighten", "inputs": {"numbers": "1 2", "amount": 50}},
            "save": {"class_type": "craft.Write", "inputs": {"texts": [["light", "out"]], "path": "out.txt"}},
        },
    });
    place.write("graphs/light.json", &graph.to_string());
    let server = Server::at(place, &[]);
    let run = |graph: &serde_json::Value, amount: f64| {
        let answer = server.post("/run", &json!({"graph": graph, "inputs": {"amount": amount}})).json();
        let job = server.ended(answer["prompt_id"].as_str().unwrap_or_else(|| panic!("{answer:#}")));
        assert_eq!(job["status"], "completed", "{job:#}");
        (answer["warnings"].clone(), job["results"]["light"].clone())
    };
    // A graph that a client sends takes values as it is written.
    let (told, light) = run(&graph, 100.0);
    assert_eq!(light, "2 4");
    let told = told[0]["text"].as_str().unwrap();
    assert!(told.contains("made with craft 0.1.0 and runs with craft 0.3.0"), "{told}");
    // A graph of the server is offered in the new form.
    let listed = server.get("/graphs").json();
    assert_eq!(listed[0]["inputs"][0]["value"], 0.5, "{listed:#}");
    assert_eq!(run(&json!("light"), 0.25), (json!(null), json!("1.25 2.5")));
}

fn crate_graph() -> String {
    json!({
        "version": 1, "title": "Add and save",
        "inputs": {"start": "first.value", "output": "save.path"}, "outputs": {"sum": ["add", "sum"]},
        "nodes": {
            "first": crate::node("Constant", json!({"value": 3})),
            "add": crate::node("Add", json!({"a": ["first", "value"], "b": 4})),
            "save": crate::node("WriteText", json!({"text": ["add", "sum"], "path": "sum.txt"})),
        },
    })
    .to_string()
}

#[test]
fn values_of_the_last_job_are_there() {
    let server = Server::start(&[]);
    let prompt = json!({
        "1": crate::node("PlainImage", json!({})),
        "2": crate::node("Mean", json!({"image": ["1", 0]})),
        "3": crate::node("WriteText", json!({"text": ["2", 0], "path": "mean.txt"})),
    });
    let id = server.prompt(&prompt, "me");
    server.ended(&id);
    let mean = server.get(&format!("/api/values/{id}/2/mean")).json();
    assert!(mean.is_number(), "{mean}");
    let image = server.get(&format!("/api/values/{id}/1/image")).json();
    assert_eq!((&image["type"], &image["tensors"]["image"]["dtype"]), (&json!("IMAGE"), &json!("F32")), "{image}");
    let some =
        |fields: &str| server.get(&format!("/api/values/{id}/1/image?fields={fields}")).json()["tensors"].clone();
    assert_eq!((&some(""), &some("mask,image")), (&image["tensors"], &image["tensors"]));
    assert_eq!(some("mask"), json!({}));
    let png = server.get(&format!("/api/values/{id}/1/image?as=png"));
    assert_eq!(png.header("content-type"), Some("image/png"));
    assert!(png.body.starts_with(b"\x89PNG"));
    let other = server.prompt(&crate::writes(1, "a.txt"), "me");
    server.ended(&other);
    assert_eq!(server.get(&format!("/api/values/{id}/2/mean")).status, 404);
}
