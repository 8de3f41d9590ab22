//! Tests of the nodes for drawn, recorded and calibrated layouts, run as in a graph.

use super::{Golden, folder, image_of};
use splatgraph_pack_gpstoken::{
    nodes::generate::box_layout::box_layout, nodes::generate::calibrate_layout::calibrate_layout,
    nodes::generate::layout_bank::LayoutBank, nodes::tokenize::grid_tokens::grid_tokens,
    nodes::tokenize::init_tokens::init_tokens,
};
use splatgraph_sdk::{
    Canvas, DType, Input, Layout, Output, Record, Tensor, Value,
    serde_json::Value as Json,
    testing::{Recorder, json, run, run_node},
};
use std::path::Path;

fn layout(value: Vec<Value>) -> Layout {
    Layout::from_value(&value[0]).unwrap()
}

fn gaussians(layout: &Layout) -> &[f32] {
    layout.gaussians.as_slice().unwrap()
}

fn regions(layout: &Layout) -> Vec<[f32; 4]> {
    layout.regions.as_ref().unwrap().as_slice::<f32>().unwrap().as_chunks::<4>().0.to_vec()
}

/// Sorted regions in pixels of a canvas of `side`: x0, y0, and the corner after the last pixel.
fn pixels(layout: &Layout, side: usize) -> Vec<[usize; 4]> {
    let tiles = layout.header.grid[0] as f32;
    let (tile, place) = (side as f32 / tiles, |v: f32| (v + 1.0) / 2.0 * tiles);
    let at = |v: f32| {
        let (index, rest) = (place(v).floor().min(tiles - 1.0), place(v));
        (index * tile + (rest - index) * (tile - 1.0)).round() as usize
    };
    let mut all: Vec<_> = regions(layout).iter().map(|[x0, y0, x1, y1]| [at(*x0), at(*y0), at(*x1), at(*y1)]).collect();
    all.sort_unstable();
    all.into_iter().map(|[x0, y0, x1, y1]| [x0, y0, x1 + 1, y1 + 1]).collect()
}

fn calibrated(given: Layout) -> Layout {
    layout(run::<calibrate_layout>(json!({}), [("layout", given.into_value().unwrap())]).unwrap())
}

fn sorted(layout: &Layout) -> Vec<[u32; 4]> {
    let mut all: Vec<_> = regions(layout).iter().map(|corners| corners.map(f32::to_bits)).collect();
    all.sort_unstable();
    all
}

#[test]
fn layouts_of_photos_stay_the_same_set() {
    for name in ["astronaut_256.png", "chelsea_256.png", "page_256.png", "synthetic_256.png"] {
        for tokens in [1, 2, 64, 128, 256, 1024] {
            let given = layout(run::<init_tokens>(json!({"tokens": tokens}), [("image", image_of(&[name]))]).unwrap());
            assert_eq!(sorted(&calibrated(given.clone())), sorted(&given), "{name}, {tokens} tokens");
        }
    }
    for tokens in [1, 2, 32, 64, 128, 256, 512, 1024] {
        let picture = image_of(&["chelsea_256.png"]);
        let given = layout(run::<grid_tokens>(json!({"tokens": tokens}), [("image", picture)]).unwrap());
        assert_eq!(sorted(&calibrated(given.clone())), sorted(&given), "a grid of {tokens} tokens");
    }
}

#[test]
fn each_tile_and_picture_is_calibrated_by_itself() {
    let large = image_of(&["china_512.png"]);
    let given = layout(run::<init_tokens>(json!({"tokens": 96}), [("image", large)]).unwrap());
    let legal = calibrated(given.clone());
    assert_eq!((legal.header.clone(), legal.gaussians.shape()), (given.header.clone(), &[1, 384, 5][..]));
    assert_eq!(pixels(&legal, 512), pixels(&given, 512));
    let tile = |layout: &Layout, index: usize| {
        let mut of_tile = regions(layout)[index * 96..(index + 1) * 96].to_vec();
        of_tile.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap());
        of_tile
    };
    for index in 0..4 {
        for (a, b) in tile(&legal, index).iter().zip(&tile(&given, index)) {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6), "tile {index}: {a:?} {b:?}");
        }
    }
    // A batch equals its pictures alone.
    let names = ["astronaut_256.png", "chelsea_256.png"];
    let of = |names: &[&str]| layout(run::<init_tokens>(json!({}), [("image", image_of(names))]).unwrap());
    let both = calibrated(of(&names));
    let alone: Vec<f32> = names.iter().flat_map(|name| gaussians(&calibrated(of(&[name]))).to_vec()).collect();
    assert_eq!(gaussians(&both), alone);
}

