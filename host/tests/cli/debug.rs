//! `run --debug DIR`.

use std::fs;

use serde_json::{Value as Json, json};
use splatgraph_sdk::{DType, Record};

use crate::support::{Place, Ran};
use crate::{graph, node};

/// The report in `DIR/run.json`, and its nodes by their ids.
fn run_json(place: &Place) -> (Json, impl Fn(&str) -> Json) {
    let run: Json = serde_json::from_str(&place.read("seen/run.json")).unwrap();
    let nodes = run["nodes"].clone();
    (run, move |id: &str| nodes.as_array().unwrap().iter().find(|node| node["id"] == id).cloned().unwrap())
}

fn debug(place: &Place, options: &[&str]) -> Ran {
    place.run(&[&["run", "graph.json", "--quiet", "--debug", "seen"], options].concat())
}

/// The names of the files that were recorded.
fn seen(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("work/seen")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The numbers of a PNG picture.
fn pixels(place: &Place, name: &str) -> (png::ColorType, Vec<u8>) {
    let file = std::io::BufReader::new(fs::File::open(place.path("work/seen").join(name)).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    (reader.info().color_type, bytes)
}

#[test]
fn every_output_is_recorded() {
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 2})),
        "mean": node("Mean", json!({"image": ["image", "image"]})),
        "note": node("WriteText", json!({"text": ["mean", "mean"], "path": "mean.txt"})),
        "unused": node("Constant", json!({})),
        "kinds": node("EveryKind", json!({"numbers": [["sum", "sum"], ["sum", "sum"]]})),
        "sum": node("Add", json!({"a": 1})),
        "two": node("Images", json!({})),
    });
    graph(&place, &nodes, &json!({"text": ["kinds", "text"], "two": ["two", "images"]}));
    let ran = debug(&place, &["--threads", "2"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let files = ["image.image.png", "image.image.safetensors", "run.json"];
    let of_list = ["000.png", "000.safetensors", "001.png", "001.safetensors"].map(|end| format!("two.images-{end}"));
    assert_eq!(seen(&place), [&files.map(str::to_owned)[..], &of_list].concat());
    let record = Record::load(&place.path("work/seen/image.image.safetensors")).unwrap();
    assert_eq!((record.type_name.as_str(), record.fields[0].1.to_f32()), ("IMAGE", vec![0.5; 12]));
    assert_eq!(pixels(&place, "image.image.png"), (png::ColorType::Rgb, vec![128; 12]));
    assert_eq!(pixels(&place, "two.images-001.png").1, [255; 3]);

    let (run, of) = run_json(&place);
    assert_eq!((&run["status"], &run["graph"], &run["nan_from"]), (&json!("done"), &json!("graph.json"), &json!([])));
    assert_eq!(run["packs"], json!({"stub": "0.1.0"}));
    assert_eq!(run["settings"], json!({"threads": 2}));
    assert_eq!(run["nodes"].as_array().unwrap().len(), 7);
    let mut image = of("image");
    assert!(image["ms"].as_f64().unwrap() >= 0.0);
    image["ms"] = Json::Null;
    let field = json!({
        "name": "image", "dtype": "f32", "shape": [1, 2, 2, 3], "min": 0.5, "max": 0.5, "mean": 0.5, "nan": 0, "infinite": 0
    });
    let output = json!({
        "name": "image", "type": "IMAGE", "device": "cpu", "fields": [field], "numbers": 12, "nan": 0, "infinite": 0,
        "files": ["image.image.safetensors", "image.image.png"],
    });
    let expected = json!({
        "id": "image", "class": "stub.PlainImage", "pack_version": "0.1.0", "inputs": {"size": 2}, "status": "done",
        "why": "ran: results are not kept", "ms": null, "device": "cpu", "error": null, "outputs": [output],
    });
    assert_eq!(image, expected);
    assert_eq!(of("mean")["inputs"], json!({"image": {"link": ["image", "image"]}}));
    assert_eq!(of("mean")["outputs"][0]["value"], 0.5);
    let path = place.path("work/mean.txt").canonicalize().unwrap();
    assert_eq!(of("note")["inputs"]["path"], path.to_str().unwrap());
    assert_eq!((&of("unused")["status"], &of("unused")["outputs"]), (&json!("not_needed"), &json!([])));
    let inputs = json!({
        "share": 0.5, "on": true, "words": "hello", "way": "left", "numbers": {"links": [["sum", "sum"], ["sum", "sum"]]},
        "anything": null,
    });
    assert_eq!(of("kinds")["inputs"], inputs);
    assert_eq!(of("two")["outputs"][0]["items"][1]["files"][1], "two.images-001.png");
}

#[test]
fn the_first_node_that_made_nan_is_named() {
    let place = Place::with_stub();
    let nodes = json!({
        "ones": node("Divide", json!({"numbers": {"__value__": [0.0, 0.0, 1.0, 5.0]}})),
        "bad": node("Divide", json!({"by": ["ones", "data"], "numbers": {"__value__": [0.0, 1.0, 0.0, 5.0]}})),
        "passed": node("Pass", json!({"value": ["bad", "data"]})),
        "mask": node("Pass", json!({"value": ["bad", "mask"]})),
        "also": node("NanImage", json!({})),
        "mean": node("Mean", json!({"image": ["also", "image"]})),
    });
    graph(&place, &nodes, &json!({"a": ["passed", "value"], "b": ["mask", "value"], "c": ["mean", "mean"]}));
    let ran = place.run(&["run", "graph.json", "--debug", "seen", "--threads", "1"]);
    assert_eq!(ran.code, 1);
    let mut warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("warning")).collect();
    warnings.sort_unstable();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    warning: also (stub.NanImage) made NaN from clean inputs: output image, 1 of 3 numbers
    warning: bad (stub.Divide) made NaN from clean inputs: output data, 1 of 4 numbers
    ");
    let (run, of) = run_json(&place);
    assert_eq!((&run["status"], run["nan_from"].as_array().unwrap().len()), (&json!("failed"), 2));
    let named = json!({"node": "bad", "class": "stub.Divide", "output": "data", "nan": 1, "numbers": 4});
    assert!(run["nan_from"].as_array().unwrap().contains(&named));
    let data = json!({
        "name": "data", "dtype": "f32", "shape": [4], "min": 0.0, "max": 1.0, "mean": 0.5, "nan": 1, "infinite": 1
    });
    assert_eq!(of("bad")["outputs"][0]["fields"], json!([data]));
    assert_eq!((&of("mean")["status"], &of("mean")["error"]["input"]), (&json!("failed"), &json!("image")));
    // Clamped to 0..1, in a batch of two pictures.
    assert_eq!(pixels(&place, "bad.mask-000.png"), (png::ColorType::Grayscale, vec![0, 255]));
    assert_eq!(pixels(&place, "bad.mask-001.png"), (png::ColorType::Grayscale, vec![255, 0]));
    assert_eq!(pixels(&place, "also.image.png").1, [0, 0, 255]);
}

