//! `std.Compare`

use crate::{floats, image, output, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::compare::compare;
use splatgraph_sdk::serde_json;
use splatgraph_sdk::{
    prelude::*,
    testing::{json, run},
};
use std::path::Path;

fn compared(a: &Image, b: &Image) -> Result<Vec<Value>> {
    run::<compare>(json!({}), [("a", value(a)), ("b", value(b))])
}

#[test]
fn equal_pictures() {
    let picture = image([1, 12, 16], |[_, y, x, c]| (x * y + c) as f32 / 200.0);
    let outputs = compared(&picture, &picture).unwrap();
    assert_eq!(outputs[0].as_float(), Some(100.0));
    assert_eq!(outputs[1].as_float(), Some(1.0));
    assert_eq!(outputs[2].to_json(), Some(json!([{"psnr": 100.0, "ssim": 1.0}])));
    assert_eq!(outputs[3].type_name(), "IMAGE");
}

#[test]
fn a_batch_is_measured_one_by_one() {
    let a = image([2, 16, 16], |[_, y, x, _]| (y * 16 + x) as f32 / 255.0);
    // The second picture is one level brighter, less where that is beyond white.
    let b = image([2, 16, 16], |[b, y, x, _]| (y * 16 + x + b) as f32 / 255.0);
    let outputs = compared(&a, &b).unwrap();
    let each = outputs[2].to_json().unwrap();
    assert_eq!(each[0], json!({"psnr": 100.0, "ssim": 1.0}));
    let expected = 10.0 * (255.0f64.powi(2) / (255.0 / 256.0)).log10();
    let psnr = each[1]["psnr"].as_f64().unwrap();
    assert!((psnr - expected).abs() < 1e-9, "{psnr} {expected}");
    assert!((outputs[0].as_float().unwrap() - f64::midpoint(100.0, expected)).abs() < 1e-9);
    let ssim = each[1]["ssim"].as_f64().unwrap();
    assert!(ssim > 0.99 && ssim < 1.0, "{ssim}");
    assert_eq!(outputs[1].as_float(), Some(f64::midpoint(1.0, ssim)));
}

/// The pictures of goldens/similarity.py.
fn recorded_pictures(height: usize, width: usize) -> [Image; 2] {
    let first = |y: usize, x: usize, c: usize| {
        (3 * x + 2 * y + 40 * c + 60 * usize::from(x > 30) + (x * y * (c + 1)) % 23) % 256
    };
    let second = |y: usize, x: usize, c: usize| {
        (first(y, x, c) + (x * 7 + y * 13 + c * 5) % (3 + x / 4)).saturating_sub(x / 10).min(255)
    };
    let of = |level: &dyn Fn(usize, usize, usize) -> usize| {
        image([1, height, width], |[_, y, x, c]| level(y, x, c) as f32 / 255.0)
    };
    [of(&first), of(&second)]
}

#[test]
fn each_convention_gives_the_numbers_of_its_program() {
    let record: serde_json::Value = serde_json::from_str(include_str!("../goldens/similarity.json")).unwrap();
    let number = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
    let [a, b] = recorded_pictures(number(&record["size"][0]), number(&record["size"][1]));
    for (part, border) in [("whole", 0), ("inside", number(&record["border"]))] {
        for (convention, expected) in record[part].as_object().unwrap() {
            let literals = json!({"convention": convention, "border": border});
            let outputs = run::<compare>(literals, [("a", value(&a)), ("b", value(&b))]).unwrap();
            // Both compute in f64, so 1e-9 is far above the rounding of sums; the luma is kept in f32, with steps of 1.5e-5 levels.
            let tolerance = if convention == "luma" { 1e-5 } else { 1e-9 };
            for (name, at) in [("psnr", 0), ("ssim", 1), ("squared_error", 4), ("psnr", 5)] {
                let (found, expected) = (outputs[at].as_float().unwrap(), expected[name].as_f64().unwrap());
                assert!((found - expected).abs() < tolerance, "{part} {convention} {name}: {found} {expected}");
            }
            let about = outputs[6].to_json().unwrap();
            assert_eq!((about["convention"].as_str(), number(&about["border"])), (Some(convention.as_str()), border));
        }
    }
}

#[test]
fn the_mean_of_psnr_and_the_psnr_of_the_mean_error_differ() {
    let a = image([2, 16, 16], |_| 0.5);
    let b = image([2, 16, 16], |[b, ..]| 0.5 + [3.0, 30.0][b] / 255.0);
    let outputs = compared(&a, &b).unwrap();
    let decibels = |error: f64| 10.0 * (255.0f64.powi(2) / error).log10();
    let near = |at: usize, expected: f64| {
        let found = outputs[at].as_float().unwrap();
        assert!((found - expected).abs() < 1e-9, "{at}: {found} {expected}");
    };
    near(0, f64::midpoint(decibels(9.0), decibels(900.0)));
    near(4, 454.5);
    near(5, decibels(454.5));
}

#[test]
fn a_border_that_leaves_no_window_is_refused() {
    let picture = image([1, 20, 64], |_| 0.5);
    let refused =
        |literals| told(run::<compare>(literals, [("a", value(&picture)), ("b", value(&picture))]), Path::new("/none"));
    assert_snapshot!(refused(json!({"border": 5})), @"border: expected sides of at least 21 pixels, the size of SSIM's window and the border at both sides, got 64 x 20");
    assert!(
        run::<compare>(json!({"border": 5, "convention": "skimage"}), [("a", value(&picture)), ("b", value(&picture))])
            .is_ok()
    );
    assert_snapshot!(refused(json!({"convention": "wang"})), @"convention: expected one of gaussian, skimage, skimage-gaussian, llamagen, luma, got `wang`");
}

#[test]
fn values_are_rounded_as_in_a_file() {
    let a = image([1, 11, 11], |_| 0.5);
    let b = image([1, 11, 11], |_| 0.5004);
    assert_eq!(compared(&a, &b).unwrap()[0].as_float(), Some(100.0));
}

#[test]
fn the_picture_shows_both_and_the_error() {
    let a = image([2, 11, 12], |[_, _, _, c]| [0.25, 0.5, 0.0][c]);
    let b = image([2, 11, 12], |[_, _, _, c]| [0.5, 0.5, 1.0][c]);
    let literals = json!({"error_gain": 2});
    let outputs = run::<compare>(literals, [("a", value(&a)), ("b", value(&b))]).unwrap();
    let picture = output(&outputs, 3);
    assert_eq!(picture.image.shape(), [2, 11, 36, 3]);
    let row = &floats(&picture)[36 * 3 * 15..];
    assert_eq!(row[..3], [0.25, 0.5, 0.0]);
    assert_eq!(row[12 * 3..12 * 3 + 3], [0.5, 0.5, 1.0]);
    assert_eq!(row[24 * 3..24 * 3 + 3], [0.5, 0.0, 1.0]);
}

#[test]
fn pictures_that_can_not_be_compared() {
    let refused =
        |a: [usize; 3], b: [usize; 3]| told(compared(&image(a, |_| 0.0), &image(b, |_| 0.0)), Path::new("/none"));
    assert_snapshot!(refused([1, 300, 500], [1, 256, 256]), @r#"b: expected 1 picture of 500 x 300 as in a, got 1 picture of 256 x 256; put a Resize in front: "resize": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 500, "height": 300}}"#);
    assert_snapshot!(refused([1, 32, 32], [2, 32, 32]), @"b: expected 1 picture of 32 x 32 as in a, got 2 pictures of 32 x 32; give both inputs the same number of pictures");
    assert_snapshot!(refused([1, 10, 64], [1, 10, 64]), @"a: expected sides of at least 11 pixels, the size of SSIM's window, got 64 x 10");
}

fn masked(a: &Image, b: &Image, mask: &[f32], shape: [usize; 3]) -> Result<Vec<Value>> {
    let mask = Mask::new(Tensor::from_vec(shape, mask.to_vec())?)?.into_value()?;
    run::<compare>(json!({}), [("a", value(a)), ("b", value(b)), ("mask", mask)])
}

#[test]
fn a_mask_weighs_pixels_and_windows() {
    let a = image([2, 16, 20], |[_, y, x, c]| (y * 7 + x * 3 + c) as f32 / 255.0);
    // The second half of the columns is two levels brighter in the first picture, four in the second.
    let b =
        image([2, 16, 20], |[b, y, x, c]| (y * 7 + x * 3 + c + if x < 10 { 0 } else { 2 * (b + 1) }) as f32 / 255.0);
    let columns = |value: &dyn Fn(usize) -> f32| (0..16 * 20).map(|i| value(i % 20)).collect::<Vec<f32>>();
    let decibels = |mse: f64| 10.0 * (255.0f64.powi(2) / mse).log10();
    let near = |value: &Value, expected: f64| {
        let value = value.as_float().unwrap();
        assert!((value - expected).abs() < 1e-9, "{value} {expected}");
    };

    let all = masked(&a, &b, &[0.25; 320], [1, 16, 20]).unwrap();
    let plain = compared(&a, &b).unwrap();
    near(&all[0], plain[0].as_float().unwrap());
    near(&all[1], plain[1].as_float().unwrap());

    let left = masked(&a, &b, &columns(&|x| f32::from(u8::from(x < 10))), [1, 16, 20]).unwrap();
    assert_eq!(left[0].as_float(), Some(100.0));
    assert!(left[1].as_float() > plain[1].as_float());
    let right = masked(&a, &b, &columns(&|x| f32::from(u8::from(x >= 10))), [1, 16, 20]).unwrap();
    near(&right[0], f64::midpoint(decibels(4.0), decibels(16.0)));
    let quarter = masked(&a, &b, &columns(&|x| if x < 10 { 3.0 } else { 1.0 }), [1, 16, 20]).unwrap();
    near(&quarter[0], f64::midpoint(decibels(1.0), decibels(4.0)));

    // A mask for each picture.
    let each = [columns(&|x| f32::from(u8::from(x < 10))), columns(&|x| f32::from(u8::from(x >= 10)))].concat();
    let outputs = masked(&a, &b, &each, [2, 16, 20]).unwrap();
    near(&outputs[0], f64::midpoint(100.0, decibels(16.0)));
}

#[test]
fn masks_that_do_not_fit() {
    let picture = image([2, 16, 20], |_| 0.5);
    let refused = |mask: &[f32], shape| told(masked(&picture, &picture, mask, shape), Path::new("/none"));
    assert_snapshot!(refused(&[1.0; 320], [1, 20, 16]), @"mask: expected masks of 20 x 16 pixels, one or as many as pictures (2), got 1 of 16 x 20");
    assert_snapshot!(refused(&[-1.0; 320], [1, 16, 20]), @"mask: expected finite values of at least 0, got -1");
    let mut corner = [0.0; 320];
    corner[0] = 1.0;
    assert_snapshot!(refused(&corner, [1, 16, 20]), @"mask: expected a mask above 0 somewhere more than 5 pixels from the border, for SSIM's window, got one that is not, for picture 0 (from 0)");
}
