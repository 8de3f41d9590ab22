//! Feeds an empty value to every socket of every node: pictures without pixels, tokens without rows, batches without pictures.
//! A node that another pack or another file hands such a value says what it expects, or gives the right empty result.

mod support;

use serde_json::{Map, Value, json};
use splatgraph_sdk::{DType, Record, Tensor};
use std::{collections::BTreeMap, path::Path, process::Command};
use support::{graphs, inception, program};

/// A length that no memory holds. Beside a length of 0 a shape may name it all the same.
const VAST: usize = 1 << 40;
/// The channels of the tokens of the tokenizer in the pack.
const CHANNELS: usize = 32;

/// The types of records.
const TYPES: [&str; 10] = [
    "IMAGE",
    "MASK",
    "FEATURES",
    "FEATURE_MAP",
    "SELECTION",
    "LAYOUT",
    "TOKENS",
    "NOISE",
    "IMAGE_FEATURES",
    "FEATURE_STATISTICS",
];

/// What is empty, and the letters of the axes whose length that changes.
const EMPTY: [(&str, &[(char, usize)]); 6] = [
    ("no batch", &[('B', 0)]),
    ("no rows", &[('N', 0), ('H', 0)]),
    ("no columns", &[('W', 0)]),
    ("no channels", &[('C', 0), ('D', 0)]),
    ("no batch of vast items", &[('B', 0), ('N', VAST), ('H', VAST), ('W', VAST)]),
    ("only padding", &[]),
];

/// The fields of each standard type, and their axes.
fn fields(type_name: &str) -> &'static [(&'static str, &'static str)] {
    match type_name {
        "IMAGE" => &[("image", "BHW3")],
        "MASK" => &[("mask", "BHW")],
        "FEATURES" => &[("features", "BCHW")],
        "FEATURE_MAP" => &[("map", "BCHW")],
        "SELECTION" => &[("selected", "BN")],
        "LAYOUT" => &[("gaussians", "BN5"), ("regions", "BN4")],
        "TOKENS" => &[("gaussians", "BN5"), ("textures", "BNC")],
        "NOISE" => &[("start", "BCN")],
        "IMAGE_FEATURES" => &[("pool", "BD"), ("spatial", "BD"), ("logits", "BD")],
        "FEATURE_STATISTICS" => &[("pool_mean", "D"), ("pool_covariance", "DD")],
        _ => &[],
    }
}

/// A record of the type that is empty in this way; `None` if the type has no axis for it.
fn empty_record(type_name: &str, kind: &str, lengths: &[(char, usize)]) -> Option<Record> {
    let side = if type_name == "FEATURE_MAP" { 64 } else { 256 };
    let usual =
        [('B', 1), ('N', 16), ('H', side), ('W', side), ('C', CHANNELS), ('D', 8), ('3', 3), ('4', 4), ('5', 5)];
    let length = |axis| lengths.iter().chain(&usual).find(|(name, _)| *name == axis).expect("a known axis").1;
    let padding = kind == "only padding";
    let changed = |(_, axes): &(&str, &str)| axes.chars().any(|axis| lengths.iter().any(|(name, _)| *name == axis));
    let fields = fields(type_name);
    if padding && type_name != "TOKENS" || !padding && !fields.iter().any(changed) {
        return None;
    }
    let header = json!({ "canvas": [256, 256], "tile": 256, "grid": [1, 1], "map": [64, 64], "support": 3.0, "model": "small", "convention": "adm" });
    let header = header.as_object().cloned().unwrap_or_default();
    let mut record = Record { type_name: type_name.to_owned(), header, ..Record::default() };
    for (name, axes) in fields {
        let shape: Vec<usize> = axes.chars().map(length).collect();
        let elements = if shape.contains(&0) { 0 } else { shape.iter().product() };
        record.fields.push(((*name).to_owned(), Tensor::from_vec(shape, vec![0.5f32; elements]).unwrap()));
    }
    if padding {
        record.fields.push(("counts".to_owned(), Tensor::from_vec([1], vec![0i64]).unwrap()));
    }
    Some(record)
}

/// A network for the node Lpips, with the layers of AlexNet and one channel each.
fn lpips_network(path: &Path) {
    let mut record = Record::default();
    for (stage, (layer, side)) in [(0, 11), (3, 5), (6, 3), (8, 3), (10, 3)].into_iter().enumerate() {
        let input = if stage == 0 { 3 } else { 1 };
        let mut push = |name: String, shape: Vec<usize>| {
            let weights = vec![0.1f32; shape.iter().product()];
            record.fields.push((name, Tensor::from_vec(shape, weights).unwrap()));
        };
        push(format!("features.{layer}.weight"), vec![1, input, side, side]);
        push(format!("features.{layer}.bias"), vec![1]);
        push(format!("lin{stage}.weight"), vec![1, 1, 1, 1]);
    }
    record.save(path, DType::F32).unwrap();
}