#[test]
fn a_layout_without_a_partition_becomes_a_partition() {
    // The gaussians move by 5 pixels; the regions of the result do not overlap.
    let given = layout(run::<grid_tokens>(json!({"tokens": 64}), [("image", image_of(&["chelsea_256.png"]))]).unwrap());
    let moved = gaussians(&given).as_chunks::<5>().0.iter().flat_map(|[a, b, rho, x, y]| [*a, *b, *rho, x + 0.04, *y]);
    let moved = Layout::new(Tensor::from_vec([1, 64, 5], moved.collect()).unwrap(), None, Canvas::default()).unwrap();
    let legal = calibrated(moved);
    assert_eq!(regions(&legal).len(), 64);
    let area: usize = pixels(&legal, 256).iter().map(|[x0, y0, x1, y1]| (x1 - x0) * (y1 - y0)).sum();
    assert_eq!(area, 256 * 256);
}

fn boxes(inputs: Json) -> Layout {
    layout(run::<box_layout>(inputs, []).unwrap())
}

#[test]
fn boxes_are_tokens() {
    let drawn = boxes(json!({"boxes": [[0, 0, 128, 256], [128, 0, 256, 256]]}));
    assert_eq!(pixels(&drawn, 256), [[0, 0, 128, 256], [128, 0, 256, 256]]);
    // Sigmas equal those of the partition: sigma_x = 127/256 * 2/3.
    let picture = image_of(&["chelsea_256.png"]);
    let halves = layout(run::<grid_tokens>(json!({"tokens": 2}), [("image", picture)]).unwrap());
    assert_eq!(gaussians(&drawn), gaussians(&halves));
    let fractions = boxes(json!({"boxes": [[0, 0, 0.5, 1], [0.5, 0, 1, 1]], "unit": "fractions"}));
    assert_eq!(gaussians(&fractions), gaussians(&drawn));
    // Borders between pixels are rounded to the nearer one.
    assert_eq!(pixels(&boxes(json!({"boxes": [[0.4, 10.6, 20.4, 30]]})), 256), [[0, 11, 20, 30]]);
}

#[test]
fn boxes_share_the_tokens() {
    let drawn = boxes(json!({"boxes": [[0, 0, 256, 256], [64, 64, 96, 80]], "tokens": 8}));
    assert_eq!(
        pixels(&drawn, 256),
        [
            [0, 0, 128, 128],
            [0, 128, 128, 256],
            [64, 64, 72, 80],
            [72, 64, 80, 80],
            [80, 64, 88, 80],
            [88, 64, 96, 80],
            [128, 0, 256, 128],
            [128, 128, 256, 256]
        ]
    );
    // A box of 6 pixels cannot be halved, so the other box gets the rest.
    assert_eq!(regions(&boxes(json!({"boxes": [[0, 0, 6, 6], [100, 100, 200, 200]], "tokens": 20}))).len(), 20);
    // Ten boxes become a partition for a generator of 128 tokens, finer where the boxes are.
    let ten: Vec<[usize; 4]> = (0..10).map(|i| [i * 8, 200, i * 8 + 8, 240]).collect();
    let legal = calibrated(boxes(json!({"boxes": ten, "tokens": 128})));
    let all = pixels(&legal, 256);
    assert_eq!(all.iter().map(|[x0, y0, x1, y1]| (x1 - x0) * (y1 - y0)).sum::<usize>(), 256 * 256);
    let inside = all.iter().filter(|[x0, y0, ..]| *x0 < 80 && (200..240).contains(y0)).count();
    assert!(inside > 80, "{inside} of 128");
}

