//! Changes that a pack declares wrongly, and graphs that changes can't bring into the new form.

use super::closures::PackOf;
use serde_json::{Value as Json, json};
use splatgraph::graph::{Checked, File, Given, Origin, Problems, check, faults};
use splatgraph::registry::{Pack, Registry};
use splatgraph_sdk::spec::Manifest;

/// A pack whose nodes only are declared.
fn pack(manifest: Json) -> Pack {
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    assert_eq!(faults(&manifest), Vec::<String>::new());
    Pack { manifest, ..PackOf::new("empty").pack() }
}

/// Version 0.3.0 of a pack.
fn acme(changes: &Json) -> Json {
    let input = |name: &str, socket: &str| json!({ "name": name, "type": socket, "optional": true });
    let outputs = json!([{ "name": "image", "type": "IMAGE" }, { "name": "size", "type": "INT" }]);
    json!({
        "id": "acme", "version": "0.3.0", "changes": changes,
        "nodes": [
            { "name": "Smooth", "inputs": [
                input("size", "INT"), input("amount", "FLOAT"), input("image", "IMAGE"), input("sizes", "INT"),
                { "name": "method", "type": "STRING", "choices": [{ "name": "mean" }, { "name": "largest" }], "default": "mean" },
            ], "outputs": outputs },
            { "name": "Edges", "inputs": [input("image", "IMAGE")], "outputs": outputs },
        ],
    })
}

fn registry(changes: &Json) -> Registry {
    Registry::new(vec![pack(acme(changes))])
}

/// A graph of version 0.1.0 of the pack.
fn graph(nodes: &Json) -> Json {
    json!({ "packs": { "acme": "0.1.0" }, "outputs": { "result": ["last", "image"] }, "nodes": nodes })
}

fn checked(graph: &Json, registry: &Registry) -> Result<Checked, Problems> {
    check(File::parse(&serde_json::to_string_pretty(graph).unwrap(), Origin::Text)?, registry, &Given::default())
}

fn problems(changes: &Json, nodes: &Json) -> String {
    checked(&graph(nodes), &registry(changes)).expect_err("problems").to_string()
}

fn node(class: &str, inputs: &Json) -> Json {
    json!({ "class_type": format!("acme.{class}"), "inputs": inputs })
}

