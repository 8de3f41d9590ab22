//! The graphs that generate pictures, with small models, through the real binary and the real packs.

mod models;
mod out_of_the_box;
#[path = "../support/mod.rs"]
mod support;

use models::Shape;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use support::{graphs, program, project};
use tempfile::TempDir;

/// A folder with the generators `textures.safetensors`, `layouts.safetensors` and `one-stage.safetensors` and the bank `initg.pickle`.
fn place() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let small = |channels, condition, tokens| Shape { blocks: 2, width: 64, channels, condition, tokens, classes: 10 };
    small(37, true, 64).write(&folder.path().join("textures.safetensors"));
    small(5, false, 48).write(&folder.path().join("layouts.safetensors"));
    small(37, false, 40).write(&folder.path().join("one-stage.safetensors"));
    let bank = project().join("nodes/gpstoken/tests/goldens/initg.pickle");
    fs::copy(bank, folder.path().join("initg.pickle")).unwrap();
    folder
}

fn command(folder: &Path, graph: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    let graph = graphs().join(graph);
    command.arg("run").arg(graph).arg("generator=textures.safetensors").args(arguments);
    command.current_dir(folder).env("NO_COLOR", "1");
    command
}

fn succeed(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn run(folder: &Path, graph: &str, arguments: &[&str]) {
    succeed(&command(folder, graph, &[&["steps=4"], arguments].concat()).output().unwrap());
}

/// Width, height and bytes.
fn pixels(path: &Path) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    (reader.info().width, reader.info().height, bytes)
}

#[track_caller]
fn assert_picture(path: &Path) {
    let (width, height, bytes) = pixels(path);
    assert_eq!((width, height), (256, 256), "{}", path.display());
    assert!(bytes.iter().any(|byte| *byte != bytes[0]), "{} is of one colour", path.display());
}

#[test]
fn every_graph_makes_pictures() {
    let folder = place();
    let folder = folder.path();
    let runs: [(&str, &[&str], &[&str]); 4] = [
        ("generate.json", &["layout_generator=layouts.safetensors", "count=2"], &["-000", "-001"]),
        ("generate-from-bank.json", &["bank=initg.pickle", "index=1"], &[""]),
        ("generate-from-layout.json", &["boxes=[[0,0,256,256],[100,100,140,140]]", "tokens=64"], &["", "-layout"]),
        ("generate-from-photo.json", &["tokens=64"], &["", "-layout"]),
    ];
    let mut seen = Vec::new();
    for (number, (graph, arguments, files)) in runs.into_iter().enumerate() {
        let seed = format!("seed={number}");
        run(folder, graph, &[arguments, &["class=3", &seed]].concat());
        for file in files {
            let path = folder.join(format!("generated-3-{number}{file}.png"));
            assert_picture(&path);
            let bytes = pixels(&path).2;
            assert!(!seen.contains(&bytes), "{} is like another", path.display());
            seen.push(bytes);
        }
    }
    // Pictures carry their graphs, which run again.
    let again = folder.join("generated-3-1.png");
    let output =
        Command::new(program()).args(["run", "generated-3-1.png", "output=again.png"]).current_dir(folder).output();
    succeed(&output.unwrap());
    assert_eq!(pixels(&folder.join("again.png")), pixels(&again));
}

#[test]
fn one_stage_makes_pictures_that_depend_on_their_seeds_alone() {
    let place = place();
    let folder = place.path();
    let make = |generator: &str, arguments: &[&str]| {
        let mut command = Command::new(program());
        command.arg("run").arg(graphs().join("generate-one-stage.json")).args([generator, "class=4", "steps=4"]);
        command.args(["--no-metadata", "--device", "cpu"]).args(arguments).current_dir(folder).env("NO_COLOR", "1");
        command.output().unwrap()
    };
    let one_stage = "generator=one-stage.safetensors";
    succeed(&make(one_stage, &["seed=5", "count=2"]));
    for (seed, picture) in [("seed=5", "generated-4-5-000.png"), ("seed=6", "generated-4-5-001.png")] {
        assert_picture(&folder.join(picture));
        succeed(&make(one_stage, &[seed, "output=alone.png", "--overwrite", "--threads", "1"]));
        assert_eq!(fs::read(folder.join("alone.png")).unwrap(), fs::read(folder.join(picture)).unwrap(), "{seed}");
    }
    assert_ne!(pixels(&folder.join("generated-4-5-000.png")), pixels(&folder.join("generated-4-5-001.png")));
    let refused = make("generator=textures.safetensors", &[]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        text.contains(
            "expected a generator of tokens, got textures, which makes textures. Connect it to TextureDiffusion"
        ),
        "{text}"
    );
}

