//! Classes of ComfyUI for which nodes of packs stand in.

use super::{closures::declared, node, own_with, workflow};
use serde_json::{Value as Json, json};
use splatgraph::{
    registry::{Pack, Registry},
    workflow::replacements,
};

fn registry() -> Registry {
    let packs: Vec<Pack> = declared().packs().iter().map(|pack| Pack::clone(pack)).collect();
    let with = |mut pack: Pack| {
        if pack.manifest.id == "std" {
            pack.manifest.replaces = serde_json::from_value(json!([
                { "class": "LoadImage", "node": "LoadImage", "fields": ["image", "upload"], "inputs": { "path": "image" }, "outputs": [0, 1] },
                { "class": "LoadImageMask", "node": "LoadImage", "fields": ["image", "channel"], "inputs": { "path": "image" }, "outputs": [1] },
                { "class": "ImageScale", "node": "Resize", "fields": ["upscale_method", "width", "height", "crop"],
                  "inputs": { "image": "image", "width": "width", "fit": "crop" },
                  "words": { "fit": { "disabled": "stretch" } }, "values": { "fit": "fill" }, "outputs": [0] },
                { "class": "ImageBatch", "node": "Grid", "inputs": { "images.image0": "image1", "images.image1": "image2" }, "outputs": [0] },
            ]))
            .unwrap();
        }
        pack
    };
    Registry::new(packs.into_iter().map(with).collect())
}

#[test]
fn the_front_end_is_told_what_it_may_replace() {
    let all = replacements(&registry());
    assert_eq!(
        all["ImageScale"],
        json!([{
            "new_node_id": "std.Resize", "old_node_id": "ImageScale",
            "old_widget_ids": ["upscale_method", "width", "height", "crop"],
            "input_mapping": [
                { "new_id": "fit", "old_id": "crop" }, { "new_id": "image", "old_id": "image" }, { "new_id": "width", "old_id": "width" },
            ],
            "output_mapping": [{ "new_idx": 0, "old_idx": 0 }],
        }])
    );
    assert_eq!(all["LoadImageMask"][0]["output_mapping"], json!([{ "new_idx": 1, "old_idx": 0 }]));
    assert_eq!(replacements(&declared()), json!({}));
}

#[test]
fn a_workflow_of_comfyui_runs_with_our_nodes() {
    let load = |id: u64, class: &str, outputs: &[&str]| node(id, class, &[], outputs, json!(["cat.png", "image"]));
    let scale =
        node(2, "ImageScale", &[("image", "IMAGE", Some(1), false)], &["IMAGE"], json!(["area", 64, 48, "disabled"]));
    let two = [("image1", "IMAGE", Some(2), false), ("image2", "IMAGE", Some(3), false)];
    let batch = node(3, "ImageBatch", &two, &["IMAGE"], json!([]));
    let nodes = [load(1, "LoadImage", &["IMAGE", "MASK"]), scale, batch, load(4, "LoadImageMask", &["MASK"])];
    let graph = workflow(&nodes, &[[1, 1, 0, 2, 0], [2, 2, 0, 3, 0], [3, 4, 0, 3, 1]]);
    assert_eq!(
        own_with(&graph, &registry()),
        json!({
            "1": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
            "2": { "class_type": "std.Resize", "inputs": { "image": ["1", "image"], "width": 64, "fit": "stretch" } },
            "3": { "class_type": "std.Grid", "inputs": { "images": [["2", "image"], ["4", "mask"]] } },
            "4": { "class_type": "std.LoadImage", "inputs": { "path": "cat.png" } },
        })
    );
}

#[test]
fn our_own_bare_names_stay_and_words_are_put_right() {
    let of = |prompt: Json| own_with(&prompt, &registry());
    let ours = of(json!({ "1": { "class_type": "LoadImage", "inputs": { "path": "a.png" } } }));
    assert_eq!(ours["1"], json!({ "class_type": "std.LoadImage", "inputs": { "path": "a.png" } }));
    let theirs = of(json!({ "1": { "class_type": "LoadImage", "inputs": { "image": "a.png", "upload": "image" } } }));
    assert_eq!(theirs["1"], json!({ "class_type": "std.LoadImage", "inputs": { "path": "a.png" } }));
    let left_out = of(json!({ "1": { "class_type": "ImageScale", "inputs": { "width": 4 } } }));
    assert_eq!(left_out["1"]["inputs"], json!({ "width": 4, "fit": "fill" }));
    // The front end keeps the word of the old class.
    let replaced = of(json!({ "1": { "class_type": "std.Resize", "inputs": { "width": 4, "fit": "disabled" } } }));
    assert_eq!(replaced["1"]["inputs"], json!({ "width": 4, "fit": "stretch" }));
}

#[test]
fn an_input_by_its_name_in_comfyui_gets_the_name_here() {
    let graph = json!({ "version": 1, "nodes": {
        "load": { "class_type": "std.LoadImage", "inputs": { "image": "cat.png" } },
        "save": { "class_type": "std.SaveImage", "inputs": { "image": ["load", "image"], "path": "x.png" } },
    } });
    let given = splatgraph::graph::Given { cwd: "/folder".into(), ..Default::default() };
    let problems = splatgraph::graph::check(super::parse(&graph), &registry(), &given).err().unwrap().to_string();
    assert!(problems.contains("has no input `image`; `image` is its name in ComfyUI; write `path`"), "{problems}");
}