/// Nodes that make a usable value of each type.
fn sources() -> Map<String, Value> {
    let Value::Object(sources) = json!({
        "photo": { "class_type": "std.LoadImage", "inputs": { "path": graphs().join("chelsea.png") } },
        "IMAGE": { "class_type": "std.Resize", "inputs": { "image": ["photo", "image"], "width": 256, "height": 256 } },
        "MASK": { "class_type": "std.RectangleMask", "inputs": { "image": ["IMAGE", 0], "width": 99, "height": 99 } },
        "TOKENIZER": { "class_type": "gpstoken.LoadTokenizer", "inputs": {} },
        "FEATURES": { "class_type": "gpstoken.Encode", "inputs": { "tokenizer": ["TOKENIZER", 0], "image": ["IMAGE", 0] } },
        "LAYOUT": { "class_type": "gpstoken.InitTokens", "inputs": { "image": ["IMAGE", 0], "tokens": 16 } },
        "TOKENS": { "class_type": "gpstoken.RefineTokens", "inputs": { "tokenizer": ["TOKENIZER", 0], "features": ["FEATURES", 0], "layout": ["LAYOUT", 0] } },
        "FEATURE_MAP": { "class_type": "gpstoken.Splat", "inputs": { "tokens": ["TOKENS", 0] } },
        "SELECTION": { "class_type": "gpstoken.SelectTokens", "inputs": { "tokens": ["TOKENS", 0], "min_sigma": 0.01 } },
        "IMAGE_FEATURES": { "class_type": "gpstoken.ImageFeatures", "inputs": { "image": ["IMAGE", 0], "model": inception() } },
        "FEATURE_STATISTICS": { "class_type": "gpstoken.FeatureStatistics", "inputs": { "features": ["IMAGE_FEATURES", 0] } },
        "layouts": { "class_type": "gpstoken.LoadGenerator", "inputs": { "model": "small-layout" } },
        "textures": { "class_type": "gpstoken.LoadGenerator", "inputs": { "model": "small-texture" } },
    }) else {
        unreachable!("an object")
    };
    sources
}

/// The plain inputs that a node needs, or that make it look at an empty value: in several ways.
fn literals(class: &str, folder: &Path) -> Vec<Value> {
    let edit = |edit: &str, keep: &str| {
        let mut edit = json!({ "edit": edit, "if_empty": keep });
        if edit["edit"] == "replace_textures" {
            edit["source"] = json!({ "nearest": [9, 9] });
        }
        json!({ "edits": { "__value__": [edit] } })
    };
    let mut ways = match class {
        "std.Resize" | "std.ResizeMask" | "std.Crop" | "std.RectangleMask" => json!([{ "width": 64, "height": 64 }]),
        "std.EllipseMask" => json!([{ "x": 50, "y": 50, "radius_x": 20, "radius_y": 20 }]),
        "std.StrokesMask" => json!([{ "strokes": { "__value__": [{ "points": [[1, 2]], "radius": 3 }] } }]),
        "std.Calculate" | "std.Condition" => json!([{ "expression": "1" }]),
        "std.Field" => json!([{ "field": "psnr" }]),
        "std.Format" => json!([{ "template": "{a}{b}{c}{d}" }]),
        "std.If" => json!([{ "condition": true }, { "condition": false }]),
        "std.Switch" => json!([{ "index": 0 }]),
        "std.Label" => json!([{ "text": "a" }]),
        "std.View" => json!([{}, { "channel": 0 }]),
        "gpstoken.FindTokenCount" => json!([{ "psnr": 20 }]),
        "gpstoken.OptimizeTokens" => json!([{ "steps": 1 }, { "steps": 1, "texture": 6 }]),
        "gpstoken.SelectTokens" => json!([
            { "nearest": { "__value__": [9, 9] } }, { "similar": { "__value__": [9, 9] }, "similar_count": 3 }, { "similar": 0 },
            { "indices": { "__value__": [0] } }, { "region": { "__value__": [0, 0, 9, 9] } }, { "min_sigma": 1 }
        ]),
        "gpstoken.EditTokens" => ["delete", "transform", "duplicate", "replace_textures"]
            .iter()
            .flat_map(|kind| [edit(kind, "keep"), edit(kind, "error")])
            .collect(),
        "gpstoken.CombineSelections" => json!([{ "b": ["SELECTION", 0] }]),
        "gpstoken.ImageFeatures" => json!([{ "model": inception() }]),
        "gpstoken.Lpips" => json!([{ "model": folder.join("lpips.safetensors") }]),
        "gpstoken.LayoutDiffusion" => json!([{ "steps": 2, "tokens": 16 }]),
        "gpstoken.TextureDiffusion" => json!([{ "steps": 2 }, { "steps": 2, "preview_every": 1 }]),
        _ => json!([{}]),
    };
    ways.as_array_mut().map(std::mem::take).unwrap_or_default()
}

