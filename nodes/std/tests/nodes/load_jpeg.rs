//! `std.LoadImage`: unusual JPEG files. `tests/pictures/make.py` makes them from one picture.

use crate::{floats, load::load_bytes, load_damaged::refused};
use splatgraph_pack_std::load_image::load_image;
use splatgraph_sdk::{
    prelude::*,
    testing::{Recorder, json, run_with},
};
use std::fs;

fn file(name: &str) -> Vec<u8> {
    fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name)).unwrap()
}

/// The largest and the mean difference, in levels of 8 bits.
fn differences(a: &[f32], b: &[f32]) -> (f32, f32) {
    assert_eq!(a.len(), b.len());
    let all = || a.iter().zip(b).map(|(a, b)| (a - b).abs() * 255.0);
    (all().fold(0.0, f32::max), all().sum::<f32>() / a.len() as f32)
}

#[test]
fn separate_scans_in_any_order_give_the_same_picture() {
    let (together, _) = load_bytes("a.jpg", &file("together.jpg"));
    for name in ["separate.jpg", "other_order.jpg", "two_scans.jpg"] {
        let (image, _) = load_bytes("a.jpg", &file(name));
        // The coefficients are equal; the decoders round and smooth the colours differently.
        let (most, mean) = differences(floats(&image), floats(&together));
        assert!(most <= 8.0 && mean < 1.0, "{name}: {most} and {mean} levels");
    }
}

#[test]
fn colours_can_be_finer_than_brightness() {
    let (image, _) = load_bytes("a.jpg", &file("colours_finer.jpg"));
    let original = (0..40 * 56).flat_map(|i| {
        let (x, y) = (i % 56, i / 56);
        [x * 4, y * 6, 255 - (x + y) * 2].map(|v| v as f32 / 255.0)
    });
    let (_, mean) = differences(floats(&image), &original.collect::<Vec<_>>());
    assert!(mean < 2.0, "{mean} levels");
}

/// A file with another byte at a place behind the marker of the frame.
fn patched(place: usize, byte: u8) -> Vec<u8> {
    let mut bytes = file("together.jpg");
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + place] = byte;
    bytes
}

#[test]
fn other_kinds_of_jpeg_are_named() {
    for (bytes, words) in [
        (patched(4, 12), "12 bits a colour"),
        (patched(1, 0xc3), "lossless compression"),
        (patched(1, 0xc9), "arithmetic coding"),
        (patched(1, 0xc5), "several frames"),
        (patched(1, 0xf7), "JPEG-LS"),
        (patched(9, 2), "2 colours"),
        (patched(6, 0), "DNL"),
    ] {
        let message = refused("a.jpg", &bytes);
        assert!(
            message.contains(words) && message.contains("not supported") && !message.contains("damaged"),
            "{message}"
        );
    }
}

fn warnings(bytes: &[u8]) -> (Vec<f32>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    fs::write(&path, bytes).unwrap();
    let host = Recorder::default();
    let values = run_with::<load_image>(&host, json!({"path": path}), []).unwrap();
    let image = Image::from_value(&values[0]).unwrap();
    (floats(&image).to_vec(), crate::warnings(&host))
}

#[test]
fn a_missing_end_marker_is_a_warning_if_no_pixel_is_missing() {
    for name in ["together.jpg", "separate.jpg"] {
        let whole = file(name);
        let (expected, none) = warnings(&whole);
        assert!(none.is_empty(), "{none:?}");
        for cut in [1, 2] {
            let (image, told) = warnings(&whole[..whole.len() - cut]);
            assert!(differences(&image, &expected).0 <= 8.0);
            assert!(told.len() == 1 && told[0].contains("no end marker"), "{told:?}");
        }
        for cut in [40, 200, 400] {
            assert!(refused("a.jpg", &whole[..whole.len() - cut]).contains("no end marker"), "{name} without {cut}");
        }
    }
}

#[test]
fn an_end_marker_before_the_last_rows_is_damage() {
    let whole = file("together.jpg");
    let cut = [&whole[..whole.len() - 200], &[0xff, 0xd9]].concat();
    assert!(refused("a.jpg", &cut).contains("its end marker comes before its last rows"));
}
