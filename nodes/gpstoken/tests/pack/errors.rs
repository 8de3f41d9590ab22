//! Tests of the errors that users read.

use super::{Golden, folder};
use splatgraph_pack_gpstoken::{
    nodes::tokenize::decode::decode, nodes::tokenize::encode::encode, nodes::tokenize::init_tokens::init_tokens,
    nodes::tokenize::load_tokenizer::LoadTokenizer, nodes::tokenize::refine_tokens::refine_tokens,
    nodes::tokenize::splat::splat, tokenizer::Network,
};
use splatgraph_sdk::{
    Canvas, FeatureMap, Features, Image, Layout, Mask, Output, Tensor, Tokens, Value,
    testing::{json, run},
};

fn tensor(shape: &[usize], value: f32) -> Tensor {
    Tensor::from_vec(shape, vec![value; shape.iter().product()]).unwrap()
}

fn picture(width: usize, height: usize) -> Value {
    Image::new(tensor(&[1, height, width, 3], 0.5)).unwrap().into_value().unwrap()
}

fn tokenizer() -> Value {
    run::<LoadTokenizer>(json!({}), []).unwrap().remove(0)
}

#[test]
fn wrong_pictures_and_settings_are_errors() {
    let error = |image: Value, settings| run::<init_tokens>(settings, [("image", image)]).unwrap_err();
    insta::assert_snapshot!(error(picture(1, 1), json!({})), @r#"
    expected a picture with sides of 16 to 65536 pixels, got 1 x 1 pixels. Resize it first:
    "resize": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 256, "height": 256 } }
    "#);
    insta::assert_snapshot!(error(picture(30_000, 10), json!({})), @r#"
    expected a picture with sides of 16 to 65536 pixels, got 30000 x 10 pixels. Resize it first:
    "resize": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 256, "height": 256 } }
    "#);
    insta::assert_snapshot!(error(picture(256, 256), json!({"tokens": 1025})), @"expected at most 1024 tokens, the number of regions of this size that fit into a tile of 256 x 256 pixels, got 1025. Ask for 1024 or fewer, or lower min_region");
    let map = Mask::new(tensor(&[1, 128, 256], 1.0)).unwrap().into_value().unwrap();
    let inputs = [("image", picture(256, 256)), ("weight_map", map)];
    insta::assert_snapshot!(run::<init_tokens>(json!({}), inputs).unwrap_err(), @"expected weight maps of 256 x 256 pixels, the picture's size, 1 for all or 1 for each of 1 picture, got 1 map of 256 x 128 pixels. Resize the weight map");
    let inputs = [("tokenizer", tokenizer()), ("image", picture(100, 15))];
    insta::assert_snapshot!(run::<encode>(json!({}), inputs).unwrap_err(), @r#"
    expected a picture with sides of 16 to 65536 pixels, got 100 x 15 pixels. Resize it first:
    "resize": { "class_type": "std.Resize", "inputs": { "image": ["load", "image"], "width": 256, "height": 256 } }
    "#);
}