#[test]
fn samples_of_one_and_two_stages_become_features_and_parts_give_the_same() {
    let place = place();
    let folder = place.path();
    let inception = format!("inception={}", support::inception().display());
    let batch = |graph: &str, out: &str, options: &[&str]| {
        let mut command = Command::new(program());
        command.arg("batch").arg(graphs().join(graph)).args(["class=1,4", "seed=0..2", "steps=3", "--out", out]);
        command.arg(&inception).args(options).current_dir(folder).env("NO_COLOR", "1");
        succeed(&command.output().unwrap());
    };
    let files = |out: &str| {
        let names = [1, 4].iter().flat_map(|class| (0..2).map(move |seed| format!("{class}-{seed}.safetensors")));
        names.map(|name| fs::read(folder.join(out).join("features").join(name)).unwrap()).collect::<Vec<_>>()
    };
    let two = ["generator=textures.safetensors", "layout_generator=layouts.safetensors", "layout_steps=3"];
    for (graph, generators) in
        [("table-2.json", &two[..]), ("table-2-one-stage.json", &["generator=one-stage.safetensors"])]
    {
        let (whole, parts) = (format!("{graph}-whole"), format!("{graph}-parts"));
        batch(graph, &whole, generators);
        for part in ["2/2", "1/2"] {
            batch(graph, &parts, &[generators, &["--part", part]].concat());
        }
        let whole = files(&whole);
        assert!(whole == files(&parts), "{graph}");
        assert!((1..4).all(|i| whole[0] != whole[i]), "{graph}: every class and seed gives other features");
    }
}

#[test]
fn features_of_one_stage_are_those_of_its_pictures() {
    let place = place();
    let ran = |command: &str, graph: &str, arguments: &[&str]| {
        let mut program = Command::new(program());
        program.arg(command).arg(graphs().join(graph)).args(arguments).args(["--device", "cpu"]);
        succeed(&program.current_dir(place.path()).env("NO_COLOR", "1").output().unwrap());
    };
    let inception = format!("inception={}", support::inception().display());
    let sampling = ["generator=one-stage.safetensors", "class=4", "steps=4"];
    ran("batch", "table-2-one-stage.json", &[&sampling[..], &["seed=0,1", &inception, "--out", "direct"]].concat());
    ran("batch", "generate-one-stage.json", &[&sampling[..], &["seed=0,1", "--out", "pictures"]].concat());
    ran("batch", "features.json", &["image=pictures/*.png", &inception, "--out", "from-pictures"]);
    let of = |file: &str| {
        let record = splatgraph_sdk::Record::load(&place.path().join(file)).unwrap();
        let fields = record.fields.into_iter().map(|(name, tensor)| (name, tensor.to_f32()));
        fields.collect::<std::collections::BTreeMap<_, _>>()
    };
    for seed in 0..2 {
        let direct = of(&format!("direct/features/4-{seed}.safetensors"));
        assert!(direct.values().flatten().any(|value| *value != 0.0));
        assert_eq!(direct, of(&format!("from-pictures/features/generated-4-{seed}.safetensors")));
    }
}

#[test]
fn a_picture_depends_on_its_seed_alone() {
    let folder = place();
    let folder = folder.path();
    let bytes = |graph: &str, arguments: &[&str], file: &str| {
        run(folder, graph, &[arguments, &["class=4", "output=p.png", "--no-metadata"]].concat());
        let bytes = fs::read(folder.join(file)).unwrap();
        for old in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if old.extension().is_some_and(|extension| extension == "png") {
                fs::remove_file(old).unwrap();
            }
        }
        bytes
    };
    let layouts = "layout_generator=layouts.safetensors";
    let alone = bytes("generate.json", &[layouts, "seed=8"], "p.png");
    assert_eq!(bytes("generate.json", &[layouts, "seed=8"], "p.png"), alone, "twice");
    assert_eq!(bytes("generate.json", &[layouts, "seed=8", "--threads", "1"], "p.png"), alone, "with one thread");
    assert_eq!(bytes("generate.json", &[layouts, "seed=8", "--threads", "2"], "p.png"), alone, "with two threads");
    for (seed, place) in [(5, 3), (7, 1), (8, 0)] {
        let seed = format!("seed={seed}");
        let picture = bytes("generate.json", &[layouts, &seed, "count=4"], &format!("p-{place:03}.png"));
        assert_eq!(picture, alone, "as picture {place} of a batch of 4");
    }
    assert_ne!(bytes("generate.json", &[layouts, "seed=9"], "p.png"), alone);
    // Entries of a bank follow each other as seeds do.
    let alone = bytes("generate-from-bank.json", &["bank=initg.pickle", "index=1", "seed=8"], "p.png");
    assert_eq!(
        bytes("generate-from-bank.json", &["bank=initg.pickle", "index=0", "seed=7", "count=2"], "p-001.png"),
        alone
    );
}