#[test]
fn values_that_cannot_be_read_are_noted_and_fail_nothing() {
    let place = Place::with_stub();
    graph(&place, &json!({"odd": node("Opaque", json!({}))}), &json!({"model": ["odd", "model"]}));
    let ran = debug(&place, &[]);
    assert_eq!((ran.code, ran.stderr.as_str(), seen(&place)), (0, "", vec!["run.json".to_owned()]));
    let (run, of) = run_json(&place);
    assert_eq!(of("odd")["device"], "stub:0");
    let outputs = &of("odd")["outputs"];
    assert_eq!(outputs[0]["description"]["host_bytes"], 7);
    let lost = "its fields cannot be copied to host memory: the stub's device is lost on purpose";
    assert_eq!(
        (&outputs[1]["error"], &outputs[1]["description"]["fields"]["data"]["shape"]),
        (&json!(lost), &json!([2]))
    );
    assert_eq!((&outputs[2]["value"], &outputs[2]["nan"]), (&Json::Null, &json!(1)));
    assert_eq!(run["nan_from"][0]["output"], "nan");
}

#[test]
fn ids_become_names_of_files() {
    let place = Place::with_stub();
    let image = || node("PlainImage", json!({"size": 1}));
    let nodes = json!({"part:a": image(), "part/a": image(), "../a": image(), "PART_a": image(), "run.json": image()});
    let outputs: serde_json::Map<String, Json> =
        nodes.as_object().unwrap().keys().map(|id| (id.clone(), json!([id, "image"]))).collect();
    graph(&place, &nodes, &outputs.into());
    assert_eq!(debug(&place, &[]).code, 0);
    let pictures: Vec<String> = seen(&place).into_iter().filter(|name| name.ends_with(".png")).collect();
    let expected =
        ["PART_a_3.image.png", "___a.image.png", "part_a.image.png", "part_a_2.image.png", "run_json.image.png"];
    assert_eq!(pictures, expected);
    assert_eq!(place.files(), ["graph.json", "seen"]);
    assert_eq!(run_json(&place).1("part/a")["outputs"][0]["files"][1], "part_a_2.image.png");
}