/// The other choices and switches of a node, one at a time.
fn variants(class: &Value) -> Vec<(&str, Value)> {
    let inputs = class["inputs"].as_array().unwrap().iter();
    let variants = inputs.flat_map(|input| {
        let choices = input["choices"].as_array().into_iter().flatten().map(|choice| choice["name"].clone());
        let switch = (input["type"] == "BOOLEAN").then(|| json!(input["default"] != true));
        choices.chain(switch).map(|value| (input["name"].as_str().unwrap(), value))
    });
    variants.collect()
}

struct Walk<'a> {
    folder: &'a Path,
    nodes: Map<String, Value>,
    /// The nodes that read a record of a type that is empty in some way.
    records: BTreeMap<String, &'static str>,
    /// What each node under test gets.
    cases: BTreeMap<String, String>,
}

impl Walk<'_> {
    /// A link to an empty value of this type, or the path of its file; `None` if the type can't be empty in this way.
    fn empty(
        &mut self,
        class: &str,
        type_name: &str,
        (kind, lengths): (&'static str, &[(char, usize)]),
    ) -> Option<Value> {
        let id = format!("{type_name} with {kind}");
        let path = self.folder.join(format!("{id}.safetensors"));
        if self.records.insert(id.clone(), kind).is_none() {
            empty_record(type_name, kind, lengths)?.save(&path, DType::F32).unwrap();
            self.nodes.insert(id.clone(), json!({ "class_type": "std.LoadRecord", "inputs": { "path": path } }));
        }
        let link = json!([id, "value"]);
        match class {
            _ if !path.exists() => None,
            "gpstoken.LayoutBank" => Some(json!(path)),
            "gpstoken.LoadTokens" => {
                let inputs = json!({ "tokens": link, "path": self.folder.join(format!("{id}.gpst")) });
                let saved = format!("{id} saved");
                self.nodes.insert(saved.clone(), json!({ "class_type": "gpstoken.SaveTokens", "inputs": inputs }));
                Some(json!([saved, "path"]))
            }
            _ => Some(link),
        }
    }

    /// Adds a node with these inputs and the others that it needs; with `options`, also those that it can take.
    fn case(&mut self, class: &Value, what: &str, given: &Map<String, Value>, options: bool) {
        let name = class["class"].as_str().unwrap();
        let mut inputs = given.clone();
        for input in class["inputs"].as_array().unwrap() {
            let (key, types) = (input["name"].as_str().unwrap(), input["type"].as_str().unwrap());
            let mut types = types.split(',');
            let source = match if options { types.next_back() } else { types.next() }.unwrap() {
                "*" if key == "noise" => "",
                "*" => "IMAGE",
                "GENERATOR" if name.ends_with("LayoutDiffusion") => "layouts",
                "GENERATOR" => "textures",
                one => one,
            };
            let needed = input.get("default").is_none() && (options || input.get("optional").is_none());
            if input["path"] == "write" {
                let ending = if name.ends_with("Svg") { "svg" } else { "png" };
                inputs.insert(key.to_owned(), json!(self.folder.join(format!("{}.{ending}", self.cases.len()))));
            } else if needed && !inputs.contains_key(key) && sources().contains_key(source) {
                inputs.insert(key.to_owned(), json!([source, 0]));
            }
        }
        let id = format!("case {}", self.cases.len());
        self.nodes.insert(id.clone(), json!({ "class_type": name, "inputs": inputs }));
        self.cases.insert(id, format!("{name} {what}"));
    }

    /// Adds nodes with these empty values: in all of their ways, and the first way with each choice and switch.
    fn cases(&mut self, class: &Value, what: &str, empty: &Map<String, Value>) {
        let name = class["class"].as_str().unwrap();
        let ways = literals(name, self.folder);
        let varied = variants(class).into_iter().map(|(key, value)| {
            let mut way = ways[0].clone();
            way[key] = value;
            way
        });
        let plain = ways.iter().flat_map(|way| [(way.clone(), false), (way.clone(), true)]);
        for (way, options) in plain.chain(varied.map(|way| (way, true))).collect::<Vec<_>>() {
            let mut given = way.as_object().cloned().unwrap_or_default();
            given.extend(empty.clone());
            self.case(class, &format!("{what}: {way}{}", if options { " and options" } else { "" }), &given, options);
        }
    }
}

