//! What `#[node]` makes of functions and structs, through the public way in.

use insta::assert_snapshot;
use splatgraph_sdk::{
    Node,
    prelude::*,
    spec::NodeSpec,
    testing::{Event, Recorder, json, run, run_node, run_with},
};
use std::sync::atomic::{AtomicI64, Ordering};

/// How to mix.
#[derive(Clone, Copy, Debug, PartialEq, Choice)]
enum Mode {
    /// Straight.
    Linear,
    /// Soft at both ends.
    #[choice(name = "smooth")]
    SmoothStep,
}

#[derive(Union)]
enum Geometry {
    Tokens(Tokens),
    Layout(Layout),
}

#[derive(serde::Serialize, serde::Deserialize, Default)]
#[serde(default)]
struct Style {
    width: u32,
}

/// Shows each kind of input.
///
/// A second paragraph.
#[node(category = "Test", version = 3, name = "Everything", output, outputs(text: "what came", count))]
#[expect(clippy::too_many_arguments, reason = "one of each kind")]
fn every_kind(
    /// A number.
    #[input(default = 4, min = 1, max = 8)]
    number: u32,
    #[input(default = -0.5)] fraction: f32,
    #[input(default = Mode::SmoothStep)] mode: Mode,
    #[input(default = "a.png", path = read)] path: PathBuf,
    #[input(path = model, builtin = ["small"])] model: String,
    names: Vec<String>,
    mask: Option<Mask>,
    style: Json<Style>,
    geometry: Option<Geometry>,
    ctx: &Ctx,
    any: Option<Value>,
) -> Result<(String, i64)> {
    ctx.step(1, 2)?;
    ctx.warn("nearly done");
    let geometry = match geometry {
        None => "none",
        Some(Geometry::Tokens(_)) => "tokens",
        Some(Geometry::Layout(_)) => "layout",
    };
    let any = any.map_or("nothing".into(), |v| v.type_name());
    let text = format!(
        "{number} {fraction} {mode:?} {} {model} {names:?} {} {} {geometry} {any}",
        path.display(),
        mask.is_some(),
        style.0.width
    );
    Ok((text, names.len() as i64))
}

/// Inputs of each kind that several nodes share.
#[derive(InputGroup)]
struct Shared {
    /// A number.
    #[input(default = 4, min = 1, max = 8)]
    number: u32,
    #[input(default = Mode::SmoothStep)]
    mode: Mode,
    #[input(flatten)]
    files: Files,
    mask: Option<Mask>,
}

#[derive(InputGroup)]
struct Files {
    /// A picture.
    #[input(default = "a.png", path = read, extensions = ["png"])]
    path: PathBuf,
    #[input(path = model, builtin = ["small"])]
    model: String,
    r#type: Vec<String>,
}

