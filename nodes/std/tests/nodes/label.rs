//! `std.Label`.

use crate::{floats, image, output, told, value, warnings};
use insta::assert_snapshot;
use splatgraph_pack_std::label::label;
use splatgraph_sdk::{
    prelude::*,
    serde_json::Value as Literal,
    testing::{Recorder, json, run, run_with},
};
use std::path::Path;

fn labelled(picture: &Image, literals: Literal) -> Image {
    output(&run::<label>(literals, [("image", value(picture))]).unwrap(), 0)
}

/// The columns and rows in which some channel differs from `grey`: first and last.
fn inked(picture: &Image, b: usize, grey: f32) -> Option<[usize; 4]> {
    let [_, height, width, _] = picture.image.dims().unwrap();
    let pixels = floats(picture)[b * height * width * 3..][..height * width * 3].chunks_exact(3);
    let places = pixels.enumerate().filter(|(_, pixel)| pixel.iter().any(|v| (v - grey).abs() > 0.2));
    let places: Vec<(usize, usize)> = places.map(|(at, _)| (at % width, at / width)).collect();
    let (columns, rows) = (places.iter().map(|p| p.0), places.iter().map(|p| p.1));
    Some([columns.clone().min()?, columns.max()?, rows.clone().min()?, rows.max()?])
}

#[test]
fn a_strip_carries_the_text_and_the_picture_stays() {
    let picture = image([1, 40, 200], |[_, y, x, c]| (y * 3 + x + c) as f32 / 400.0);
    // A line of 20 pixels, and 5 above and below.
    for (position, first) in [("below", 0), ("above", 30)] {
        let out = labelled(&picture, json!({"text": "Hg", "position": position}));
        assert_eq!(out.image.shape(), [1, 70, 200, 3]);
        assert_eq!(&floats(&out)[first * 600..][..40 * 600], floats(&picture));
        let strip = if first == 0 { 40 } else { 0 };
        let strip =
            Image::new(Tensor::from_vec([1, 30, 200, 3], floats(&out)[strip * 600..][..30 * 600].to_vec()).unwrap());
        let [left, right, top, bottom] = inked(&strip.unwrap(), 0, 1.0).unwrap();
        assert!((199 - right).abs_diff(left) <= 3, "{left} {right}");
        assert!(left > 80 && top >= 5 && bottom < 25 && bottom - top >= 14, "{left} {top} {bottom}");
    }
}

#[test]
fn a_text_on_the_picture_stands_in_its_corner() {
    let picture = image([1, 100, 200], |_| 0.5);
    for (position, is_left, is_top) in [
        ("top_left", true, true),
        ("top_right", false, true),
        ("bottom_left", true, false),
        ("bottom_right", false, false),
    ] {
        let out = labelled(&picture, json!({"text": "abc", "position": position, "background": "#ff0000"}));
        assert_eq!(out.image.shape(), [1, 100, 200, 3]);
        let [left, right, top, bottom] = inked(&out, 0, 0.5).unwrap();
        assert_eq!(
            [left == 0, right == 199, top == 0, bottom == 99],
            [is_left, !is_left, is_top, !is_top],
            "{position}"
        );
        assert_eq!(bottom - top + 1, 30);
        let corner = (if is_top { 0 } else { 99 } * 200 + if is_left { 0 } else { 199 }) * 3;
        assert_eq!(floats(&out)[corner..corner + 3], [1.0, 0.0, 0.0]);
        // Without a box, only the letters change.
        let bare = labelled(&picture, json!({"text": "abc", "position": position, "background": "#ff000000"}));
        assert_eq!(floats(&bare)[corner..corner + 3], [0.5; 3]);
        assert!(inked(&bare, 0, 0.5).is_some());
    }
}

#[test]
fn a_line_that_is_too_long_ends_with_an_ellipsis() {
    let picture = image([1, 10, 100], |_| 0.5);
    let of = |text: &str| labelled(&picture, json!({"text": text}));
    let long = of(&"W".repeat(10_000));
    let [left, right, ..] = inked(&long, 0, 0.5).unwrap();
    assert!(left <= 1 || right <= 99);
    // The same start and an ellipsis, whatever follows.
    assert_eq!(floats(&long), floats(&of(&"W".repeat(50))));
    assert_ne!(floats(&long), floats(&of("WWWW")));
    assert_eq!(floats(&of("WWWWWWWWWW")), floats(&of("WWWW…")));
    // A picture that is too narrow for the ellipsis keeps an empty strip.
    let narrow = labelled(&image([1, 10, 3], |_| 0.5), json!({"text": "abc"}));
    assert_eq!(narrow.image.shape(), [1, 40, 3, 3]);
    assert!(floats(&narrow)[10 * 9..].iter().all(|v| *v == 1.0));
}

#[test]
fn each_picture_of_a_batch_has_its_text() {
    let picture = image([3, 20, 100], |_| 1.0);
    let out = labelled(&picture, json!({"texts": ["a", "", "a\nb"]}));
    assert_eq!(out.image.shape(), [3, 70, 100, 3]);
    assert!(inked(&out, 1, 1.0).is_none());
    let [[_, _, top, bottom], [_, _, first, last]] = [0, 2].map(|b| inked(&out, b, 1.0).unwrap());
    // One line stands in the middle of the strip for two.
    assert!(first < top && bottom < last);
    let one = labelled(&picture, json!({"text": "x"}));
    assert_eq!([0, 1, 2].map(|b| inked(&one, b, 1.0)), [inked(&one, 0, 1.0); 3]);
    let lines = labelled(&image([1, 20, 100], |_| 1.0), json!({"text": "a\r\nb\tc\n"}));
    assert_eq!(lines.image.shape(), [1, 90, 100, 3]);
}