/// The types that an input takes, of those that can be empty.
fn empty_types(class: &str, input: &Value) -> Vec<String> {
    match (class, input["type"].as_str().unwrap()) {
        (_, "*") => TYPES.map(str::to_owned).to_vec(),
        ("gpstoken.LayoutBank", _) if input["name"] == "path" => vec!["LAYOUT".to_owned()],
        ("gpstoken.LoadTokens", _) => vec!["TOKENS".to_owned()],
        (_, types) => types.split(',').map(str::to_owned).collect(),
    }
}

enum Outcome {
    Failed(Value),
    Gave(Vec<Value>),
    Skipped,
}

/// Every case with its outcome.
fn walk(folder: &Path) -> BTreeMap<String, Outcome> {
    let splatgraph = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
        let output = command.output().expect("splatgraph runs");
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap_or_else(|_| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    lpips_network(&folder.join("lpips.safetensors"));
    let mut walk = Walk { folder, nodes: sources(), records: BTreeMap::new(), cases: BTreeMap::new() };
    let classes = splatgraph(&["nodes", "--json"]);
    let classes = classes.as_array().unwrap();
    for class in classes {
        let name = class["class"].as_str().unwrap();
        for empty in EMPTY {
            let mut all = Map::new();
            for input in class["inputs"].as_array().unwrap() {
                let key = input["name"].as_str().unwrap();
                for type_name in empty_types(name, input) {
                    let Some(value) = walk.empty(name, &type_name, empty) else { continue };
                    let value = if input["list"] == true { json!([value]) } else { value };
                    let what = format!("{key}: {type_name} with {}", empty.0);
                    walk.cases(class, &what, &Map::from_iter([(key.to_owned(), value.clone())]));
                    all.insert(key.to_owned(), value);
                }
            }
            if all.len() > 1 {
                walk.cases(class, &format!("all with {}", empty.0), &all);
            }
        }
    }
    let outputs = walk.nodes.iter().filter(|(id, _)| walk.cases.contains_key(*id)).flat_map(|(id, node)| {
        let count = classes.iter().find(|class| class["class"] == node["class_type"]).unwrap()["outputs"]
            .as_array()
            .unwrap()
            .len();
        (0..count).map(move |output| (format!("{id}.{output}"), json!([id, output])))
    });
    let outputs: Map<String, Value> = outputs.collect();
    let graph = json!({ "outputs": outputs, "nodes": walk.nodes });
    std::fs::write(folder.join("graph.json"), graph.to_string()).unwrap();
    let result = splatgraph(&["run", "graph.json", "--json", "--device", "cpu"]);
    let failures = result["failures"].as_array().unwrap_or_else(|| panic!("{result}"));
    let failed: BTreeMap<&str, &Value> = failures.iter().map(|f| (f["node"].as_str().unwrap(), f)).collect();
    let nodes = result["nodes"].as_array().unwrap();
    let nodes: BTreeMap<&str, &Value> = nodes.iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    // Of equal cases one runs.
    let ran = |id: &str| {
        let why = nodes[id]["why"].as_str().unwrap();
        why.strip_prefix("equal to `").and_then(|rest| rest.strip_suffix('`')).unwrap_or(id).to_owned()
    };
    let outcome = |id: &str| match failed.get(ran(id).as_str()) {
        Some(failure) => Outcome::Failed((*failure).clone()),
        None if nodes[id]["status"] == "skipped" => Outcome::Skipped,
        None => {
            let prefix = format!("{id}.");
            let outputs = result["outputs"].as_object().unwrap().iter();
            Outcome::Gave(
                outputs.filter(|(name, _)| name.starts_with(&prefix)).map(|(_, value)| value.clone()).collect(),
            )
        }
    };
    walk.cases.iter().map(|(id, case)| (case.clone(), outcome(id))).collect()
}

#[test]
fn every_node_has_words_or_the_right_result_for_an_empty_value() {
    let folder = tempfile::tempdir().unwrap();
    let outcomes = walk(folder.path());
    assert!(outcomes.len() > 2000, "{} cases", outcomes.len());
    for (case, outcome) in &outcomes {
        match outcome {
            Outcome::Failed(failure) => {
                let message = failure["message"].as_str().unwrap();
                assert!(failure["code"] == "bad_input" && failure["input"].is_string(), "{case}: {failure}");
                assert!(message.contains("expected ") && message.contains(" got "), "{case}: {message}");
            }
            // JSON has no NaN and no infinity; they are null there.
            Outcome::Gave(outputs) => assert!(outputs.iter().all(|output| !output.is_null()), "{case}: {outputs:?}"),
            // Its file can't be written, which is another case.
            Outcome::Skipped => assert!(case.starts_with("gpstoken.LoadTokens"), "{case}"),
        }
    }
    let failed = outcomes.values().filter(|outcome| matches!(outcome, Outcome::Failed(_))).count();
    assert!((500..outcomes.len() - 200).contains(&failed), "{failed} errors of {}", outcomes.len());
}
