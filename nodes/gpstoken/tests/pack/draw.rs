//! Tests of drawings of tokens, of SVG files and of complexity maps.

use super::{image_of, only};
use splatgraph_pack_gpstoken::{
    canvas::picture::{grey, tile_input},
    nodes::look::complexity_map::complexity_map,
    nodes::look::{draw_tokens::draw_tokens, save_tokens_svg::save_tokens_svg},
    nodes::tokenize::init_tokens::init_tokens,
    partition::{Rules, complexity, partition},
};
use splatgraph_sdk::{
    Canvas, Image, Input, Layout, Mask, Node, Output, Selection, Tensor, Tokens, Value,
    serde_json::Value as Json,
    testing::{json, run},
};

fn tokens(gaussians: &[[f32; 5]], textures: &[f32], header: Canvas) -> Value {
    let count = gaussians.len();
    let gaussians = Tensor::from_vec([1, count, 5], gaussians.concat()).unwrap();
    let textures = Tensor::from_vec([1, count, textures.len() / count], textures.to_vec()).unwrap();
    Tokens::new(gaussians, textures, None, header).unwrap().into_value().unwrap()
}

fn plain(gaussians: &[[f32; 5]]) -> Value {
    tokens(gaussians, &vec![1.0; gaussians.len()], Canvas::default())
}

/// A drawing with its colours by column and row.
struct Drawn(Image);

