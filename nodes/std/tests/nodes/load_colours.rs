//! `std.LoadImage`: colour profiles. `tests/pictures/make.py` makes the files; LittleCMS computed their colours in sRGB.

use crate::{floats, load::load_bytes, warnings};
use splatgraph_pack_std::load_image::load_image;
use splatgraph_sdk::{
    prelude::*,
    testing::{Recorder, json, run, run_with},
};
use std::path::PathBuf;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name)
}

fn load(name: &str, profile: &str) -> Vec<f32> {
    let values = run::<load_image>(json!({"path": file(name), "profile": profile}), []).unwrap();
    floats(&Image::from_value(&values[0]).unwrap()).to_vec()
}

#[test]
fn colours_of_a_profile_become_those_of_littlecms() {
    for name in ["display_p3", "adobe_rgb", "grey_gamma", "inks"] {
        let ours = load(&format!("{name}.tif"), "convert");
        let theirs = load(&format!("{name}.png"), "convert");
        let most = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs() * 255.0).fold(0.0, f32::max);
        assert!(most <= 2.0, "{name}: {most} levels");
        let ignored = load(&format!("{name}.tif"), "ignore");
        let most = ignored.iter().zip(&theirs).map(|(a, b)| (a - b).abs() * 255.0).fold(0.0, f32::max);
        assert!(most > 10.0, "{name}: the profile changes nothing");
    }
}

#[test]
fn a_profile_of_srgb_changes_no_bit() {
    assert_eq!(load("srgb.tif", "convert"), load("srgb.tif", "ignore"));
}

/// A PNG of one pixel with a profile.
fn png_with(profile: &[u8], colour: png::ColorType, pixel: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut info = png::Info::with_size(1, 1);
    (info.color_type, info.bit_depth) = (colour, png::BitDepth::Eight);
    info.icc_profile = Some(profile.into());
    png::Encoder::with_info(&mut bytes, info).unwrap().write_header().unwrap().write_image_data(pixel).unwrap();
    bytes
}

/// The profile in one of the files.
fn profile(name: &str) -> Vec<u8> {
    let file = std::fs::read(file(name)).unwrap();
    let at = file.windows(4).position(|word| word == b"acsp").unwrap() - 36;
    let length = u32::from_be_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]) as usize;
    file[at..at + length].to_vec()
}

#[test]
fn a_png_with_a_profile_is_converted() {
    let bytes = png_with(&profile("display_p3.tif"), png::ColorType::Rgb, &[255, 128, 0]);
    let (image, _) = load_bytes("a.png", &bytes);
    // LittleCMS gives 255, 118, 0.
    assert!(
        floats(&image).iter().zip([255.0, 118.0, 0.0]).all(|(a, b)| (a * 255.0 - b).abs() <= 2.0),
        "{:?}",
        floats(&image)
    );
}

#[test]
fn a_profile_that_is_damaged_or_does_not_fit_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let whole = profile("display_p3.tif");
    for (profile, words) in [
        (&whole[..200], "damaged"),
        (&[7; 300], "damaged"),
        (&profile("inks.tif"), "Cmyk"),
        (&profile("grey_gamma.tif"), "Gray"),
    ] {
        std::fs::write(&path, png_with(profile, png::ColorType::Rgb, &[255, 128, 0])).unwrap();
        let host = Recorder::default();
        let values = run_with::<load_image>(&host, json!({"path": path}), []).unwrap();
        assert_eq!(floats(&Image::from_value(&values[0]).unwrap()), [1.0, 128.0 / 255.0, 0.0]);
        let told = warnings(&host);
        assert!(told.iter().any(|line| line.contains("profile") && line.contains(words)), "{words}: {told:?}");
    }
}
