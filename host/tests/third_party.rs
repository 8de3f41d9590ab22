//! Packs from outside the workspace: the manual's example built by another compiler, one built long ago, one of another
//! interface generation.

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn splatgraph(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splatgraph"));
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

/// Copies `nodes/example` out of the project and builds it there, without optimisation, by another compiler if there is one.
fn built_example(folder: &Path) -> PathBuf {
    let example = Path::new(HERE).join("../nodes/example");
    fs::create_dir(folder.join("src")).unwrap();
    fs::copy(example.join("src/lib.rs"), folder.join("src/lib.rs")).unwrap();
    let sdk = Path::new(HERE).join("../sdk").canonicalize().unwrap();
    let manifest = fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let outside = manifest.replace("../../sdk", &sdk.to_string_lossy());
    assert_ne!(manifest, outside, "the example names the SDK by its path in the project");
    fs::write(folder.join("Cargo.toml"), outside).unwrap();
    fs::copy(Path::new(HERE).join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
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

    let graphs = Path::new(HERE).join("../graphs");
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
    // The plain sum in f32 against the project's kernel: the pictures differ by single roundings at most.
    assert!(psnr > 60.0, "the two splats give different pictures: {psnr} dB");

    // The stage of generation that needs a model: without it the model is not loaded.
    fs::copy(graphs.join("generate-from-layout.json"), folder.path().join("generate.json")).unwrap();
    let swap = ["run", "generate.json", "seed=3", "--packs", packs, "--swap", "texture=acme.RandomTextures"];
    let swapped = splatgraph(&swap, folder.path());
    let said = String::from_utf8_lossy(&swapped.stderr);
    assert!(swapped.status.success(), "{said}");
    let dropped = said.lines().find(|line| line.starts_with("swap texture")).unwrap_or_else(|| panic!("{said}"));
    insta::assert_snapshot!(dropped, @"swap texture: gpstoken.TextureDiffusion > acme.RandomTextures: dropped the inputs generator, steps, guidance_scale, preview_every, tokenizer; removed the node textures, which nothing needs any more; dropped the named inputs steps, guidance, generator, with nothing left to set");
    assert!(folder.path().join("generated-0-3.png").exists());
    assert!(folder.path().join("generated-0-3-layout.png").exists());
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod kept {
    use super::*;

    fn folder_with_frozen_pack(change: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut library = fs::read(Path::new(HERE).join("tests/frozen/abi-1.0-x86_64-linux.so")).unwrap();
        change(&mut library);
        fs::create_dir(folder.path().join("packs")).unwrap();
        fs::write(folder.path().join("packs/libfrozen.so"), library).unwrap();
        folder
    }

    #[test]
    fn a_pack_of_interface_1_0_still_loads_and_runs() {
        let folder = folder_with_frozen_pack(|_| {});
        let graph = json!({
            "inputs": { "number": "change.number" },
            "outputs": { "number": ["change", "number"], "mean": ["look", "mean"], "text": ["look", "text"], "options": ["look", "options"], "count": ["count", "count"] },
            "nodes": {
                "change": { "class_type": "frozen.Change", "inputs": { "number": 21 } },
                "tone": { "class_type": "frozen.Tone", "inputs": {} },
                "look": { "class_type": "frozen.Look", "inputs": { "image": ["tone", "image"], "options": { "a": [1, 2] } } },
                "count": { "class_type": "frozen.Count", "inputs": { "any": ["look", "mean"] } },
            }
        });
        fs::write(folder.path().join("graph.json"), graph.to_string()).unwrap();
        let result = run_json(&["run", "graph.json", "--packs", "packs", "--json"], folder.path());
        assert_eq!(
            result["outputs"],
            json!({ "number": 42, "mean": 0.25, "text": "nameless", "options": { "a": [1, 2] }, "count": 1 })
        );

        let wrong = splatgraph(&["run", "graph.json", "number=1001", "--packs", "packs"], folder.path());
        assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
    }

    #[test]
    fn its_errors_and_panics_are_still_understood() {
        let folder = folder_with_frozen_pack(|_| {});
        for (panic, expected) in [(false, "the frozen pack failed"), (true, "the frozen pack panicked")] {
            let graph = json!({
                "outputs": { "never": ["fail", "never"] },
                "nodes": { "fail": { "class_type": "frozen.Fail", "inputs": { "panic": panic } } }
            });
            fs::write(folder.path().join("graph.json"), graph.to_string()).unwrap();
            let output = splatgraph(&["run", "graph.json", "--packs", "packs"], folder.path());
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert!(text.contains(expected) && text.contains("frozen") && text.contains("src/lib.rs:"), "{text}");
        }
    }

    #[test]
    fn a_pack_of_another_interface_generation_is_refused_with_both_versions() {
        let folder = folder_with_frozen_pack(|library| {
            // In the stamp the generation stands behind the magic number and the stamp's size.
            let at = library.windows(8).position(|w| w == b"SPLATGR1").expect("the stamp's magic number");
            library[at + 12] = 2;
        });
        let output = splatgraph(&["packs", "--packs", "packs"], folder.path());
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let refused = text.lines().find(|l| l.contains("frozen")).unwrap_or_else(|| panic!("{text}"));
        let (before, after) = (refused.find("(SDK").unwrap(), refused.find(") speaks").unwrap());
        let told = format!("{}{}", &refused[..before], &refused[after + 2..]);
        insta::assert_snapshot!(told.trim(), @"a pack was not loaded: frozen 1.0.0 speaks interface 2.0, this host 1.1; update the host");
    }
}