#[test]
fn wrong_layouts_and_maps_are_errors() {
    let refine = |features: &[usize], layout: Layout| {
        let features = Features::new(tensor(features, 0.0)).unwrap().into_value().unwrap();
        let inputs = [("tokenizer", tokenizer()), ("features", features), ("layout", layout.into_value().unwrap())];
        run::<refine_tokens>(json!({}), inputs).unwrap_err()
    };
    let layout = |count, value, regions: bool| {
        let regions = regions.then(|| tensor(&[1, count, 4], 0.0));
        Layout::new(tensor(&[1, count, 5], value), regions, Canvas::default()).unwrap()
    };
    insta::assert_snapshot!(refine(&[1, 128, 256, 256], layout(2, 0.5, true)), @"expected features with 32 channels, as this tokenizer makes them, got 128. Connect Encode to the same tokenizer");
    insta::assert_snapshot!(refine(&[1, 32, 512, 512], layout(2, 0.5, true)), @"expected a layout for 1 picture with tiles of 512 x 512 pixels in all, as the features have, got one for 1 picture with 256 x 256 pixels. Make layout and features from the same picture");
    insta::assert_snapshot!(refine(&[1, 32, 256, 256], layout(2, 0.5, false)), @"expected a layout with regions, got one with gaussians only. Make one with InitTokens, or connect CalibrateLayout");
    insta::assert_snapshot!(refine(&[1, 32, 256, 256], layout(2, 1.5, true)), @"expected gaussians with sigmas in 0..1 and rho, x, y in -1..1, got gaussian 0 of picture 0 with [1.5, 1.5, 1.5, 1.5, 1.5]");
    let four =
        Layout { header: Canvas { canvas: [512, 512], grid: [2, 2], ..Canvas::default() }, ..layout(6, 0.1, true) };
    insta::assert_snapshot!(refine(&[1, 32, 512, 512], four), @"expected the same number of gaussians in each of the 2 x 2 tiles of 256 pixels, got 6 gaussians in all for tiles of 256 pixels. Make the layout with InitTokens");

    let decoded = |shape: &[usize], value, header: Canvas| {
        let map = FeatureMap::new(tensor(shape, value), header).unwrap().into_value().unwrap();
        run::<decode>(json!({}), [("tokenizer", tokenizer()), ("map", map)]).unwrap_err()
    };
    insta::assert_snapshot!(decoded(&[1, 8, 32, 32], 0.0, Canvas::default()), @"expected a map with 32 channels, as the tokens of this tokenizer have, got 8. Use the tokenizer that made the tokens");
    insta::assert_snapshot!(decoded(&[1, 32, 32, 32], f32::INFINITY, Canvas::default()), @"expected finite numbers in the map, got inf");
    insta::assert_snapshot!(decoded(&[1, 32, 32, 33], 0.0, Canvas { grid: [2, 2], ..Canvas::default() }), @"expected maps that 2 x 2 tiles divide evenly, got 1 map of 33 x 32 places. Connect the map of Splat");

    let splatted = |header: Canvas, tiles: &str| {
        let tokens = Tokens::new(tensor(&[1, 3, 5], 0.1), tensor(&[1, 3, 32], 0.1), None, header).unwrap();
        run::<splat>(json!({"tiles": tiles}), [("tokens", tokens.into_value().unwrap())]).unwrap_err()
    };
    insta::assert_snapshot!(splatted(Canvas { grid: [2, 2], ..Canvas::default() }, "separate"), @r#"expected equally many tokens in each of 2 x 2 tiles, as they are splatted separately, got 3 rows with the counts [3]. Set tiles to "merged""#);
    insta::assert_snapshot!(splatted(Canvas { grid: [60_000, 60_000], ..Canvas::default() }, "merged"), @"expected a map of at most 1073741824 values, got 1 x 32 x 3840000 x 3840000. See grid and map in the header of the tokens");
}

#[test]
fn wrong_checkpoints_are_errors() {
    let missing = run::<LoadTokenizer>(json!({"model": "no/such/file.safetensors"}), []).unwrap_err();
    insta::assert_snapshot!(missing, @"loading a tokenizer: expected a checkpoint (.safetensors or .pth), got No such file or directory (os error 2): no/such/file.safetensors");
    assert_eq!(missing.code, splatgraph_sdk::Code::Missing);

    let load = |tensors| Network::load(tensors).unwrap_err();
    insta::assert_snapshot!(load(Golden::open("init.safetensors").0), @"expected a GPSToken tokenizer, but the file has none of its parameters. It holds 636 tensors (astronaut_256.complexity_w1, astronaut_256.complexity_w2.5, astronaut_256.entropy, ...)");
    let mut tensors = Golden::open("weights_B.safetensors").0;
    tensors.remove("decoder.conv_out.bias");
    tensors.remove("attnblocks.1.ln2.weight");
    tensors.insert("attnblocks.0.ln3.weight".into(), tensor(&[40], 0.0));
    tensors.insert("decoder.conv_in.weight".into(), tensor(&[64, 9, 3, 3], 0.0));
    tensors.insert("to_gps.0.bias".into(), tensor(&[6], 0.0));
    insta::assert_snapshot!(load(tensors), @"
    expected a GPSToken tokenizer. The file has 137 of its parameters, but they do not make a whole model:
      2 missing:
        attnblocks.1.ln2.weight
        decoder.conv_out.bias
      1 not known:
        attnblocks.0.ln3.weight
      2 of the wrong shape:
        to_gps.0.bias: expected [5], got [6]
        decoder.conv_in.weight: expected [64, 8, 3, 3], got [64, 9, 3, 3]
    ");

    // A size of 0, in every parameter that has this size.
    let mut tensors = Golden::open("weights_B.safetensors").0;
    for (key, axis) in [("preprocess_img.0.weight", 0), ("gps_embed.weight", 1), ("decoder.conv_in.weight", 1)] {
        let length = tensors[key].shape()[axis];
        let emptied = |shape: &[usize]| shape.iter().map(|side| if *side == length { 0 } else { *side }).collect();
        let empty: Vec<(String, Vec<usize>)> =
            tensors.iter().map(|(key, t)| (key.clone(), emptied(t.shape()))).collect();
        let empty = empty.into_iter().map(|(key, shape)| (key, tensor(&shape, 0.5))).collect();
        let error = load(empty).message;
        assert!(error.contains(&format!("{key}: expected [")), "{error}");
    }
    tensors.insert("to_gps.0.bias".into(), tensor(&[0], 0.0));
    insta::assert_snapshot!(load(tensors), @"
    expected a GPSToken tokenizer. The file has 139 of its parameters, but they do not make a whole model:
      1 of the wrong shape:
        to_gps.0.bias: expected [5], got [0]
    ");

    // A file that is cut off in the middle.
    let folder_of_test = tempfile::tempdir().unwrap();
    let path = folder_of_test.path().join("cut.safetensors");
    let whole = std::fs::read(folder().join("weights_B.safetensors")).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = run::<LoadTokenizer>(json!({"model": path}), []).unwrap_err();
    let text = error.to_string().replace(&*folder_of_test.path().to_string_lossy(), "<folder>");
    insta::assert_snapshot!(text, @"reading a checkpoint: expected a whole .safetensors file, got a damaged one (incomplete metadata, file not fully covered); get the file again: <folder>/cut.safetensors");
    assert_eq!(error.input.as_deref(), Some("model"));
}
