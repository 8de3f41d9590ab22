//! `std.RectangleMask`, `std.EllipseMask`, `std.StrokesMask`, `std.ErrorMask` and `std.ResizeMask`.

use crate::{image, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::{
    ellipse_mask::ellipse_mask, error_mask::error_mask, rectangle_mask::rectangle_mask, resize::resize,
    resize_mask::resize_mask, strokes_mask::strokes_mask,
};
use splatgraph_sdk::{
    Node,
    prelude::*,
    serde_json::Value as Literal,
    testing::{json, run},
};
use std::path::Path;

fn mask_of(outputs: &[Value]) -> Mask {
    Mask::from_value(&outputs[0]).unwrap()
}

/// Of one mask, its rows.
fn rows(mask: &Mask) -> Vec<Vec<f32>> {
    mask.mask.as_slice::<f32>().unwrap().chunks_exact(mask.mask.shape()[2]).map(<[f32]>::to_vec).collect()
}

fn sum(mask: &Mask) -> f64 {
    mask.mask.as_slice::<f32>().unwrap().iter().map(|v| f64::from(*v)).sum()
}

fn refused<N: Node>(literals: Literal) -> String {
    let picture = image([1, 100, 200], |_| 0.0);
    told(run::<N>(literals, [("image", value(&picture))]), Path::new("/none"))
}

#[test]
fn a_rectangle_covers_its_pixels_and_fades_across_its_edge() {
    let hard = json!({"x": 1, "y": 1, "width": 3, "height": 2, "canvas_width": 6, "canvas_height": 4});
    let mask = mask_of(&run::<rectangle_mask>(hard, []).unwrap());
    assert_eq!(mask.mask.shape(), [1, 4, 6]);
    let (none, some) = (vec![0.0; 6], vec![0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(rows(&mask), [none.clone(), some.clone(), some, none]);

    // From a picture; partly outside; a feather of four pixels is halfway on the edge.
    let picture = image([3, 9, 12], |_| 0.5);
    let soft = json!({"x": -50, "y": -50, "width": 56, "height": 100, "feather": 4});
    let mask = mask_of(&run::<rectangle_mask>(soft, [("image", value(&picture))]).unwrap());
    assert_eq!(mask.mask.shape(), [1, 9, 12]);
    assert_eq!(rows(&mask)[4], [1.0, 1.0, 1.0, 1.0, 0.875, 0.625, 0.375, 0.125, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn an_ellipse_has_its_area_and_turns_clockwise() {
    let ellipse = |angle: f32, feather: f32| {
        let literals = json!({
            "x": 100, "y": 50, "radius_x": 40, "radius_y": 20, "angle": angle, "feather": feather,
            "canvas_width": 200, "canvas_height": 100
        });
        mask_of(&run::<ellipse_mask>(literals, []).unwrap())
    };
    let area = std::f64::consts::PI * 40.0 * 20.0;
    for mask in [ellipse(0.0, 0.0), ellipse(30.0, 1.0), ellipse(90.0, 6.0)] {
        assert!((sum(&mask) / area - 1.0).abs() < 0.01, "{} {area}", sum(&mask));
    }
    let upright = rows(&ellipse(90.0, 0.0));
    assert_eq!([upright[50][130], upright[15][100], upright[85][100]], [0.0, 1.0, 1.0]);
    // y points down, so that the first axis goes down to the right.
    let turned = rows(&ellipse(45.0, 0.0));
    assert_eq!([turned[75][125], turned[25][125]], [1.0, 0.0]);
}

#[test]
fn strokes_are_round_lines_of_their_width() {
    let strokes = json!([{"points": [[10, 20], [60, 20], [60, 80]], "radius": 5}, {"points": [[90, 90]], "radius": 8}, {"points": [[-20, 50], [-1, 50]], "radius": 2}]);
    let literals = json!({"strokes": strokes, "canvas_width": 100, "canvas_height": 100});
    let mask = mask_of(&run::<strokes_mask>(literals, []).unwrap());
    let rows = rows(&mask);
    assert_eq!([rows[15][30], rows[14][30], rows[24][30], rows[25][30]], [1.0, 0.0, 1.0, 0.0]);
    assert_eq!([rows[50][55], rows[50][54], rows[50][0], rows[48][0]], [1.0, 0.0, 1.0, 0.0]);
    assert_eq!([rows[90][90], rows[84][84], rows[83][83]], [1.0, 1.0, 0.0]);
    // Two lines, less where they overlap in the corner; two half discs at the ends; a disc; half of a small one.
    let (pi, corner) = (std::f64::consts::PI, 10.0 * 10.0);
    let expected = 110.0 * 10.0 - corner / 4.0 + pi * 25.0 / 4.0 - corner / 4.0 + pi * 25.0 + pi * 64.0;
    assert!((sum(&mask) / expected - 1.0).abs() < 0.05, "{} {expected}", sum(&mask));
    let empty = json!({"strokes": [], "canvas_width": 4, "canvas_height": 4});
    assert_eq!(sum(&mask_of(&run::<strokes_mask>(empty, []).unwrap())), 0.0);
}

#[test]
fn the_error_is_spread_and_scaled_for_each_picture() {
    let a = image([1, 40, 50], |_| 0.5);
    // One pixel is wrong in the first picture, none in the second, a column in the third.
    let b = image([3, 40, 50], |[b, y, x, _]| match b {
        0 if (y, x) == (20, 10) => 0.7,
        2 if x == 30 => 0.6,
        _ => 0.5,
    });
    let of = |radius: f32| {
        let outputs = run::<error_mask>(json!({"radius": radius}), [("a", value(&a)), ("b", value(&b))]).unwrap();
        (mask_of(&outputs), outputs[1].as_float().unwrap())
    };
    let (sharp, error) = of(0.0);
    let pixels: Vec<&[f32]> = sharp.mask.as_slice::<f32>().unwrap().chunks_exact(40 * 50).collect();
    assert_eq!(pixels[0].iter().filter(|v| **v > 0.0).count(), 1);
    assert_eq!(pixels[0][20 * 50 + 10], 1.0);
    assert!(pixels[1].iter().all(|v| *v == 0.0));
    assert_eq!(pixels[2].iter().filter(|v| **v == 1.0).count(), 40);
    assert!((error - (0.2f64.powi(2) + 0.1f64.powi(2)) / 3.0).abs() < 1e-6, "{error}");

    let (soft, _) = of(8.0);
    let (plane, pixels) = (40 * 50, soft.mask.as_slice::<f32>().unwrap());
    // A gaussian of standard deviation 4, whatever the border cuts off.
    for (distance, expected) in [(0i32, 1.0f32), (4, (-0.5f32).exp()), (8, (-2.0f32).exp())] {
        let value = pixels[(20 - distance as usize) * 50 + 10];
        assert!((value - expected).abs() < 2e-3, "{distance}: {value} {expected}");
    }
    assert!((pixels[2 * plane + 30] - 1.0).abs() < 1e-5, "no darker at the border");
}

#[test]
fn masks_are_resized_as_pictures_are() {
    let values = |y: usize, x: usize| ((y * 31 + x * 17) % 23) as f32 / 23.0;
    let picture = image([2, 30, 50], |[b, y, x, _]| values(y + b, x));
    let data = (0..2 * 30 * 50).map(|i| values(i / 50 % 30 + i / 1500, i % 50)).collect();
    let mask = Mask::new(Tensor::from_vec([2, 30, 50], data).unwrap()).unwrap();
    for fit in ["fill", "fit", "stretch"] {
        for filter in ["lanczos", "bilinear", "nearest"] {
            let literals = json!({"width": 24, "height": 18, "fit": fit, "filter": filter});
            let resized = run::<resize>(literals.clone(), [("image", value(&picture))]).unwrap();
            let expected = Image::from_value(&resized[0]).unwrap().image;
            let value = mask.clone().into_value().unwrap();
            let resized = mask_of(&run::<resize_mask>(literals, [("mask", value)]).unwrap()).mask;
            assert_eq!(resized.shape(), &expected.shape()[..3], "{fit} {filter}");
            let red: Vec<f32> = expected.as_slice::<f32>().unwrap().iter().step_by(3).copied().collect();
            assert_eq!(resized.as_slice::<f32>().unwrap(), red, "{fit} {filter}");
        }
    }
    let same = json!({"width": 50, "height": 30});
    let value = mask.clone().into_value().unwrap();
    let passed = mask_of(&run::<resize_mask>(same, [("mask", value)]).unwrap());
    assert_eq!(passed.mask.bytes().as_ptr(), mask.mask.bytes().as_ptr());
}

#[test]
fn shapes_that_can_not_be_drawn() {
    assert_snapshot!(refused::<rectangle_mask>(json!({"x": 200, "y": 0, "width": 5, "height": 5})), @"x: expected a rectangle that covers a part of the picture of 200 x 100, got one from (200, 0) to (205, 5)");
    assert_snapshot!(refused::<rectangle_mask>(json!({"width": 0, "height": 5})), @"x: expected a rectangle that covers a part of the picture of 200 x 100, got one from (0, 0) to (0, 5)");
    assert_snapshot!(refused::<rectangle_mask>(json!({"width": 5, "height": -5})), @"height: expected a number of at least 0, got -5");
    assert_snapshot!(refused::<rectangle_mask>(json!({"width": 5, "height": 5, "canvas_width": 9})), @"canvas_width: expected a picture or a canvas size, got a picture of 200 x 100 and the size 9 x 0; leave out one of them");
    assert_snapshot!(refused::<ellipse_mask>(json!({"x": 100, "y": -30, "radius_x": 50, "radius_y": 20})), @"x: expected an ellipse that covers a part of the picture of 200 x 100, got one around (100, -30) with radii of 50 and 20");
    assert_snapshot!(refused::<ellipse_mask>(json!({"x": 100, "y": 30, "radius_x": -5, "radius_y": 20})), @"radius_x: expected a number of at least 0, got -5");
    assert_snapshot!(refused::<strokes_mask>(json!({"strokes": [{"points": [[1, 2]], "radius": -3}]})), @"strokes: expected a radius above 0, got -3 for stroke 0 (from 0)");
    assert_snapshot!(refused::<strokes_mask>(json!({"strokes": [{"points": [], "radius": 3}]})), @"strokes: expected at least one point of two finite numbers, got [] for stroke 0 (from 0)");
    assert_snapshot!(refused::<strokes_mask>(json!({"strokes": [{"points": [[1]], "radius": 3}]})), @"strokes: the JSON does not fit: invalid length 1, expected an array of length 2");
    assert_snapshot!(refused::<strokes_mask>(json!({"strokes": [{"points": [[1, 2]], "width": 3}]})), @"strokes: the JSON does not fit: unknown field `width`, expected `points` or `radius`");

    let nan = [("x", Value::float(f64::NAN))];
    let literals = json!({"width": 5, "height": 5, "canvas_width": 9, "canvas_height": 9});
    assert_snapshot!(told(run::<rectangle_mask>(literals, nan), Path::new("/none")), @"x: expected a finite number, got NaN");
    let none = told(run::<rectangle_mask>(json!({"width": 5, "height": 5}), []), Path::new("/none"));
    assert_snapshot!(none, @"image: expected a picture that the mask is for, or canvas_width and canvas_height, got 0 x 0");
    let large = json!({"width": 5, "height": 5, "canvas_width": 65536, "canvas_height": 65536});
    assert_snapshot!(told(run::<rectangle_mask>(large, []), Path::new("/none")), @"canvas_width: expected a mask of at most 256 megapixels, got 65536 x 65536");
}

#[test]
fn errors_that_can_not_be_measured() {
    let refused = |a: &Image, b: &Image, radius: f32| {
        told(run::<error_mask>(json!({"radius": radius}), [("a", value(a)), ("b", value(b))]), Path::new("/none"))
    };
    let picture = image([2, 10, 12], |_| 0.5);
    assert_snapshot!(refused(&picture, &image([2, 12, 12], |_| 0.5), 1.0), @r#"b: expected pictures of 12 x 10 as in a, got 12 x 12; put a Resize in front: "resize": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 12, "height": 10}}"#);
    assert_snapshot!(refused(&picture, &image([3, 10, 12], |_| 0.5), 1.0), @"b: expected 1 picture or as many as in a, 2, got 3");
    assert_snapshot!(refused(&picture, &picture, -1.0), @"radius: expected a number of at least 0, got -1");
    assert_snapshot!(refused(&picture, &image([2, 10, 12], |_| f32::INFINITY), 1.0), @"b: expected pictures with a finite squared difference, got an infinite one for picture 0 (from 0)");
}