#[test]
fn colours_are_exact_where_letters_are_full() {
    let out = labelled(
        &image([1, 8, 300], |_| 0.0),
        json!({"text": "■", "size": 200, "colour": "#336699", "background": "#fedcba"}),
    );
    let pixels: Vec<&[f32]> = floats(&out)[8 * 900..].chunks_exact(3).collect();
    let is = |pixel: &[f32], levels: [u8; 3]| pixel.iter().zip(levels).all(|(v, level)| *v == f32::from(level) / 255.0);
    let (text, strip) = ([0x33, 0x66, 0x99], [0xfe, 0xdc, 0xba]);
    assert!(pixels.iter().filter(|pixel| is(pixel, text)).count() > 5000);
    assert!(pixels.iter().filter(|pixel| is(pixel, strip)).count() > 5000);
}

#[test]
fn infinite_values_under_a_box_are_covered() {
    let out = labelled(&image([1, 40, 40], |_| f32::INFINITY), json!({"text": "■", "position": "top_left"}));
    assert_eq!(floats(&out)[..3], [1.0; 3]);
    let many =
        labelled(&image([1, 40, 40], |_| 0.5), json!({"text": "a\n".repeat(100_000), "position": "bottom_right"}));
    assert_eq!(many.image.shape(), [1, 40, 40, 3]);
}

#[test]
fn characters_that_the_font_lacks_are_a_warning() {
    let host = Recorder::default();
    let picture = image([1, 20, 100], |_| 0.5);
    run_with::<label>(&host, json!({"text": "é Жα ∑ 漢字"}), [("image", value(&picture))]).unwrap();
    assert_snapshot!(warnings(&host).join("\n"), @"the font has no characters for 字 (U+5B57), 漢 (U+6F22); give another file as `font`");
}

#[test]
fn a_font_of_the_user_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/DejaVuSans.ttf");
    let picture = image([1, 20, 100], |_| 0.5);
    let built_in = labelled(&picture, json!({"text": "abc"}));
    assert_eq!(floats(&labelled(&picture, json!({"text": "abc", "font": own}))), floats(&built_in));
    let whole = std::fs::read(own).unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let result = run::<label>(json!({"text": "abc", "font": path}), [("image", value(&picture))]);
        told(result, folder.path())
    };
    assert_snapshot!([refused("empty.ttf", b""), refused("text.otf", b"no font"), refused("start.ttf", &whole[..200])].join("\n"), @"
        font: reading a font: expected a font file (.ttf or .otf), got other bytes, or a damaged font; choose another file: <folder>/empty.ttf
        font: reading a font: expected a font file (.ttf or .otf), got other bytes, or a damaged font; choose another file: <folder>/text.otf
        font: reading a font: expected a font file (.ttf or .otf), got other bytes, or a damaged font; choose another file: <folder>/start.ttf
        ");
    // A damaged font gives words or a picture.
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        let path = folder.path().join("damaged.ttf");
        std::fs::write(&path, &damaged).unwrap();
        let result = run::<label>(json!({"text": "Tè …", "font": path}), [("image", value(&picture))]);
        if let Err(error) = result {
            assert_eq!(error.input.as_deref(), Some("font"), "{error}");
        }
    }
}

#[test]
fn labels_that_can_not_be_written_are_refused() {
    let picture = image([2, 20, 100], |_| 0.5);
    let of = |literals: Literal| told(run::<label>(literals, [("image", value(&picture))]), Path::new("/none"));
    let refusals = [
        json!({"texts": ["a", "b", "c"]}),
        json!({"texts": []}),
        json!({"text": "a", "texts": ["a", "b"]}),
        json!({}),
        json!({"text": "a", "colour": "red"}),
        json!({"text": "a", "background": "#12345"}),
        json!({"text": "a", "colour": "#é234"}),
        json!({"text": "a", "size": 3}),
        json!({"text": "a\n".repeat(1 << 20)}),
        json!({"text": "a", "position": "left"}),
    ];
    assert_snapshot!(refusals.map(of).join("\n"), @r##"
        texts: expected a text for each of 2 pictures, got 3
        texts: expected a text for each of 2 pictures, got 0
        texts: expected one of `text` and `texts`, got both; leave one out
        text: expected a text, got none; give `text`, or `texts` with one for each picture
        colour: expected a colour as #rrggbb or #rrggbbaa, such as #ff0000 for red, got "red"
        background: expected a colour as #rrggbb or #rrggbbaa, such as #ff0000 for red, got "#12345"
        colour: expected a colour as #rrggbb or #rrggbbaa, such as #ff0000 for red, got "#é234"
        size: expected a number of at least 4, got 3
        text: expected a picture of at most 256 megapixels with its text, got 100 x 20971570; use a shorter text or a smaller size
        position: expected one of below, above, top_left, top_right, bottom_left, bottom_right, got `left`
        "##);
    let empty = image([1, 0, 4], |_| 0.5);
    assert_snapshot!(told(run::<label>(json!({"text": "a"}), [("image", value(&empty))]), Path::new("/none")), @"image: expected at least one picture with at least one pixel, got 1 picture of 4 x 0");
}
