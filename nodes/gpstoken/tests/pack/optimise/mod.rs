//! Tests of OptimizeTokens, on a small map so that a step takes milliseconds.

mod errors;
mod gradients;

use super::{folder, only};
use crate::support::{Numbers, distance, lpips::tiny_network};
use splatgraph_pack_gpstoken::{
    canvas::Gaussian,
    lpips::Backbone,
    nodes::{
        files::{load_tokens::load_tokens, save_tokens::save_tokens},
        tokenize::{decode::decode, load_tokenizer::LoadTokenizer, optimize_tokens::optimize_tokens, splat::splat},
    },
};
use splatgraph_sdk::{
    Canvas, Code, Image, Input, Mask, Output, Result, Tensor, Tokens, Value,
    serde_json::Value as Json,
    testing::{Event, Recorder, json, run, run_with},
};

const CHANNELS: usize = 8;
/// Width and height of the pictures.
const SIZE: [usize; 2] = [32, 24];

/// A tokenizer that decodes pictures of [`SIZE`] pixels.
fn tokenizer() -> Value {
    let inputs =
        json!({"model": folder().join("weights_B.safetensors"), "map_width": 16, "map_height": 12, "support": 3});
    only(run::<LoadTokenizer>(inputs, []).unwrap())
}

fn gaussian(numbers: &mut Numbers) -> Gaussian {
    let [sigma_x, sigma_y] = [(); 2].map(|()| numbers.between(0.05, 0.4));
    let [x, y] = [(); 2].map(|()| numbers.between(-0.9, 0.9));
    [sigma_x, sigma_y, numbers.between(-0.7, 0.7), x, y]
}

/// Random tokens of pictures with this many rows and counts.
fn tokens(rows: usize, counts: &[usize]) -> Tokens {
    let mut numbers = Numbers::new(3);
    let batch = counts.len();
    let gaussians = (0..batch * rows).flat_map(|_| gaussian(&mut numbers)).collect();
    let textures = (0..batch * rows * CHANNELS).map(|_| numbers.between(-1.0, 1.0)).collect();
    let padded = counts.iter().any(|count| *count != rows);
    let counts = counts.iter().map(|count| *count as i64).collect::<Vec<_>>();
    Tokens::new(
        Tensor::from_vec([batch, rows, 5], gaussians).unwrap(),
        Tensor::from_vec([batch, rows, CHANNELS], textures).unwrap(),
        padded.then(|| Tensor::from_vec([batch], counts).unwrap()),
        Canvas::default(),
    )
    .unwrap()
}

/// Smooth pictures, each different.
fn pictures(count: usize) -> Value {
    let [width, height] = SIZE;
    let value = |i: usize| {
        let (x, y, c) =
            ((i / 3 % width) as f32, (i / 3 / width % height) as f32, (i % 3 + i / 3 / width / height) as f32);
        0.5 + 0.3 * (0.2 * x + c).sin() * (0.3 * y - c).cos()
    };
    let values = (0..count * height * width * 3).map(value).collect();
    Image::new(Tensor::from_vec([count, height, width, 3], values).unwrap()).unwrap().into_value().unwrap()
}

/// The outputs of OptimizeTokens.
struct Outcome {
    tokens: Tokens,
    psnr: f64,
    each: Json,
}

impl Outcome {
    fn of(outputs: &[Value]) -> Self {
        Self {
            tokens: Tokens::from_value(&outputs[0]).unwrap(),
            psnr: outputs[1].as_float().unwrap(),
            each: outputs[2].to_json().unwrap(),
        }
    }