impl Drawn {
    fn new(settings: Json, inputs: &[(&'static str, Value)]) -> Self {
        Self(Image::from_value(&only(run::<draw_tokens>(settings, inputs.to_vec()).unwrap())).unwrap())
    }

    fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let width = self.0.image.shape()[2];
        self.0.image.as_slice::<f32>().unwrap()[(y * width + x) * 3..][..3].try_into().unwrap()
    }
}

const GROUND: [f32; 3] = [0.07; 3];
/// A token at the centre of pixel (64, 128), with sigmas of 25.5 and 12.75 pixels.
const ONE: [f32; 5] = [0.2, 0.1, 0.0, 64.0 / 127.5 - 1.0, 128.0 / 127.5 - 1.0];

#[test]
fn ellipses_are_drawn_at_the_given_sigmas() {
    let [one, two, three] = [1, 2, 3].map(|sigmas| Drawn::new(json!({"sigmas": sigmas}), &[("tokens", plain(&[ONE]))]));
    let bright = |colour: [f32; 3]| colour[1] > 0.2;
    // 25.5 pixels to the right is one sigma, 51 two, 76.5 three.
    for (drawn, expected) in [(&one, [true, false, false]), (&two, [true, true, false]), (&three, [true, true, true])] {
        let found =
            [[89, 90], [115, 115], [140, 141]].map(|columns| columns.into_iter().any(|x| bright(drawn.at(x, 128))));
        assert_eq!(found, expected);
    }
    // The ellipse at one sigma is filled, and pixels outside do not change.
    assert_eq!(one.at(64, 128), three.at(64, 128));
    assert!(one.at(64, 128) != GROUND && one.at(100, 128) == GROUND && three.at(200, 128) == GROUND);
}

#[test]
fn colours_show_size_energy_or_selection() {
    let far = |at: f32| [0.1, 0.1, 0.0, at, 0.0];
    let three = tokens(&[far(-0.5), far(0.0), far(0.5)], &[0.0, 0.0, 3.0, -3.0, 1.0, 1.0], Canvas::default());
    let centres = [64, 128, 191].map(|x| (x, 127));
    let colours = |settings: Json, inputs: &[(&'static str, Value)]| {
        let drawn = Drawn::new(settings, inputs);
        centres.map(|(x, y)| drawn.at(x, y))
    };
    let by_size = colours(json!({}), &[("tokens", three.clone())]);
    assert!(by_size[0] == by_size[1] && by_size[1] == by_size[2]);
    // Cool colours have more blue than red, warm ones more red than blue.
    let warmth = |colour: [f32; 3]| colour[0] - colour[2];
    let by_energy = colours(json!({"colour": "energy"}), &[("tokens", three.clone())]).map(warmth);
    assert!(by_energy[0] < 0.0 && by_energy[1] > 0.0, "{by_energy:?}");
    assert!(by_energy[0] < by_energy[2] && by_energy[2] < by_energy[1], "{by_energy:?}");
    let selected = |values: &[f32]| {
        Selection::new(Tensor::from_vec([1, values.len()], values.to_vec()).unwrap()).unwrap().into_value().unwrap()
    };
    let inputs = [("tokens", three.clone()), ("selection", selected(&[0.0, 1.0, 0.5]))];
    let by_selection = colours(json!({"colour": "selection"}), &inputs).map(warmth);
    assert!(by_selection[0].abs() < 1e-6 && by_selection[0] < by_selection[2] && by_selection[2] < by_selection[1]);

    let refused = |settings: Json, inputs: Vec<(&'static str, Value)>| {
        let error = run::<draw_tokens>(settings, inputs).unwrap_err();
        format!("{}: {error}", error.input.clone().unwrap_or_default())
    };
    let layout = run::<init_tokens>(json!({"tokens": 4}), [("image", image_of(&["china_256.png"]))]).unwrap().remove(0);
    insta::assert_snapshot!(refused(json!({"colour": "energy"}), vec![("tokens", layout)]), @"colour: expected tokens with textures for the colour `energy`, got a layout. Connect RefineTokens, or use the colour `size`");
    insta::assert_snapshot!(refused(json!({"colour": "selection"}), vec![("tokens", three.clone())]), @"selection: expected a selection for the colour `selection`, got none. Connect SelectTokens, or use the colour `size`");
    insta::assert_snapshot!(refused(json!({"colour": "selection"}), vec![("tokens", three), ("selection", selected(&[0.0, 1.0]))]), @"selection: expected a selection of 3 tokens for 1 picture, got one of 2 for 1. Select from these tokens");
}

#[test]
fn tokens_before_an_edit_are_faint_and_moves_are_lines() {
    let moved = [ONE[0], ONE[1], ONE[2], ONE[3] + 0.8, ONE[4]];
    let red = |colour: [f32; 3]| colour[0] - colour[1].max(colour[2]) > 0.3;
    let drawn = Drawn::new(json!({}), &[("tokens", plain(&[moved])), ("before", plain(&[ONE]))]);
    assert!(red(drawn.at(100, 128)) && red(drawn.at(166, 128)) && !red(drawn.at(200, 128)));
    // The old place has a faint ellipse: one sigma is 12.75 pixels below the centre.
    let old = [140, 141].map(|y| drawn.at(64, y)).into_iter().fold(GROUND, |a, b| if b[1] > a[1] { b } else { a });
    assert!(old[1] > 0.15 && old[1] < 0.5, "{old:?}");

    let more = Drawn::new(json!({}), &[("tokens", plain(&[moved, moved])), ("before", plain(&[ONE]))]);
    assert!(!red(more.at(100, 128)), "no lines between different numbers of tokens");
    let same = Drawn::new(json!({}), &[("tokens", plain(&[ONE])), ("before", plain(&[ONE]))]);
    assert!(!red(same.at(64, 128)), "no line where nothing moved");

    let two = Tensor::from_vec([2, 1, 5], [ONE, ONE].concat()).unwrap();
    let two = Layout::new(two, None, Canvas::default()).unwrap().into_value().unwrap();
    let three = Tensor::from_vec([3, 1, 5], [ONE, ONE, ONE].concat()).unwrap();
    let three = Layout::new(three, None, Canvas::default()).unwrap().into_value().unwrap();
    let error = run::<draw_tokens>(json!({}), [("tokens", three), ("before", two)]).unwrap_err();
    insta::assert_snapshot!(error, @"expected tokens of 1 or 3 pictures, as in `tokens`, got 2");
}

#[test]
fn ids_are_digits_around_the_centre() {
    let mut gaussians = vec![[0.01, 0.01, 0.0, -0.9, -0.9]; 8];
    gaussians[7] = ONE;
    let drawn = Drawn::new(json!({"ids": true}), &[("tokens", plain(&gaussians))]);
    // Three by five dots of a pixel each around (64, 128).
    let dots: Vec<String> =
        (126..131).map(|y| (63..66).map(|x| if drawn.at(x, y) == [1.0; 3] { '#' } else { '.' }).collect()).collect();
    assert_eq!(dots, ["###", "..#", "..#", ".#.", ".#."]);
}

#[test]
fn tiles_may_reach_beyond_the_picture() {
    // A picture of 128 x 64 pixels on one tile of 256: coordinates span the tile.
    let header = Canvas { canvas: [128, 64], ..Canvas::default() };
    let at = |x: f32, y: f32| [0.03, 0.03, 0.0, x / 127.5 - 1.0, y / 127.5 - 1.0];
    let value = tokens(&[at(40.0, 30.0), at(200.0, 30.0)], &[1.0, 1.0], header.clone());
    let drawn = Drawn::new(json!({}), &[("tokens", value.clone())]);
    assert_eq!(drawn.0.image.shape(), [1, 64, 128, 3]);
    assert!(drawn.at(40, 30) != GROUND);
    // An enlarged picture behaves alike.
    let picture = Image::new(Tensor::from_vec([1, 128, 256, 3], vec![0.0f32; 128 * 256 * 3]).unwrap()).unwrap();
    let drawn = Drawn::new(json!({}), &[("tokens", value), ("image", picture.into_value().unwrap())]);
    assert!(drawn.at(80, 60) != [0.0; 3] && drawn.at(40, 30) == [0.0; 3]);
}

#[test]
fn an_svg_holds_every_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/tokens.svg");
    let china = image_of(&["china_256.png"]);
    let layout = run::<init_tokens>(json!({"tokens": 20}), [("image", china.clone())]).unwrap().remove(0);
    let save = |settings: Json, inputs: Vec<(&'static str, Value)>| {
        run::<save_tokens_svg>(settings, inputs).map(|outputs| outputs[1].to_json().unwrap())
    };
    let written = save(json!({"path": path, "ids": true}), vec![("tokens", layout.clone()), ("image", china)]).unwrap();
    assert_eq!(written, json!([path]));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("<title>").count(), 20);
    assert_eq!(text.matches(r#"<rect class="region""#).count(), 20);
    assert_eq!(text.matches("<text").count(), 20);
    assert_eq!(text.matches("<image").count(), 1);

    // The text of one token, exactly. The place of the second token is not a number, so the file does not contain it.
    let path = folder.path().join("one.svg");
    let lost = [0.1, 0.1, 0.0, f32::INFINITY, 0.0];
    save(json!({"path": path}), vec![("tokens", plain(&[[0.2, 0.1, 0.5, 0.0, 0.0], lost]))]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let groups: Vec<&str> = text.split("<g ").skip(1).collect();
    assert_eq!(groups.len(), 1);
    insta::assert_snapshot!(groups[0].split("</g>").next().unwrap(), @r##"class="token" stroke="#45d8f9" fill="#45d8f9" transform="translate(128.00 128.00)"><title>token 0 at (128.0, 128.0) px&#10;sigma 25.50 x 12.75 px, rho 0.500&#10;texture energy 1.000</title><ellipse class="one" rx="26.45" ry="10.65" transform="rotate(16.8)"/><ellipse class="two" rx="52.89" ry="21.29" transform="rotate(16.8)"/>"##);

    // A batch writes a file for each picture; a failed run leaves no file.
    let batch = image_of(&["china_256.png", "page_256.png"]);
    let layout = run::<init_tokens>(json!({"tokens": 5}), [("image", batch)]).unwrap().remove(0);
    let several = save(json!({"path": folder.path().join("b.svg")}), vec![("tokens", layout.clone())]).unwrap();
    assert_eq!(several, json!([folder.path().join("b-000.svg"), folder.path().join("b-001.svg")]));
    let named = save(json!({"path": folder.path().join("c{b}.svg")}), vec![("tokens", layout.clone())]).unwrap();
    assert_eq!(named, json!([folder.path().join("c0.svg"), folder.path().join("c1.svg")]));
    let refused = |settings: Json| {
        let error = save(settings, vec![("tokens", layout.clone())]).unwrap_err();
        let text = format!("{}: {error}", error.input.clone().unwrap_or_default());
        text.replace(&*folder.path().to_string_lossy(), "<folder>")
    };
    insta::assert_snapshot!(refused(json!({"path": folder.path().join("d.png")})), @"path: writing an SVG: expected a file name that ends with .svg: <folder>/d.png");
    insta::assert_snapshot!(refused(json!({"path": folder.path().join("one.svg/e.svg")})), @"path: writing an SVG: expected a folder, but `one.svg` is a file: <folder>/one.svg/e-000.svg");
    insta::assert_snapshot!(refused(json!({"path": folder.path().join("f.svg"), "colour": "energy"})), @"colour: expected tokens with textures for the colour `energy`, got a layout. Connect RefineTokens, or use the colour `size`");
    assert!(!folder.path().join("f-000.svg").exists());
}

#[test]
fn complexities_agree_with_the_cuts_of_the_partition() {
    let picture = image_of(&["chelsea_256.png"]);
    let (pixels, width) = super::unit_picture("chelsea_256.png");
    let grey = grey(&tile_input(&pixels, [width, width], [0, 0]));
    let regions = partition(&grey, [256, 256], None, &Rules { tokens: 60, exponent: 2.5, min_region: 8 }).unwrap();
    let layout = run::<init_tokens>(json!({"tokens": 60}), [("image", picture.clone())]).unwrap().remove(0);
    let outputs = run::<complexity_map>(json!({}), [("image", picture.clone()), ("layout", layout.clone())]).unwrap();
    let mask = Mask::from_value(&outputs[1]).unwrap().mask.to_f32();
    let values: Vec<f64> = regions.iter().map(|r| complexity(&grey, [256, 256], None, *r, 2.5)).collect();
    let per_pixel: Vec<f64> =
        regions.iter().zip(&values).map(|(r, value)| value / (r.width() * r.height()) as f64).collect();
    let most = per_pixel.iter().copied().fold(0.0, f64::max);
    for (region, value) in regions.iter().zip(&per_pixel) {
        for (x, y) in [(region.x0, region.y0), (region.x1, region.y1)] {
            assert!((f64::from(mask[y * 256 + x]) - value / most).abs() < 1e-5);
        }
    }
    let largest = values.iter().copied().fold(0.0, f64::max);
    assert_eq!(outputs[2].as_float(), Some(largest));
    let each = outputs[3].to_json().unwrap();
    assert_eq!(each[0]["largest"], largest);
    assert!((each[0]["per_pixel"].as_f64().unwrap() - most).abs() < 1e-4 * most);
    // A threshold at the largest complexity gives this layout, or one with fewer tokens.
    let inputs = [("image", picture.clone())];
    let count = run::<init_tokens>(json!({"tokens": 60, "threshold": largest}), inputs).unwrap()[1].as_int().unwrap();
    assert!(count <= 60);
    let colours = Image::from_value(&outputs[0]).unwrap();
    let brightest =
        colours.image.as_slice::<f32>().unwrap().as_chunks::<3>().0[mask.iter().position(|v| *v == 1.0).unwrap()];
    assert_eq!(brightest, [0.99, 0.99, 0.64]);

    // The same holds for four tiles, and for a batch with one layout.
    let large = image_of(&["china_512.png"]);
    let of_large = run::<init_tokens>(json!({"tokens": 30}), [("image", large.clone())]).unwrap().remove(0);
    let outputs = run::<complexity_map>(json!({}), [("image", large), ("layout", of_large.clone())]).unwrap();
    assert!(Mask::from_value(&outputs[1]).unwrap().mask.to_f32().iter().all(|v| (0.0..=1.0).contains(v)));
    let batch = image_of(&["china_256.png", "page_256.png"]);
    let outputs = run::<complexity_map>(json!({}), [("image", batch.clone()), ("layout", layout.clone())]).unwrap();
    assert_eq!(Mask::from_value(&outputs[1]).unwrap().mask.shape(), [2, 256, 256]);

    let refused = |image: &Value, layout: Value| {
        let inputs = [("image", image.clone()), ("layout", layout)];
        let error = run::<complexity_map>(json!({}), inputs).unwrap_err();
        format!("{}: {error}", error.input.clone().unwrap_or_default())
    };
    insta::assert_snapshot!(refused(&picture, of_large), @"layout: expected a layout of 1 x 1 tiles, as the picture has, for 1 picture; got 2 x 2 tiles with 120 regions for 1 picture. Make the layout from this picture");
    let mut edited = Layout::from_value(&layout).unwrap();
    edited.regions = None;
    insta::assert_snapshot!(refused(&picture, edited.clone().into_value().unwrap()), @"layout: expected a layout with regions, got gaussians only. Connect InitTokens, or put CalibrateLayout in front");
    edited.regions = Some(Tensor::from_vec([1, 60, 4], vec![1.5f32; 240]).unwrap());
    insta::assert_snapshot!(refused(&picture, edited.into_value().unwrap()), @"layout: expected regions inside their tiles, got one from (318.75, 318.75) to (318.75, 318.75) pixels. Put CalibrateLayout in front");
}

#[test]
fn every_new_node_is_documented() {
    let specs = [
        complexity_map::spec(),
        draw_tokens::spec(),
        save_tokens_svg::spec(),
        init_tokens::spec(),
        splatgraph_pack_gpstoken::nodes::tokenize::find_token_count::find_token_count::spec(),
        splatgraph_pack_gpstoken::nodes::look::lpips::Lpips::spec(),
    ];
    for spec in specs {
        let helps = spec.inputs.iter().map(|i| (&i.name, &i.help));
        for (name, help) in
            helps.chain(spec.outputs.iter().map(|o| (&o.name, &o.help))).chain([(&spec.name, &spec.help)])
        {
            assert!(!help.trim().is_empty(), "{} {name}", spec.name);
        }
    }
}