#[test]
fn a_bank_is_made_of_photos() {
    let folder = place();
    let folder = folder.path();
    let photos = project().join("nodes/gpstoken/tests/goldens/images/*_256.png");
    let graph = graphs().join("layout.json");
    let made = Command::new(program())
        .arg("batch")
        .arg(graph)
        .arg(format!("image={}", photos.display()))
        .args(["tokens=64", "--collect", "layout", "--out", "bank"])
        .current_dir(folder)
        .output();
    succeed(&made.unwrap());
    let bank = "bank=bank/layout-00000.safetensors";
    run(folder, "generate-from-bank.json", &[bank, "index=4", "class=9", "seed=1"]);
    assert_picture(&folder.join("generated-9-1.png"));
    let output = command(folder, "generate-from-bank.json", &[bank, "index=5"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    let error = said.lines().find(|line| line.contains("failed: ")).unwrap_or_else(|| panic!("{said}"));
    insta::assert_snapshot!(error.split(" [").next().unwrap(), @"error: node `layout` (gpstoken.LayoutBank) failed: input `index`: expected an index below 5, the number of layouts in all, got 5. Use a smaller index, or a larger bank");
}

#[test]
fn a_missing_model_is_an_error_with_the_built_in_models() {
    let folder = place();
    let told = |model: &str| {
        let output = command(folder.path(), "generate.json", &[&format!("layout_generator={model}")]).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| line.contains("does not exist")).unwrap_or_else(|| panic!("{said}"));
        line.split(' ').take_while(|word| !word.eq_ignore_ascii_case("searched")).collect::<Vec<_>>().join(" ")
    };
    insta::assert_snapshot!(told("small-layot"), @r#"error: node `layouts` (gpstoken.LoadGenerator), input `model`: the model "small-layot" does not exist: expected a file, or a built-in model: small-layout, small-texture; did you mean "small-layout"?"#);
    insta::assert_snapshot!(told("mine.safetensors"), @r#"error: node `layouts` (gpstoken.LoadGenerator), input `model`: the model "mine.safetensors" does not exist: expected a file, or a built-in model: small-layout, small-texture;"#);
}

#[test]
fn a_picture_that_can_not_be_written_is_known_before_anything_is_generated() {
    let folder = place();
    let started = Instant::now();
    let output = command(folder.path(), "generate.json", &["output=x.heic", "steps=100000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr).lines().next().unwrap(), @r#"error: node `save` (std.SaveImage), input `path`: expected a file name that ends in .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff, .tga, .qoi, .ppm, got "x.heic""#);
    assert!(started.elapsed().as_secs() < 60, "nothing is generated first");
}

/// Starts an endless run, and waits for the first preview.
fn with_first_preview(folder: &Path) -> (std::process::Child, PathBuf) {
    let arguments = ["bank=initg.pickle", "steps=100000", "--previews", "seen", "--set", "texture.preview_every=2"];
    let mut child = command(folder, "generate-from-bank.json", &arguments)
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .unwrap();
    let (path, start) = (folder.join("seen/texture.png"), Instant::now());
    while !path.exists() {
        let log = || fs::read_to_string(folder.join("log")).unwrap();
        assert!(start.elapsed() < Duration::from_secs(60), "expected a preview, got none: {}", log());
        assert!(child.try_wait().unwrap().is_none(), "{}", log());
        std::thread::sleep(Duration::from_millis(10));
    }
    (child, path)
}

#[cfg(unix)]
#[test]
fn a_run_shows_previews_and_stops_within_a_step() {
    let folder = place();
    let folder = folder.path();
    let (child, preview) = with_first_preview(folder);
    assert_picture(&preview);
    let start = Instant::now();
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let log = fs::read_to_string(folder.join("log")).unwrap();
    // A node that takes longer than a second is abandoned. The further time is for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(5) && !log.contains("abandoned"), "{log}");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".png")), "{left:?}");
}