#[test]
fn every_fault_of_a_list_is_named() {
    let of = |changes: &Json| faults(&serde_json::from_value(acme(changes)).unwrap()).join("\n");
    insta::assert_snapshot!(of(&json!([
        { "version": "0.4.0", "class": "Blur", "renamed": "Smooth" },
        { "version": "soon", "class": "Blur", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "Blur" },
        { "version": "0.2.0", "class": "Blur", "became": "Smooth" },
        { "version": "0.2.0", "class": "acme.Blur", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "other.Blur", "removed": "use Smooth" },
        { "version": "0.2.0", "class": "Smooth", "input": "amount", "factor": 0.0 },
        { "version": "0.2.0", "class": "Smooth", "input": "amount", "was": null },
    ])), @r#"
    change 1 (`Blur`): expected at most the version of the pack, 0.3.0, got 0.4.0; raise the version of the pack
    change 2 (`Blur`): expected a version such as 0.2.0, got "soon"
    change 3 (`Blur`): for a class, expected one of `renamed` (with `values`) and `removed`, got none that this host knows
    change 4 (`Blur`): for a class, expected one of `renamed` (with `values`) and `removed`, got none that this host knows
    change 5 (`acme.Blur`): expected the class without its pack, `Blur`, got `acme.Blur`
    change 6 (`other.Blur`): expected `renamed`, as this is a class of another pack
    change 7 (`Smooth`, `amount`): expected a factor other than 0, got 0
    change 8 (`Smooth`, `amount`): for an input, expected one of `renamed`, `split`, `words`, `factor`, `list`, `removed` and `was`, got none that this host knows
    "#);
    insta::assert_snapshot!(of(&json!([
        { "version": "0.2.0", "class": "Blur", "renamed": "Soft" },
        { "version": "0.2.0", "class": "Smooth", "input": "radius", "renamed": "width" },
        { "version": "0.2.0", "class": "Smooth", "output": "out", "renamed": "picture" },
        { "version": "0.2.0", "class": "Dilate", "renamed": "Smooth", "values": { "mode": "largest" } },
        { "version": "0.2.0", "class": "Filter", "input": "kind", "split": { "edges": "Edges", "soft": "Softer" } },
        { "version": "0.2.0", "class": "Smooth", "input": "method", "words": { "box": "gauss" } },
        { "version": "0.2.0", "class": "Smooth", "input": "method", "factor": 2.0 },
        { "version": "0.2.0", "class": "Smooth", "input": "size", "list": true },
    ])), @r#"
    in version 0.2.0, `Blur` is now `Soft`, but the pack has no node `Soft`
    in version 0.2.0, the input `radius` of `Smooth` is now `width`, but the node `Smooth` has no input `width`
    in version 0.2.0, the output `out` of `Smooth` is now `picture`, but the node `Smooth` has no output `picture`
    in version 0.2.0, `Dilate` is now `Smooth`, but the node `Smooth` has no input `mode`
    in version 0.2.0, `Filter` is now `Edges` or `Softer`, by its input `kind`, but the pack has no node `Softer`
    in version 0.2.0, the input `method` of `Smooth` has new words: "box" > "gauss", but the input `method` has no choice "gauss"
    in version 0.2.0, the input `method` of `Smooth` has numbers 2 times as large, but the input `method` takes no numbers, but STRING
    in version 0.2.0, the input `size` of `Smooth` takes a list, but the input `size` takes no list
    "#);
    insta::assert_snapshot!(of(&json!([
        { "version": "0.2.0", "class": "Blur", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "Smooth", "renamed": "Blur" },
        { "version": "0.2.0", "class": "Smooth", "input": "a", "renamed": "size" },
        { "version": "0.2.0", "class": "Smooth", "input": "a", "renamed": "amount" },
        { "version": "0.2.0", "class": "Edges", "renamed": "Edges" },
    ])), @"
    in version 0.2.0, the names of a class lead back: `Blur` > `Smooth` > `Blur`; lines apply one after the other, so leave them out
    in version 0.2.0, `Blur` is now `Smooth`, but the pack has no node `Blur`
    in version 0.2.0, `Smooth` is now `Blur`, but the pack has no node `Blur`
    in version 0.2.0, the input `a` of `Smooth` gets two names, `size` and `amount`
    in version 0.2.0, the class `Edges` gets the name that it has
    ");
    let unversioned =
        json!({ "id": "acme", "version": "new", "changes": [{ "version": "0.2.0", "class": "A", "removed": "" }] });
    insta::assert_snapshot!(faults(&serde_json::from_value(unversioned).unwrap()).join("\n"), @r#"expected a pack with changes to have a version such as 0.2.0, got "new""#);
}

#[test]
fn names_may_come_back_in_a_later_version() {
    let changes = json!([
        { "version": "0.2.0", "class": "Smooth", "renamed": "Soft" },
        { "version": "0.3.0", "class": "Soft", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "Edges", "input": "method", "words": { "box": "even" } },
        { "version": "0.3.0", "class": "Edges", "input": "method", "removed": "leave it out" },
        { "version": "0.2.0", "class": "Soft", "input": "method", "words": { "box": "even" } },
        { "version": "0.3.0", "class": "Smooth", "input": "method", "words": { "even": "mean" } },
    ]);
    let of = graph(&json!({ "last": node("Smooth", &json!({ "method": "box" })) }));
    let checked = checked(&of, &registry(&changes)).unwrap();
    let json = checked.file().to_json();
    assert_eq!(json["nodes"]["last"], node("Smooth", &json!({ "method": "mean" })));
    assert_eq!(json["packs"], json!({ "acme": "0.3.0" }));
}

#[test]
fn a_pack_takes_over_classes_of_another() {
    let changes = json!([
        { "version": "0.3.0", "class": "old.Blur", "renamed": "Smooth" },
        { "version": "0.3.0", "class": "Smooth", "input": "radius", "renamed": "size" },
    ]);
    let mut of = graph(&json!({ "last": { "class_type": "old.Blur", "inputs": { "radius": 3 } } }));
    of["packs"] = json!({ "old": "7.0" });
    let result = checked(&of, &registry(&changes)).unwrap();
    assert_eq!(result.file().to_json()["nodes"]["last"], node("Smooth", &json!({ "size": 3 })));
    insta::assert_snapshot!(result.warnings[0], @"the graph was made with old 7.0.0 and runs with acme 0.3.0, after 2 changes: `old.Blur` is now `Smooth`; the input `radius` of `Smooth` is now `size`; `splatgraph convert` writes the new form");
    // Two packs claim it.
    let mut other = acme(&changes);
    other["id"] = json!("extra");
    let both = Registry::new(vec![pack(acme(&changes)), pack(other)]);
    insta::assert_snapshot!(checked(&of, &both).unwrap_err(), @"
    line 12, column 5, node `last`: expected one pack that says what became of `old.Blur`: got `acme` (`old.Blur` is now `Smooth`) and `extra` (`old.Blur` is now `Smooth`); give the node the class that is meant
    1 problem in the text
    ");
    // The pack itself is there.
    let old = pack(
        json!({ "id": "old", "version": "7.0.0", "nodes": [{ "name": "Blur", "inputs": [{ "name": "radius", "type": "INT" }],
        "outputs": [{ "name": "image", "type": "IMAGE" }] }] }),
    );
    let all = Registry::new(vec![pack(acme(&changes)), old]);
    assert_eq!(checked(&of, &all).unwrap().file().to_json()["nodes"]["last"]["class_type"], "old.Blur");
}

#[test]
fn what_changes_cannot_bring_into_the_new_form_is_a_problem_with_its_place() {
    let source = node("Smooth", &json!({}));
    let with = |inputs: Json| json!({ "source": source, "last": node("Smooth", &inputs) });
    let change = |change: Json| json!([change]);
    let factor = change(json!({ "version": "0.2.0", "class": "Smooth", "input": "amount", "factor": 0.01 }));
    insta::assert_snapshot!(problems(&factor, &with(json!({ "amount": ["source", "size"] }))), @"
    line 19, column 19, node `last` (acme.Smooth), input `amount`: since version 0.2.0 of the pack `acme` this input has numbers 0.01 times as large: expected a value, got a link; change what comes over the link, then name the new version of the pack under `packs`
    1 problem in the text
    ");
    let split =
        change(json!({ "version": "0.2.0", "class": "Filter", "input": "kind", "split": { "edges": "Edges" } }));
    let filter = |kind: Json| json!({ "last": node("Filter", &json!({ "kind": kind })) });
    insta::assert_snapshot!(problems(&split, &filter(json!("soft"))), @r#"
    line 15, column 17, node `last` (acme.Filter), input `kind`: `Filter` is now `Edges`, by its input `kind`: expected one of "edges", got "soft"; give the node the new class that is meant
    1 problem in the text
    "#);
    insta::assert_snapshot!(problems(&split, &filter(Json::Null)), @r#"
    line 12, column 5, node `last` (acme.Filter), input `kind`: `Filter` is now `Edges`, by its input `kind`: expected one of "edges", got nothing; give the node the new class that is meant
    1 problem in the text
    "#);
    let gone = change(json!({ "version": "0.2.0", "class": "Filter", "removed": "use acme.Edges" }));
    insta::assert_snapshot!(problems(&gone, &filter(json!("edges"))), @"
    line 12, column 5, node `last` (acme.Filter): the pack `acme` has no `Filter` since version 0.2.0; use acme.Edges
    1 problem in the text
    ");
    let output = change(json!({ "version": "0.2.0", "class": "Smooth", "output": "mask", "removed": "use `image`" }));
    insta::assert_snapshot!(problems(&output, &with(json!({ "image": ["source", "mask"] }))), @"
    line 19, column 18, node `last` (acme.Smooth), input `image`: node `source` (acme.Smooth) has no output `mask`; it is gone since version 0.2.0 of the pack: use `image`
    1 problem in the text
    ");
    let input = change(
        json!({ "version": "0.2.0", "class": "Smooth", "input": "edges", "removed": "mirror the picture before", "was": "mirror" }),
    );
    insta::assert_snapshot!(problems(&input, &with(json!({ "edges": "wrap" }))), @r#"
    line 19, column 18, node `last` (acme.Smooth), input `edges`: the input is gone since version 0.2.0 of the pack `acme`: expected "mirror", got "wrap"; mirror the picture before
    1 problem in the text
    "#);
    assert!(checked(&graph(&with(json!({ "edges": "mirror" }))), &registry(&input)).is_ok());
}

#[test]
fn a_problem_tells_how_the_graph_writes_the_names() {
    let changes = json!([
        { "version": "0.2.0", "class": "Blur", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "Smooth", "input": "radius", "renamed": "size" },
    ]);
    let nodes = json!({ "last": node("Blur", &json!({ "radius": "wide", "amount": "much" })) });
    insta::assert_snapshot!(problems(&changes, &nodes), @r#"
    line 15, column 19, node `last` (acme.Smooth), input `size`: expected a whole number, got the text "wide"; in the graph, made with acme 0.1.0, this is the input `radius` of `acme.Blur`
    line 16, column 19, node `last` (acme.Smooth), input `amount`: expected a number, got the text "much"; in the graph, made with acme 0.1.0, the class is `acme.Blur`
    2 problems in the text
    "#);
}

#[test]
fn a_graph_of_a_newer_version_is_a_warning_and_part_of_each_error() {
    let mut of = graph(&json!({ "last": node("Smooth", &json!({ "size": 3 })) }));
    of["packs"] = json!({ "acme": "0.4.0", "elsewhere": "1.0.0" });
    let result = checked(&of, &registry(&json!([]))).unwrap();
    insta::assert_snapshot!(result.warnings[0], @"the graph was made with acme 0.4.0, and 0.3.0 is loaded, which may lack what the graph needs; install the newer pack with `splatgraph packs add FILE`");
    // Written again, it stays a graph of the newer version.
    assert_eq!(result.file().to_json()["packs"], json!({ "acme": "0.4.0" }));
    of["nodes"]["last"]["inputs"]["strength"] = json!(2);
    insta::assert_snapshot!(checked(&of, &registry(&json!([]))).unwrap_err(), @"
    line 17, column 21, node `last` (acme.Smooth): the class has no input `strength`; its inputs are: size, amount, image, sizes, method; the graph was made with acme 0.4.0, and 0.3.0 is loaded, which may lack what the graph needs; install the newer pack with `splatgraph packs add FILE`
    1 problem in the text
    ");
}

#[test]
fn wrong_versions_in_a_graph_are_told_with_their_places() {
    let of =
        |packs: Json| checked(&json!({ "packs": packs, "nodes": {} }), &registry(&json!([]))).unwrap_err().to_string();
    insta::assert_snapshot!(of(json!(["acme"])), @r#"
    line 2, column 12: `packs`: expected an object like {"acme": "0.2.0"}, got an array
    the graph has nothing to run for: expected named results under `outputs`, or an output node
    2 problems in the text
    "#);
    insta::assert_snapshot!(of(json!({ "acme": "^0.2", "std": 1, "_note": 2 })), @r#"
    line 3, column 13: `packs`, `acme`: expected the version of the pack, like "0.2.0", got the text "^0.2"
    line 4, column 12: `packs`, `std`: expected the version of the pack, like "0.2.0", got the number 1
    the graph has nothing to run for: expected named results under `outputs`, or an output node
    3 problems in the text
    "#);
}

#[test]
fn a_graph_without_versions_is_told_new_names() {
    let changes = json!([
        { "version": "0.2.0", "class": "Blur", "renamed": "Smooth" },
        { "version": "0.2.0", "class": "Smooth", "input": "radius", "renamed": "size" },
    ]);
    let mut of = graph(&json!({ "first": node("Blur", &json!({})), "last": node("Smooth", &json!({ "radius": 3 })) }));
    of.as_object_mut().unwrap().remove("packs");
    insta::assert_snapshot!(checked(&of, &registry(&changes)).unwrap_err(), @"
    line 3, column 5, node `first`: the pack `acme` has no node `Blur`; since acme 0.2.0 it is `acme.Smooth`; write that, or name the version with which the graph was made under `packs`
    line 10, column 19, node `last` (acme.Smooth): the class has no input `radius`; since acme 0.2.0 it is `size`; write that, or name the version with which the graph was made under `packs`
    2 problems in the text
    ");
}