#[test]
fn malformed_boxes_are_errors() {
    let error = |inputs| run::<box_layout>(inputs, []).unwrap_err();
    insta::assert_snapshot!(error(json!({"boxes": []})), @"expected at least one box [x0, y0, x1, y1], got none");
    insta::assert_snapshot!(error(json!({"boxes": [[0, 0, 10, 10], [1, 2, 3]]})), @"box 1: expected [x0, y0, x1, y1], got [1.0, 2.0, 3.0]");
    insta::assert_snapshot!(error(json!({"boxes": [[0, 0, 300, 10]]})), @"box 0: expected numbers from 0 to 256, got [0.0, 0.0, 300.0, 10.0]");
    insta::assert_snapshot!(error(json!({"boxes": [[-1, 0, 30, 10]]})), @"box 0: expected numbers from 0 to 256, got [-1.0, 0.0, 30.0, 10.0]");
    insta::assert_snapshot!(error(json!({"boxes": [[0, 0, 30, 10]], "unit": "fractions"})), @"box 0: expected numbers from 0 to 1, got [0.0, 0.0, 30.0, 10.0]");
    insta::assert_snapshot!(error(json!({"boxes": [[10, 0, 5, 10]]})), @"box 0: expected x1 and y1 at least 2 pixels beyond x0 and y0, got [10.0, 0.0, 5.0, 10.0]");
    insta::assert_snapshot!(error(json!({"boxes": [[10, 0, 11, 10]]})), @"box 0: expected x1 and y1 at least 2 pixels beyond x0 and y0, got [10.0, 0.0, 11.0, 10.0]");
    insta::assert_snapshot!(error(json!({"boxes": "all"})), @r#"the JSON does not fit: invalid type: string "all", expected a sequence"#);
    insta::assert_snapshot!(error(json!({"boxes": [[0, 0, 9, 9], [0, 0, 9, 9]], "tokens": 1})), @"expected at least 2 tokens, one for each box, got 1. Draw fewer boxes, or set tokens to 0");
    insta::assert_snapshot!(error(json!({"boxes": [[0, 0, 9, 9], [0, 0, 9, 9]], "tokens": 100})), @"expected at most 8 tokens, as the boxes divide into 8 parts of at least 4 pixels, got 100. Draw larger boxes, or ask for fewer tokens");
}

#[test]
fn layouts_that_cannot_be_calibrated_are_errors() {
    let error =
        |given: Layout| run::<calibrate_layout>(json!({}), [("layout", given.into_value().unwrap())]).unwrap_err();
    let given = |count: usize, x: f32, grid: [u32; 2]| {
        let header = Canvas { grid, ..Canvas::default() };
        Layout::new(Tensor::from_vec([1, count, 5], [0.1, 0.1, 0.0, x, 0.0].repeat(count)).unwrap(), None, header)
            .unwrap()
    };
    insta::assert_snapshot!(error(given(2, f32::INFINITY, [1, 1])), @"picture 0, tile 0: expected finite means, got (inf, 0) for gaussian 0");
    insta::assert_snapshot!(error(given(6, 0.0, [2, 2])), @"expected equally many gaussians in each of 2 x 2 tiles of 256 pixels, got 6 gaussians for tiles of 256 pixels");
    insta::assert_snapshot!(error(given(0, 0.0, [1, 1])), @"picture 0, tile 0: expected 1 to 4096 gaussians for a tile of 256 x 256 pixels, at most one for each square of 4 pixels, got 0");
    insta::assert_snapshot!(error(given(5000, 0.0, [1, 1])), @"picture 0, tile 0: expected 1 to 4096 gaussians for a tile of 256 x 256 pixels, at most one for each square of 4 pixels, got 5000");
}

fn bank(inputs: Json) -> Result<Layout, splatgraph_sdk::Error> {
    run::<LayoutBank>(inputs, []).map(layout)
}

fn without_folder(error: splatgraph_sdk::Error, folder: &Path) -> String {
    error.to_string().replace(&*folder.to_string_lossy(), "<folder>")
}

#[test]
fn the_authors_banks_are_read_in_every_protocol() {
    let recorded = Golden::open("initg.safetensors");
    for name in ["initg.pickle", "initg_p2.pickle", "initg_p5.pickle"] {
        let path = folder().join(name);
        for class in 0..10 {
            let count = (0..).take_while(|entry| recorded.0.contains_key(&format!("c{class}.{entry}"))).count();
            for index in 0..count {
                let taken = bank(json!({"path": path, "class": class, "index": index})).unwrap();
                // Index 0 is the last entry of a list.
                let key = format!("c{class}.{}", count - 1 - index);
                let columns = recorded.shape(&key)[1];
                let rows = recorded.f32(&key).chunks_exact(columns).flat_map(|row| row[..5].to_vec());
                assert_eq!(gaussians(&taken), rows.collect::<Vec<_>>(), "{name}, class {class}, index {index}");
                assert!(taken.regions.is_none());
            }
        }
        let (one, two) = (json!({"path": path, "class": 4, "index": 1}), json!({"path": path, "class": 4, "count": 2}));
        let both = bank(two).unwrap();
        assert_eq!(both.gaussians.shape(), [2, 64, 5]);
        assert_eq!(gaussians(&both)[64 * 5..], *gaussians(&bank(one).unwrap()));
    }
}

/// Writes a record like `batch --collect layout`, with more fields.
fn record(path: &Path, count: usize, more: Vec<(String, Tensor)>, type_name: &str) {
    let names = &["astronaut_256.png", "chelsea_256.png", "page_256.png"][..count];
    let of_photos = layout(run::<init_tokens>(json!({"tokens": 32}), [("image", image_of(names))]).unwrap());
    let mut record = of_photos.into_record();
    record.header.insert("items".into(), json!(names));
    record.type_name = type_name.into();
    record.fields.extend(more);
    record.save(path, DType::F32).unwrap();
}

#[test]
fn a_record_is_a_bank() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layouts.safetensors");
    record(&path, 3, Vec::new(), "LAYOUT");
    let whole = Layout::from_record(Record::load(&path).unwrap()).unwrap();
    // Without classes, every class has all rows in order.
    for class in [0, 7] {
        let taken = bank(json!({"path": path, "class": class, "index": 1, "count": 2})).unwrap();
        assert_eq!(gaussians(&taken), &gaussians(&whole)[32 * 5..]);
        assert_eq!(regions(&taken), &regions(&whole)[32..]);
        assert_eq!(taken.header, whole.header);
    }
    // With classes the index counts within one.
    record(&path, 3, vec![("classes".into(), Tensor::from_vec([3], vec![7i64, 2, 7]).unwrap())], "LAYOUT");
    let taken = bank(json!({"path": path, "class": 7, "index": 1})).unwrap();
    assert_eq!(gaussians(&taken), &gaussians(&whole)[2 * 32 * 5..]);
    insta::assert_snapshot!(bank(json!({"path": path, "class": 7, "index": 2})).unwrap_err(), @"expected an index below 2, the number of layouts for class 7, got 2. Use a smaller index, or a larger bank");
    insta::assert_snapshot!(bank(json!({"path": path, "class": 3})).unwrap_err(), @"expected a class with layouts, got 3; the bank has layouts for 2 classes from 2 to 7");
    record(&path, 2, vec![("classes".into(), Tensor::from_vec([3], vec![7i64, 2, 7]).unwrap())], "LAYOUT");
    insta::assert_snapshot!(without_folder(bank(json!({"path": path})).unwrap_err(), folder.path()), @"reading a bank of layouts: expected one number in the field `classes` for each layout, 2 in all, got 3: <folder>/layouts.safetensors");
    record(&path, 2, vec![("classes".into(), Tensor::from_vec([2], vec![7f32, 2.0]).unwrap())], "LAYOUT");
    insta::assert_snapshot!(without_folder(bank(json!({"path": path})).unwrap_err(), folder.path()), @"reading a bank of layouts: expected a field `classes` of the shape [B] and the type i64, got [2] and f32: <folder>/layouts.safetensors");
    record(&path, 2, Vec::new(), "TOKENS");
    insta::assert_snapshot!(without_folder(bank(json!({"path": path})).unwrap_err(), folder.path()), @"reading a bank of layouts: expected LAYOUT, got TOKENS: <folder>/layouts.safetensors");
}

