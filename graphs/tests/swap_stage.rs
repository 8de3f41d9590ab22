//! Swaps a stage of the graphs for a stage of a pack from outside the workspace: the example of the manual, built by another
//! compiler.

mod support;

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use support::{graphs, program, project};

fn splatgraph(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").output().expect("splatgraph runs")
}

fn run_json(arguments: &[&str], folder: &Path) -> Value {
    let output = splatgraph(arguments, folder);
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("--json prints JSON")
}

/// A toolchain other than ours, if rustup has one.
fn other_toolchain() -> Option<&'static str> {
    let works = |name: &&str| {
        Command::new("cargo").args([&format!("+{name}"), "--version"]).output().is_ok_and(|o| o.status.success())
    };
    ["nightly", "stable", "beta"].into_iter().find(works)
}

/// Copies `nodes/example` out of the project and builds the copy without optimisation, by another compiler if there is one.
fn built_example(folder: &Path) -> PathBuf {
    let example = project().join("nodes/example");
    fs::create_dir(folder.join("src")).unwrap();
    fs::copy(example.join("src/lib.rs"), folder.join("src/lib.rs")).unwrap();
    let sdk = project().join("sdk").canonicalize().unwrap();
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let outside = manifest.replace("../../sdk", &sdk.to_string_lossy());
    assert_ne!(manifest, outside, "the example names the SDK by its path in the project");
    fs::write(folder.join("Cargo.toml"), outside).unwrap();
    fs::copy(project().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let toolchain = other_toolchain();
    if toolchain.is_none() {
        println!(
            "skipped: building with another compiler, since rustup has only one toolchain; building with this one"
        );
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("third-party");
    let built = Command::new("cargo")
        .args(toolchain.map(|t| format!("+{t}")))
        .args(["build", "--target-dir"])
        .arg(&target)
        .current_dir(folder)
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTFLAGS")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
        .output()
        .expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let packs = folder.join("packs");
    fs::create_dir(&packs).unwrap();
    fs::copy(target.join("debug/libacme_splat.so"), packs.join("libacme_splat.so")).unwrap();
    packs
}

#[test]
fn the_example_pack_built_elsewhere_replaces_a_stage() {
    let folder = tempfile::tempdir().unwrap();
    let packs = built_example(folder.path());
    let packs = packs.to_str().unwrap();

    let graphs = graphs();
    fs::copy(graphs.join("detokenize.json"), folder.path().join("graph.json")).unwrap();
    fs::copy(graphs.join("chelsea.tokens.safetensors"), folder.path().join("chelsea.tokens.safetensors")).unwrap();
    run_json(&["run", "graph.json", "output=ours.png", "--packs", packs, "--json"], folder.path());
    let swap = ["run", "graph.json", "output=swapped.png", "--packs", packs, "--swap", "splat=acme.Splat"];
    let swapped = splatgraph(&swap, folder.path());
    let said = String::from_utf8_lossy(&swapped.stderr);
    assert!(swapped.status.success(), "{said}");
    // The other stages still need the tokenizer.
    let expected = "swap splat: gpstoken.Splat > acme.Splat: dropped the input tokenizer";
    assert!(said.lines().any(|line| line == expected), "{said}");

    let compare = json!({
        "outputs": { "psnr": ["compare", "psnr"] },
        "nodes": {
            "a": { "class_type": "std.LoadImage", "inputs": { "path": "ours.png" } },
            "b": { "class_type": "std.LoadImage", "inputs": { "path": "swapped.png" } },
            "compare": { "class_type": "std.Compare", "inputs": { "a": ["a", "image"], "b": ["b", "image"] } },
        }
    });
    fs::write(folder.path().join("compare.json"), compare.to_string()).unwrap();
    let result = run_json(&["run", "compare.json", "--json"], folder.path());
    let psnr = result["outputs"]["psnr"].as_f64().unwrap_or_else(|| panic!("{result}"));
    // The example sums in f32, so the pictures differ from the project's kernel only by rounding.
    assert!(psnr > 60.0, "the two splats give different pictures: {psnr} dB");

    // The swapped stage of generation needs no model, so the model is not loaded.
    fs::copy(graphs.join("generate-from-layout.json"), folder.path().join("generate.json")).unwrap();
    let swap = ["run", "generate.json", "seed=3", "--packs", packs, "--swap", "texture=acme.RandomTextures"];
    let swapped = splatgraph(&swap, folder.path());
    let said = String::from_utf8_lossy(&swapped.stderr);
    assert!(swapped.status.success(), "{said}");
    let dropped = said.lines().find(|line| line.starts_with("swap texture")).unwrap_or_else(|| panic!("{said}"));
    insta::assert_snapshot!(dropped, @"swap texture: gpstoken.TextureDiffusion > acme.RandomTextures: dropped the inputs generator, steps, guidance_scale, preview_every, tokenizer; removed the node textures, which no other node needs; dropped the named inputs steps, guidance, generator, which would set nothing");
    assert!(folder.path().join("generated-0-3.png").exists());
    assert!(folder.path().join("generated-0-3-layout.png").exists());
}
