//! `std.Resize`

use crate::{floats, image, output, value};
use splatgraph_pack_std::resize::resize;
use splatgraph_sdk::{
    prelude::*,
    testing::{json, run},
};

fn resized(image: &Image, [width, height]: [u32; 2], fit: &str, filter: &str) -> Image {
    let literals = json!({"width": width, "height": height, "fit": fit, "filter": filter});
    output(&run::<resize>(literals, [("image", value(image))]).unwrap(), 0)
}

const FILTERS: [&str; 3] = ["lanczos", "bilinear", "nearest"];

#[test]
fn the_same_size_is_the_same_tensor() {
    let picture = image([2, 5, 7], |[b, y, x, c]| (b + y + x + c) as f32);
    for fit in ["fill", "fit", "stretch"] {
        let same = resized(&picture, [7, 5], fit, "lanczos");
        assert_eq!(floats(&same).as_ptr(), floats(&picture).as_ptr(), "{fit}");
    }
}

#[test]
fn flat_pictures_stay_flat() {
    let flat = image([1, 30, 50], |[_, _, _, c]| [0.2, 0.5, 0.9][c]);
    for filter in FILTERS {
        for size in [[17, 9], [64, 128], [1, 1], [500, 3]] {
            for (i, v) in floats(&resized(&flat, size, "stretch", filter)).iter().enumerate() {
                assert!((v - [0.2, 0.5, 0.9][i % 3]).abs() < 1e-6, "{filter} {size:?}");
            }
        }
    }
}

#[test]
fn ramps_stay_ramps_with_pixel_centres_in_place() {
    // v = the pixel's centre; any linear filter keeps that away from the edges.
    let ramp = image([1, 4, 100], |[_, _, x, _]| (x as f32 + 0.5) / 100.0);
    for filter in ["lanczos", "bilinear"] {
        for width in [25usize, 40, 250] {
            let scaled = resized(&ramp, [width as u32, 4], "stretch", filter);
            let margin = width / 8;
            for x in margin..width - margin {
                let expected = (x as f32 + 0.5) / width as f32;
                let v = floats(&scaled)[x * 3];
                assert!((v - expected).abs() < 2e-3, "{filter} {width}: {v} at {x}, not {expected}");
            }
        }
    }
}

#[test]
fn shrinking_does_not_alias() {
    // A checkerboard of single pixels is grey from afar.
    let board = image([1, 64, 64], |[_, y, x, _]| ((x + y) % 2) as f32);
    for filter in ["lanczos", "bilinear"] {
        let small = resized(&board, [16, 16], "fill", filter);
        assert!(floats(&small).iter().all(|v| (v - 0.5).abs() < 0.06), "{filter}");
    }
}

#[test]
fn filters_follow_their_formulas() {
    // 2 to 1, triangle with a support of 2 around the centre 1 of [0, 1, 2, 3]: weights 1/8, 3/8, 3/8, 1/8.
    let row = image([1, 1, 4], |[_, _, x, _]| [0.0, 0.0, 1.0, 0.0][x]);
    let half = resized(&row, [2, 1], "stretch", "bilinear");
    // Cut off at the left edge: 3/7, 3/7, 1/7.
    let expected = [1.0 / 7.0, 3.0 / 7.0];
    for (i, e) in expected.iter().enumerate() {
        assert!((floats(&half)[i * 3] - e).abs() < 1e-6, "{:?}", floats(&half));
    }
    let twice = resized(&row, [8, 1], "stretch", "nearest");
    let values: Vec<f32> = floats(&twice).iter().step_by(3).copied().collect();
    assert_eq!(values, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn fill_crops_to_the_centre_without_touching_pixels() {
    let wide = image([2, 256, 455], |[b, y, x, c]| (b * 1000 + y * 10 + x * 2 + c) as f32 / 8192.0);
    for filter in FILTERS {
        let square = resized(&wide, [256, 256], "fill", filter);
        let expected = image([2, 256, 256], |[b, y, x, c]| (b * 1000 + y * 10 + (x + 99) * 2 + c) as f32 / 8192.0);
        assert_eq!(floats(&square), floats(&expected), "{filter}");
    }
}

#[test]
fn fill_scales_by_the_larger_side() {
    // 300 x 500 to a square: rows 100 to 400 stay, that is rows 0.2 to 0.8 of the ramp.
    let tall = image([1, 500, 300], |[_, y, _, _]| (y as f32 + 0.5) / 500.0);
    let square = resized(&tall, [256, 256], "fill", "lanczos");
    assert_eq!(square.image.shape(), [1, 256, 256, 3]);
    let column: Vec<f32> = floats(&square).iter().step_by(256 * 3).copied().collect();
    assert!((column[0] - 0.2).abs() < 0.003 && (column[255] - 0.8).abs() < 0.003, "{} {}", column[0], column[255]);
    // 16:9 to a square: scaled to 53 x 30, then columns 11 to 41 (the odd column goes to the right).
    let wide = image([1, 90, 160], |[_, _, x, _]| (x as f32 + 0.5) / 160.0);
    let square = resized(&wide, [30, 30], "fill", "bilinear");
    let row = &floats(&square)[..30 * 3];
    assert!((row[0] - 11.5 / 53.0).abs() < 1e-3 && (row[87] - 40.5 / 53.0).abs() < 1e-3, "{} {}", row[0], row[87]);
}

#[test]
fn fit_keeps_the_shape_inside() {
    let size = |from: [usize; 2], to: [u32; 2]| {
        let picture = image([1, from[1], from[0]], |_| 0.0);
        let shape = resized(&picture, to, "fit", "bilinear").image.shape().to_vec();
        [shape[2], shape[1]]
    };
    assert_eq!(size([160, 90], [80, 80]), [80, 45]);
    assert_eq!(size([90, 160], [80, 80]), [45, 80]);
    assert_eq!(size([2000, 3], [100, 100]), [100, 1]);
    assert_eq!(size([3, 2], [300, 300]), [300, 200]);
}

#[test]
fn lanczos_does_not_leave_the_range() {
    let edge = image([1, 8, 8], |[_, _, x, _]| if x < 4 { 0.0 } else { 1.0 });
    assert!(floats(&resized(&edge, [50, 50], "stretch", "lanczos")).iter().all(|v| (0.0..=1.0).contains(v)));
    let bright = image([1, 8, 8], |[_, _, x, _]| if x < 4 { -1.0 } else { 3.0 });
    let values = resized(&bright, [50, 50], "stretch", "lanczos");
    assert!(floats(&values).iter().all(|v| (-1.0..=3.0).contains(v)));
    assert!(floats(&values).contains(&3.0), "values outside 0..1 are kept");
}

#[test]
fn extreme_shapes_take_the_short_way() {
    // Either order of the passes alone would need gigabytes in between for one of these.
    let column = image([1, 60_000, 1], |_| 0.25);
    assert_eq!(resized(&column, [16384, 1], "stretch", "bilinear").image.shape(), [1, 1, 16384, 3]);
    let row = image([1, 1, 60_000], |_| 0.25);
    assert_eq!(resized(&row, [1, 16384], "stretch", "bilinear").image.shape(), [1, 16384, 1, 3]);
}

#[test]
fn sizes_out_of_range_are_refused() {
    for size in [0, 16385] {
        let literals = json!({"width": size, "height": 4});
        let error = run::<resize>(literals, [("image", value(&image([1, 2, 2], |_| 0.0)))]).unwrap_err();
        assert_eq!(error.input.as_deref(), Some("width"), "{error}");
    }
}