/// Has inputs before, in and after a group.
#[node(outputs(text))]
fn grouped(
    /// The first.
    #[input(counts_from = "number")]
    before: i64,
    #[input(flatten)] shared: Shared,
    ctx: &Ctx,
    /// The last.
    #[input(default = 0.5)]
    after: f32,
) -> Result<String> {
    ctx.check()?;
    let Shared { number, mode, files, mask } = shared;
    let Files { path, model, r#type } = files;
    Ok(format!("{before} {number} {mode:?} {} {model} {type:?} {} {after}", path.display(), mask.is_some()))
}

/// A parameter may be called as its function.
#[node(outputs(same))]
fn same(same: i64) -> Result<i64> {
    Ok(same)
}

/// Takes one of two, or one of many.
#[node(outputs(value))]
fn chosen(
    other: bool,
    #[input(chosen_by = "other", chosen_when = false)] one: Option<i64>,
    #[input(default = 0)] index: u32,
    #[input(chosen_by = "index")] many: Vec<Value>,
) -> Result<i64> {
    let found = many.get(index as usize).and_then(|value| value.as_int()?.try_into().ok());
    one.filter(|_| !other).or(found).ok_or_else(|| Error::new("nothing was chosen"))
}

/// Counts its runs.
#[derive(Default)]
struct Count(AtomicI64);

#[node(outputs(count))]
impl Count {
    /// One more.
    fn run(&self) -> Result<i64> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

fn text(outputs: Result<Vec<Value>>) -> String {
    outputs.map_or_else(|e| format!("{:?}: {}", e.input, e.message), |o| o[0].as_text().unwrap().to_owned())
}

#[test]
fn the_spec_says_what_the_declaration_says() {
    let spec = serde_json::to_string_pretty(&every_kind::spec()).unwrap();
    insta::assert_snapshot!("everything", spec);
    assert_eq!(Count::spec().name, "Count");
    assert_eq!(Count::spec().help, "One more.");
}

#[test]
fn inputs_take_their_values_and_defaults() {
    assert_snapshot!(text(run::<every_kind>(json!({"model": "small", "names": ["x"], "style": {}}), [])), @r#"4 -0.5 SmoothStep a.png small ["x"] false 0 none nothing"#);
    let layout = Layout::new(Tensor::from_vec([1, 1, 5], vec![0.5f32; 5]).unwrap(), None, Canvas::default()).unwrap();
    let all = json!({"number": 8, "fraction": 2, "mode": "linear", "path": "/b", "model": "m", "names": "one", "style": {"width": 3}, "any": 1});
    assert_snapshot!(text(run::<every_kind>(all, [("geometry", layout.into_value().unwrap())])), @r#"8 2 Linear /b m ["one"] false 3 layout INT"#);
    assert_eq!(run::<same>(json!({"same": 7}), []).unwrap()[0].to_json(), Some(7.into()));
}

#[test]
fn an_input_may_choose_others() {
    let spec = chosen::spec();
    let choices: Vec<_> =
        spec.inputs.iter().map(|input| (input.chosen_by.as_deref(), input.chosen_when.as_ref())).collect();
    assert_eq!(choices, [(None, None), (Some("other"), Some(&json!(false))), (None, None), (Some("index"), None)]);
    let first = run::<chosen>(json!({"other": false, "one": 3, "many": [null]}), []);
    assert_eq!(first.unwrap()[0].to_json(), Some(3.into()));
    let second = run::<chosen>(json!({"other": true, "index": 1, "many": [null, 5]}), []);
    assert_eq!(second.unwrap()[0].to_json(), Some(5.into()));
}

#[test]
fn a_group_of_inputs_stands_in_the_place_of_its_parameter() {
    let spec = grouped::spec();
    let names: Vec<_> = spec.inputs.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["before", "number", "mode", "path", "model", "type", "mask", "after"]);
    // Fields say what parameters say.
    let alone = every_kind::spec();
    for name in ["number", "mode", "model", "mask"] {
        let find = |spec: &NodeSpec| spec.inputs.iter().find(|i| i.name == name).cloned();
        assert_eq!(find(&spec), find(&alone), "{name}");
    }
    assert_eq!(spec.inputs[3].extensions, ["png"]);
    assert_eq!(spec.inputs[3].help, "A picture.");
    // An input may count from an input of the group.
    assert_eq!(spec.inputs[0].counts_from.as_deref(), Some("number"));
    assert!(spec.inputs[5].list && spec.inputs[6].optional);

    let few = json!({"before": 1, "model": "small", "type": ["x"]});
    assert_snapshot!(text(run::<grouped>(few.clone(), [])), @r#"1 4 SmoothStep a.png small ["x"] false 0.5"#);
    let all =
        json!({"before": 1, "number": 2, "mode": "linear", "path": "/b", "model": "m", "type": "one", "after": 2});
    assert_snapshot!(text(run::<grouped>(all, [])), @r#"1 2 Linear /b m ["one"] false 2"#);
    let with = |name: &str, value: serde_json::Value| {
        let mut inputs = few.clone();
        inputs[name] = value;
        text(run::<grouped>(inputs, []))
    };
    assert_snapshot!(with("number", json!(9)), @r#"Some("number"): expected a number of at most 8, got 9"#);
    assert_snapshot!(with("mode", json!("cubic")), @r#"Some("mode"): expected one of linear, smooth, got `cubic`"#);
    assert_snapshot!(with("model", json!(null)), @r#"Some("model"): expected a value or a link, got nothing"#);
}

#[test]
fn unusable_inputs_are_named() {
    let with = |name: &str, value: serde_json::Value| {
        let mut inputs = json!({"model": "small", "names": [], "style": {}});
        inputs[name] = value;
        text(run::<every_kind>(inputs, []))
    };
    assert_snapshot!(with("number", json!(0)), @r#"Some("number"): expected a number of at least 1, got 0"#);
    assert_snapshot!(with("number", json!(9)), @r#"Some("number"): expected a number of at most 8, got 9"#);
    assert_snapshot!(with("number", json!(2.5)), @r#"Some("number"): expected a whole number, got FLOAT 2.5"#);
    assert_snapshot!(with("fraction", json!("much")), @r#"Some("fraction"): expected a number, got STRING "much""#);
    assert_snapshot!(with("mode", json!("cubic")), @r#"Some("mode"): expected one of linear, smooth, got `cubic`"#);
    assert_snapshot!(with("names", json!([1])), @r#"Some("names"): at index 0: expected a text, got INT 1"#);
    assert_snapshot!(with("style", json!({"width": -1})), @r#"Some("style"): the JSON does not fit: invalid value: integer `-1`, expected u32"#);
    assert_snapshot!(with("geometry", json!(1)), @r#"Some("geometry"): expected one of TOKENS,LAYOUT, got INT"#);
    assert_snapshot!(with("model", json!(null)), @r#"Some("model"): expected a value or a link, got nothing"#);
    assert_snapshot!(with("modle", json!(1)), @"None: expected an input of the node Everything, got `modle`");
}

#[test]
fn the_host_hears_of_steps_and_can_stop_the_node() {
    let host = Recorder::default();
    let inputs = json!({"model": "small", "names": [], "style": {}});
    run_with::<every_kind>(&host, inputs.clone(), []).unwrap();
    let expected = [Event::Progress(1, 2), Event::Log(splatgraph_sdk::host::LogLevel::Warn, "nearly done".into())];
    assert_eq!(host.events(), expected);
    host.cancel();
    assert_eq!(text(run_with::<every_kind>(&host, inputs, [])), "None: cancelled");
}

#[test]
fn a_node_with_a_state_keeps_it() {
    let (node, host) = (Count::create(), Recorder::default());
    let counts: Vec<_> = (0..3).map(|_| run_node(&node, &host, json!({}), []).unwrap()[0].as_int()).collect();
    assert_eq!(counts, [Some(1), Some(2), Some(3)]);
}
