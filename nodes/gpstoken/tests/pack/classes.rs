//! Tests of the classes of a generator, by number and by name.

use super::{
    generation::{checkpoint, unchanged},
    only,
};
use splatgraph_pack_gpstoken::{
    nodes::generate::layout_diffusion::layout_diffusion, nodes::generate::load_generator::LoadGenerator,
};
use splatgraph_sdk::{
    Error, Input, Layout, Value,
    host::LogLevel,
    serde_json::Value as Json,
    testing::{Event, Recorder, json, run, run_with},
};

const NAMES: &str = r#"["brick", "cloth", "door", "grass", "ground", "metal", "rock", "sky", "wall", "wood"]"#;

/// A generator of 10 classes with these names.
fn load(names: Option<&str>) -> Result<Value, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.safetensors");
    let metadata: Vec<(&str, &str)> =
        [("heads", "6")].into_iter().chain(names.map(|names| ("classes", names))).collect();
    checkpoint(&path, "weights_sit_layout.safetensors", &metadata, unchanged);
    let normalisation = json!({"means": [0.1, 0.1, 0.0, 0.0, 0.0], "stds": [0.05, 0.05, 0.01, 0.6, 0.6]});
    let loaded = run::<LoadGenerator>(json!({"model": path, "normalisation": normalisation}), []);
    let without_folder = |text: &str| text.replace(&*folder.path().to_string_lossy(), "<folder>");
    loaded.map(only).map_err(|e| Error { message: without_folder(&e.message), ..e })
}

fn sample(host: &Recorder, generator: &Value, settings: Json) -> Result<Vec<f32>, Error> {
    let made = run_with::<layout_diffusion>(host, settings, [("generator", generator.clone())])?;
    Ok(Layout::from_value(&only(made)).unwrap().gaussians.to_f32())
}

#[test]
fn a_class_is_given_by_number_or_name_and_logged() {
    let generator = load(Some(NAMES)).unwrap();
    let of = |settings: Json| {
        let host = Recorder::default();
        let gaussians = sample(&host, &generator, settings).unwrap();
        let log = |event| if let Event::Log(LogLevel::Info, line) = event { Some(line) } else { None };
        (gaussians, host.events().into_iter().find_map(log).unwrap())
    };
    let (by_number, log) = of(json!({"class": 6}));
    assert_eq!(log, "class 6: rock");
    assert_eq!(of(json!({"class": "rock"})), (by_number, log));
    let (by_number, log) = of(json!({"count": 3, "classes": [6, 0, 6]}));
    assert_eq!(log, "class 0: brick, 6: rock");
    assert_eq!(of(json!({"count": 3, "classes": ["rock", 0, "rock"]})), (by_number, log));
}

#[test]
fn an_unknown_class_is_an_error_that_lists_the_known_ones() {
    let host = Recorder::default();
    let named = load(Some(NAMES)).unwrap();
    let error = |settings: Json| sample(&host, &named, settings).unwrap_err();
    insta::assert_snapshot!(error(json!({"class": 10})), @"expected a class from 0 to 9, got 10; this generator knows 0: brick, 1: cloth, 2: door, 3: grass, 4: ground, 5: metal, 6: rock, 7: sky, 8: wall, 9: wood");
    insta::assert_snapshot!(error(json!({"class": "Metall"})), @r#"expected a class from 0 to 9, got "Metall"; this generator knows 0: brick, 1: cloth, 2: door, 3: grass, 4: ground, 5: metal, 6: rock, 7: sky, 8: wall, 9: wood. Did you mean `metal`?"#);
    insta::assert_snapshot!(error(json!({"class": "?"})), @r#"expected a class from 0 to 9, got "?"; this generator knows 0: brick, 1: cloth, 2: door, 3: grass, 4: ground, 5: metal, 6: rock, 7: sky, 8: wall, 9: wood"#);
    insta::assert_snapshot!(error(json!({"class": -1})), @"expected a number of at least 0, got -1");
    assert_eq!(error(json!({"class": "?"})).input.as_deref(), Some("class"));
    assert_eq!(error(json!({"classes": ["?"]})).input.as_deref(), Some("classes"));

    let unnamed = load(None).unwrap();
    let error = |settings: Json| sample(&host, &unnamed, settings).unwrap_err();
    insta::assert_snapshot!(error(json!({"class": 10})), @"expected a class from 0 to 9, got 10");
    insta::assert_snapshot!(error(json!({"class": "rock"})), @r#"expected a class from 0 to 9, got "rock"; this generator has no names for its classes"#);
}

#[test]
fn malformed_names_are_an_error() {
    insta::assert_snapshot!(load(Some(r#"["brick"]"#)).unwrap_err(), @r#"
    loading a generator: expected a list of 10 names, one for each class, in the checkpoint's metadata `classes`, got ["brick"]
    file: <folder>/g.safetensors
    "#);
    insta::assert_snapshot!(load(Some("ten")).unwrap_err(), @"
    loading a generator: expected a list of 10 names, one for each class, in the checkpoint's metadata `classes`, got ten
    file: <folder>/g.safetensors
    ");
}