    /// The PSNR before the first step and after each step, of a picture.
    fn curve(&self, picture: usize) -> Vec<f64> {
        self.each[picture]["curve"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn loss(&self) -> f64 {
        self.each[0]["loss"].as_f64().unwrap()
    }

    fn numbers(&self) -> [Vec<f32>; 2] {
        [self.tokens.gaussians.to_f32(), self.tokens.textures.to_f32()]
    }
}

fn attempt(settings: Json, tokens: &Tokens, image: &Value, more: Vec<(&'static str, Value)>) -> Result<Outcome> {
    let inputs = [("tokenizer", tokenizer()), ("tokens", tokens.clone().into_value()?), ("image", image.clone())];
    run::<optimize_tokens>(settings, inputs.into_iter().chain(more)).map(|outputs| Outcome::of(&outputs))
}

fn optimised(settings: Json, tokens: &Tokens, image: &Value) -> Outcome {
    attempt(settings, tokens, image, Vec::new()).unwrap()
}

/// The PSNR of what Splat and Decode make of tokens.
fn psnr_of(tokens: &Tokens, image: &Value) -> f64 {
    let tokenizer = tokenizer();
    let inputs = [("tokens", tokens.clone().into_value().unwrap()), ("tokenizer", tokenizer.clone())];
    let map = only(run::<splat>(json!({}), inputs).unwrap());
    let decoded = only(run::<decode>(json!({}), [("tokenizer", tokenizer), ("map", map)]).unwrap());
    let [decoded, image] = [&decoded, image].map(|value| Image::from_value(value).unwrap().image.to_f32());
    let level = |v: &f32| f64::from((v.clamp(0.0, 1.0) * 255.0).round());
    let pictures = image.chunks_exact(SIZE[0] * SIZE[1] * 3).zip(decoded.chunks_exact(SIZE[0] * SIZE[1] * 3));
    let psnr = |(a, b): (&[f32], &[f32])| {
        let sum: f64 = a.iter().zip(b).map(|(a, b)| (level(a) - level(b)).powi(2)).sum();
        10.0 * (255.0 * 255.0 * a.len() as f64 / sum).log10()
    };
    let each: Vec<f64> = pictures.map(psnr).collect();
    each.iter().sum::<f64>() / each.len() as f64
}

#[test]
fn steps_raise_the_psnr_that_decode_shows() {
    let (first, image) = (tokens(20, &[20]), pictures(1));
    for geometry in [true, false] {
        let outcome = optimised(json!({"steps": 30, "geometry": geometry}), &first, &image);
        let curve = outcome.curve(0);
        println!("{curve:.2?}");
        assert_eq!(curve.len(), 31);
        assert!((curve[0] - psnr_of(&first, &image)).abs() < 0.01);
        assert!(outcome.psnr > curve[0] + 1.0, "{} after {}", outcome.psnr, curve[0]);
        assert!((outcome.psnr - psnr_of(&outcome.tokens, &image)).abs() < 0.01);
        assert_eq!(outcome.tokens.header, first.header);
        let [gaussians, textures] = outcome.numbers();
        assert_eq!(gaussians == first.gaussians.to_f32(), !geometry);
        assert!(distance(&textures, &first.textures.to_f32()) > 1e-3);
        for [sigma_x, sigma_y, rho, x, y] in gaussians.as_chunks::<5>().0 {
            assert!([sigma_x, sigma_y].iter().all(|v| (0.0..1.0).contains(*v)));
            assert!([rho, x, y].iter().all(|v| v.abs() < 1.0));
        }
    }
}

#[test]
fn without_steps_the_tokens_stay_as_they_are() {
    let (first, image) = (tokens(20, &[20]), pictures(1));
    let outcome = optimised(json!({"steps": 0, "texture": 4, "position": 4}), &first, &image);
    assert_eq!(outcome.numbers(), [first.gaussians.to_f32(), first.textures.to_f32()]);
    let &[psnr] = &outcome.curve(0)[..] else { panic!("one PSNR") };
    assert!((psnr - outcome.psnr).abs() < 1e-9);
}

#[test]
fn rounded_tokens_come_back_from_the_file_as_they_were_optimised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimised.gpst");
    // Two pictures share the ranges of the file, and one has padding.
    let (first, image) = (tokens(21, &[21, 13]), pictures(2));
    for bits in [json!({"position": 9, "size": 7, "rho": 6, "texture": 6}), json!({"texture": 4}), json!({"size": 3})] {
        let mut settings = bits.clone();
        settings["steps"] = 12.into();
        settings["learning_rate"] = 0.2.into();
        let outcome = optimised(settings, &first, &image);
        let mut inputs = json!({"path": path, "position": 0, "size": 0, "rho": 0, "texture": 0});
        bits.as_object().unwrap().iter().for_each(|(key, bits)| inputs[key] = bits.clone());
        run::<save_tokens>(inputs, [("tokens", outcome.tokens.clone().into_value().unwrap())]).unwrap();
        let loaded = Tokens::from_value(&only(run::<load_tokens>(json!({"path": path}), []).unwrap())).unwrap();
        let used = |tokens: &Tokens| {
            let of = |values: Vec<f32>, width: usize| [&values[..21 * width], &values[21 * width..34 * width]].concat();
            [of(tokens.gaussians.to_f32(), 5), of(tokens.textures.to_f32(), CHANNELS)]
        };
        let ([gaussians, textures], [loaded_gaussians, loaded_textures]) = (used(&outcome.tokens), used(&loaded));
        assert_eq!(textures, loaded_textures, "{bits}");
        // Only the ends of the sizes go through a logarithm and back.
        let other = gaussians.iter().zip(&loaded_gaussians).filter(|(a, b)| a != b).count();
        assert!(other <= 2, "{bits}: {other} other numbers");
        assert!(gaussians.iter().zip(&loaded_gaussians).all(|(a, b)| (a - b).abs() <= 2e-7 * a.abs()), "{bits}");
        let (curve, gain) = (outcome.curve(0), psnr_of(&loaded, &image));
        assert!((gain - outcome.psnr).abs() < 0.01, "{bits}: {gain} in the file, {} in the loop", outcome.psnr);
        assert!(outcome.each[0]["psnr"].as_f64().unwrap() > curve[0] + 0.3, "{bits}: {curve:?}");
    }
}

#[test]
fn a_batch_gives_the_tokens_of_its_pictures_and_keeps_padding() {
    let (first, image) = (tokens(9, &[9, 4]), pictures(2));
    let both = optimised(json!({"steps": 4}), &first, &image);
    let [gaussians, textures] = both.numbers();
    assert_eq!(both.tokens.counts.as_ref().unwrap().as_slice::<i64>().unwrap(), [9, 4]);
    assert_eq!(gaussians[13 * 5..], first.gaussians.to_f32()[13 * 5..]);
    assert_eq!(textures[13 * CHANNELS..], first.textures.to_f32()[13 * CHANNELS..]);
    let cut = |tensor: &Tensor, width: usize| {
        Tensor::from_vec([1, 4, width], tensor.to_f32()[9 * width..13 * width].to_vec()).unwrap()
    };
    let second = Tokens::new(cut(&first.gaussians, 5), cut(&first.textures, CHANNELS), None, first.header.clone());
    let values = Image::from_value(&image).unwrap().image.to_f32();
    let length = values.len() / 2;
    let picture = Tensor::from_vec([1, SIZE[1], SIZE[0], 3], values[length..].to_vec()).unwrap();
    let alone = optimised(json!({"steps": 4}), &second.unwrap(), &Image::new(picture).unwrap().into_value().unwrap());
    assert_eq!(alone.numbers(), [gaussians[45..65].to_vec(), textures[9 * CHANNELS..13 * CHANNELS].to_vec()]);
    assert!((both.psnr - (both.each[0]["psnr"].as_f64().unwrap() + alone.psnr) / 2.0).abs() < 1e-9);

    // No token at all is nothing to move.
    let none = optimised(json!({"steps": 2, "texture": 6}), &tokens(0, &[0]), &pictures(1));
    assert_eq!(none.tokens.textures.shape(), [1, 0, CHANNELS]);
}

#[test]
fn numbers_without_a_place_in_the_space_stay_and_the_others_move() {
    let image = pictures(1);
    let mut first = tokens(12, &[12]);
    let mut gaussians = first.gaussians.to_f32();
    let odd: [Gaussian; 4] =
        [[1.5, 0.2, 0.1, 0.0, 0.0], [0.2, 0.3, 0.1, 1.2, 0.0], [0.2, 0.3, 0.1, 0.5, -1.0], [0.0, 0.1, 0.2, 0.0, 0.0]];
    gaussians[..20].copy_from_slice(odd.as_flattened());
    first.gaussians = Tensor::from_vec([1, 12, 5], gaussians.clone()).unwrap();
    let outcome = optimised(json!({"steps": 6}), &first, &image);
    let moved = outcome.numbers()[0].clone();
    let same: Vec<bool> = gaussians.iter().zip(&moved).take(20).map(|(a, b)| a == b).collect();
    let stay = [0, 8, 14, 15, 16, 17, 18, 19];
    for (i, same) in same.into_iter().enumerate() {
        assert_eq!(same, stay.contains(&i), "number {i}");
    }
    assert!(outcome.psnr > outcome.curve(0)[0]);
}

#[test]
fn every_loss_falls_and_a_mask_says_where_differences_count() {
    let (first, image, network) = (tokens(20, &[20]), pictures(1), tiny_network(Backbone::Vgg));
    let only_this = |name: &str| {
        let mut settings = json!({"steps": 0, "squared": 0, "lpips": network.path()});
        settings[name] = 0.5.into();
        settings
    };
    for name in ["squared", "absolute", "ssim", "perceptual"] {
        let mut settings = only_this(name);
        let before = optimised(settings.clone(), &first, &image).loss();
        settings["steps"] = 15.into();
        let after = optimised(settings, &first, &image).loss();
        println!("{name}: {before:.4} to {after:.4}");
        assert!(after < 0.9 * before, "{name}: {before} to {after}");
    }
    // A sum of losses is the sum of each.
    let sum: f64 =
        ["squared", "ssim", "perceptual"].map(|name| optimised(only_this(name), &first, &image).loss()).iter().sum();
    let all = json!({"steps": 0, "squared": 0.5, "ssim": 0.5, "perceptual": 0.5, "lpips": network.path()});
    let all = optimised(all, &first, &image).loss();
    assert!((all - sum).abs() < 1e-6, "{all}, {sum}");

    let mask = |weight: &dyn Fn(usize) -> f32| {
        let [width, height] = SIZE;
        let mask = Tensor::from_vec([1, height, width], (0..width * height).map(weight).collect()).unwrap();
        vec![("weights", Mask::new(mask).unwrap().into_value().unwrap())]
    };
    let settings = json!({"steps": 4, "ssim": 0.2});
    let plain = optimised(settings.clone(), &first, &image);
    let ones = attempt(settings.clone(), &first, &image, mask(&|_| 1.0)).unwrap();
    assert!(distance(&plain.numbers()[1], &ones.numbers()[1]) < 1e-4);
    let zeros = attempt(settings.clone(), &first, &image, mask(&|_| 0.0)).unwrap();
    assert_eq!(zeros.numbers()[1], first.textures.to_f32());
    assert!(zeros.loss().abs() < 1e-6);
    // Half of the weight gives half of the difference, so a quarter of its square.
    let square = |weight: f32| {
        let settings = json!({"steps": 0});
        attempt(settings, &first, &image, mask(&|i| if i % SIZE[0] < 16 { weight } else { 0.0 })).unwrap().loss()
    };
    assert!((square(0.5) / square(1.0) - 0.25).abs() < 1e-4);
    assert!(square(1.0) < 0.9 * optimised(json!({"steps": 0}), &first, &image).loss());
}

#[test]
fn a_psnr_or_a_time_ends_the_steps() {
    let (first, image) = (tokens(20, &[20]), pictures(1));
    let whole = optimised(json!({"steps": 30}), &first, &image).curve(0);
    let wanted = whole[10];
    let outcome = optimised(json!({"steps": 30, "psnr": wanted}), &first, &image);
    assert!(outcome.psnr >= wanted && outcome.curve(0).len() <= 11);
    assert!((outcome.curve(0).last().unwrap() - outcome.psnr).abs() < 1e-9);
    let begun = std::time::Instant::now();
    let outcome = optimised(json!({"steps": 100000, "seconds": 0.2}), &first, &image);
    let steps = outcome.curve(0).len();
    assert!((2..100_000).contains(&steps), "{steps} steps in {:?}", begun.elapsed());
}

#[test]
fn the_node_reports_its_steps_shows_previews_and_stops_when_asked() {
    let (first, image) = (tokens(6, &[6, 6]), pictures(2));
    let inputs =
        || [("tokenizer", tokenizer()), ("tokens", first.clone().into_value().unwrap()), ("image", image.clone())];
    let previews = |host: &Recorder| host.events().into_iter().filter(|e| *e == Event::Preview("IMAGE".into())).count();
    let host = Recorder::default();
    run_with::<optimize_tokens>(&host, json!({"steps": 4, "preview_every": 2}), inputs()).unwrap();
    assert_eq!(previews(&host), 0);
    let last = host.events().into_iter().rfind(|event| matches!(event, Event::Progress(..)));
    assert_eq!(last, Some(Event::Progress(8, 8)));
    host.set(json!({"previews": true}));
    run_with::<optimize_tokens>(&host, json!({"steps": 4, "preview_every": 2}), inputs()).unwrap();
    assert_eq!(previews(&host), 6, "at steps 0, 2 and 4 of two pictures");
    host.cancel();
    assert_eq!(run_with::<optimize_tokens>(&host, json!({}), inputs()).unwrap_err().code, Code::Cancelled);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (first, image, network) = (tokens(20, &[20]), pictures(1), tiny_network(Backbone::Vgg));
    let with = |threads: usize| {
        let host = Recorder::default();
        host.set(json!({"threads": threads}));
        let inputs =
            [("tokenizer", tokenizer()), ("tokens", first.clone().into_value().unwrap()), ("image", image.clone())];
        let settings = json!({"steps": 3, "ssim": 0.1, "absolute": 0.1, "perceptual": 0.1, "lpips": network.path()});
        Outcome::of(&run_with::<optimize_tokens>(&host, settings, inputs).unwrap()).numbers()
    };
    assert_eq!(with(1), with(3));
}