#[test]
fn files_of_an_earlier_debug_run_are_replaced_and_others_kept() {
    let place = Place::with_stub();
    let image = |id: &str| {
        graph(&place, &json!({id: node("PlainImage", json!({"size": 1}))}), &json!({"x": [id, "image"]}));
    };
    image("a");
    assert_eq!(debug(&place, &[]).code, 0);
    place.write("seen/notes.txt", "mine");
    place.write("seen/b.image.png", "mine");
    image("c");
    assert_eq!(debug(&place, &[]).code, 0);
    assert_eq!(seen(&place), ["b.image.png", "c.image.png", "c.image.safetensors", "notes.txt", "run.json"]);
    image("b");
    insta::assert_snapshot!(debug(&place, &[]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new folder, an empty one, or the folder of an earlier debug run, got a folder with `b.image.png`
      seen
    ");
    assert_eq!(seen(&place), ["b.image.png", "c.image.png", "c.image.safetensors", "notes.txt", "run.json"]);
    assert_eq!((place.read("seen/b.image.png"), place.read("seen/notes.txt")), ("mine".into(), "mine".into()));
}

#[test]
fn a_folder_with_other_things_is_refused() {
    let place = Place::with_stub();
    graph(&place, &json!({"a": node("Constant", json!({}))}), &json!({"a": ["a", "value"]}));
    place.write("seen/photo.png", "mine");
    insta::assert_snapshot!(debug(&place, &[]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a new folder, an empty one, or the folder of an earlier debug run, got a folder with `photo.png`
      seen
    ");
    place.write("seen/run.json", r#"{"file_names": ["photo"]}"#);
    assert_eq!((debug(&place, &[]).code, place.read("seen/photo.png").as_str()), (2, "mine"));
    let occupied = place.run(&["run", "graph.json", "--debug", "graph.json"]);
    insta::assert_snapshot!(occupied.all(), @r"
    exit code 1
    --- stdout
    --- stderr
    error: the folder for the debug run cannot be created: File exists (os error 17)
      graph.json
    ");
    assert_eq!(place.run(&["run", "graph.json", "--debug", "/proc/none"]).code, 1);
}

#[test]
fn a_folder_that_the_graph_uses_is_refused() {
    let place = Place::with_stub();
    place.write("seen/in.txt", "hello");
    let nodes = json!({
        "read": node("ReadText", json!({"path": "seen/in.txt"})),
        "write": node("WriteText", json!({"text": "a", "path": "out.txt"})),
    });
    graph(&place, &nodes, &json!({"a": ["read", "text"]}));
    insta::assert_snapshot!(debug(&place, &[]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a folder for the debug run alone, got one in which node `read` reads or writes a file; use another folder
      seen
    ");
    let both = place.run(&["run", "graph.json", "--out", "made", "--debug", "made"]);
    assert_eq!((both.code, both.stderr.contains("node `write`")), (2, true), "{}", both.stderr);
}

#[test]
fn until_and_debug_work_together() {
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 1})),
        "mean": node("Mean", json!({"image": ["image", "image"]})),
    });
    graph(&place, &nodes, &json!({"mean": ["mean", "mean"]}));
    assert_eq!(debug(&place, &["--until", "image"]).code, 0);
    assert_eq!(seen(&place), ["image.image.png", "image.image.safetensors", "run.json"]);
    assert_eq!(run_json(&place).1("mean")["status"], "not_needed");
}

#[cfg(unix)]
#[test]
fn a_cancelled_run_is_recorded_and_a_killed_one_known_again() {
    use std::process::{Command, Stdio};
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 1})),
        "endless": node("Endless", json!({})),
    });
    graph(&place, &nodes, &json!({"image": ["image", "image"], "never": ["endless", "never"]}));
    let end_by = |signal: &str| {
        let arguments = ["run", "graph.json", "--debug", "seen", "--threads", "2"];
        let mut child = place.command(&arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let start = std::time::Instant::now();
        while !place.path("work/seen/image.image.png").is_file() {
            assert!(start.elapsed().as_secs() < 20, "the picture was not recorded");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        child.wait().unwrap().code()
    };
    assert_eq!(end_by("-KILL"), None);
    assert_eq!(run_json_status(&place), "running");
    fs::remove_file(place.path("work/seen/image.image.png")).unwrap();
    assert_eq!(end_by("-TERM"), Some(143));
    assert_eq!(run_json_status(&place), "cancelled");
    let of = run_json(&place).1;
    assert_eq!((&of("image")["status"], &of("endless")["status"]), (&json!("done"), &json!("cancelled")));
}

fn run_json_status(place: &Place) -> String {
    let run: Json = serde_json::from_str(&place.read("seen/run.json")).unwrap();
    run["status"].as_str().unwrap().to_owned()
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_fails_the_run_but_does_not_stop_it() {
    let place = Place::with_stub();
    let nodes = json!({
        "image": node("PlainImage", json!({"size": 200})),
        "mean": node("Mean", json!({"image": ["image", "image"]})),
    });
    graph(&place, &nodes, &json!({"mean": ["mean", "mean"]}));
    // A limit on the size of files has the effect of a full disk.
    let limited = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} run graph.json --quiet --debug seen",
        place.path("bin/splatgraph").display()
    );
    let command = place.command(&[]);
    let output = std::process::Command::new("sh")
        .args(["-c", &limited])
        .current_dir(place.path("work"))
        .envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))))
        .output()
        .unwrap();
    insta::assert_snapshot!(place.ran(&output).all(), @"
    exit code 1
    --- stdout
    --- stderr
    error: an output cannot be recorded: writing a record; check that the folder exists, is writable and has space: File too large (os error 27): seen/image.image.safetensors
    ");
    assert_eq!(seen(&place), ["image.image.png", "run.json"]);
    let image = run_json(&place).1("image");
    assert!(image["outputs"][0]["error"].as_str().unwrap().contains("File too large"), "{image}");
    assert_eq!(run_json(&place).1("mean")["status"], "done");
}

#[test]
fn a_recorded_output_is_a_record_like_any_other() {
    let place = Place::with_stub();
    graph(&place, &json!({"a": node("PlainImage", json!({"size": 3}))}), &json!({"x": ["a", "image"]}));
    assert_eq!(debug(&place, &[]).code, 0);
    let path = place.path("work/seen/a.image.safetensors");
    let mut record = Record::load(&path).unwrap();
    assert_eq!(record.fields[0].1.dtype(), DType::F32);
    record.header.insert("note".into(), "changed".into());
    record.save(&place.path("work/changed.safetensors"), DType::F32).unwrap();
    let ran = place.run(&["inspect", "seen/a.image.safetensors", "changed.safetensors", "--tolerance", "0"]);
    assert_eq!((ran.code, ran.stdout.contains("note: \"changed\" only in B")), (0, true), "{}", ran.stdout);
}