#[test]
fn a_bank_is_read_again_only_when_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank");
    let (node, host) = (LayoutBank::default(), Recorder::default());
    let take = || layout(run_node(&node, &host, json!({"path": path}), []).unwrap());
    std::fs::copy(super::folder().join("initg.pickle"), &path).unwrap();
    assert_eq!(take().gaussians.shape(), [1, 64, 5]);
    record(&path, 1, Vec::new(), "LAYOUT");
    assert_eq!(take().gaussians.shape(), [1, 32, 5]);
}

#[test]
fn files_that_are_not_banks_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bank.pickle");
    let error = |content: &[u8], inputs: Json| {
        std::fs::write(&path, content).unwrap();
        let mut all = inputs;
        all["path"] = json!(path);
        let error = bank(all).unwrap_err();
        (error.input.clone().unwrap_or_default(), without_folder(error, folder.path()))
    };
    let initg = std::fs::read(super::folder().join("initg.pickle")).unwrap();
    insta::assert_debug_snapshot!(error(&initg, json!({"class": 11})), @r#"
    (
        "class",
        "expected a class with layouts, got 11; the bank has layouts for 10 classes from 0 to 9",
    )
    "#);
    insta::assert_debug_snapshot!(error(&initg, json!({"class": 1, "index": 2})), @r#"
    (
        "index",
        "expected an index below 2, the number of layouts for class 1, got 2. Use a smaller index, or a larger bank",
    )
    "#);
    insta::assert_debug_snapshot!(error(&initg, json!({"class": 1, "index": 1, "count": 5})), @r#"
    (
        "index",
        "expected an index below 2, the number of layouts for class 1, got 1 to 5. Use a smaller index, or a larger bank",
    )
    "#);
    insta::assert_debug_snapshot!(error(&initg[..5000], json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: expected a whole pickle, got one that ends at byte 5000: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"GIF89a, a picture", json!({})), @r#"
        (
            "path",
            "reading a bank of layouts: expected a pickle of layouts or a record of the type LAYOUT: expected a whole .safetensors file, got a picture (GIF): <folder>/bank.pickle",
        )
        "#);
    // {0: os.system("echo never")}, [], {0: 1}, {"a": []}, {0: [[]]}
    insta::assert_debug_snapshot!(error(b"\x80\x02}K\x00cposix\nsystem\nX\x0a\x00\x00\x00echo never\x85Rs.", json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: expected a list of NumPy arrays for class 0, got a call of `posix.system`: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"\x80\x02}K\x00]cposix\nsystem\nX\x0a\x00\x00\x00echo never\x85Ras.", json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: entry 0 of class 0: expected a NumPy array, got a call of `posix.system`: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"\x80\x02].", json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: expected a dict of lists of NumPy arrays, got a list: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"\x80\x02}K\x00K\x01s.", json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: expected a list of NumPy arrays for class 0, got an int: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"\x80\x02}U\x01a]s.", json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: expected a dict with ints for classes, got bytes: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"\x80\x02}K\x00]]as.", json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: entry 0 of class 0: expected a NumPy array, got a list: <folder>/bank.pickle",
    )
    "#);
    insta::assert_debug_snapshot!(error(b"\x80\x02}.", json!({})), @r#"
    (
        "path",
        "expected a bank with at least one layout, got one without layouts",
    )
    "#);
    let missing = bank(json!({"path": folder.path().join("none")})).unwrap_err();
    insta::assert_snapshot!(without_folder(missing, folder.path()), @"reading a bank of layouts: No such file or directory (os error 2): <folder>/none");
    // An array with a wrong shape: [64, 5] declared as [80, 4].
    let shape = initg.windows(4).position(|part| part == [b'K', 64, b'K', 5]).unwrap();
    let mut other = initg.clone();
    (other[shape + 1], other[shape + 3]) = (80, 4);
    insta::assert_debug_snapshot!(error(&other, json!({})), @r#"
    (
        "path",
        "reading a bank of layouts: entry 0 of class 0: expected an array [N, 5 or more] of floats, got one of f32 with the shape [80, 4]: <folder>/bank.pickle",
    )
    "#);
}
