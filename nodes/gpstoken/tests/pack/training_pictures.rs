//! The pictures of a training follow the same limits as LoadImage.

use image::RgbImage;
use insta::assert_snapshot;
use splatgraph_pack_gpstoken::training::pictures::Pictures;
use std::{fs, path::Path};

/// A folder with a picture of 300 x 300 pixels and a PNG of a few bytes that claims 20000 x 20000.
fn with_a_large_picture() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    RgbImage::new(300, 300).save(folder.path().join("b.png")).unwrap();
    let mut head = Vec::new();
    let mut encoder = png::Encoder::new(&mut head, 20_000, 20_000);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]).unwrap();
    fs::write(folder.path().join("a.png"), head).unwrap();
    folder
}

fn said(lines: &[String], folder: &Path) -> String {
    lines.join("\n").replace(&folder.display().to_string(), "<folder>")
}

#[test]
fn a_picture_that_is_too_large_is_skipped_with_a_warning() {
    let folder = with_a_large_picture();
    let pictures = Pictures::list(folder.path(), 256, None).unwrap();
    assert_eq!(pictures.get(0).unwrap().dimensions(), (300, 300));
    assert_snapshot!(said(&pictures.new_refusals(), folder.path()), @"skipped a picture: expected a picture that takes at most 1 GB of memory beyond twice the size of its file, got a picture of 20000 x 20000 = 400000000 pixels, which takes 7600 MB for a file of 65 bytes; make it smaller with another program first, or allow it with --max-pixels 400000000: <folder>/a.png");
    pictures.get(0).unwrap();
    assert!(pictures.new_refusals().is_empty());
}

#[test]
fn the_user_says_how_many_pixels_are_too_many() {
    let folder = with_a_large_picture();
    let pictures = Pictures::list(folder.path(), 256, Some(300 * 300)).unwrap();
    assert_eq!(pictures.get(1).unwrap().dimensions(), (300, 300));
    let none = Pictures::list(folder.path(), 256, Some(300 * 300 - 1)).unwrap();
    let error = none.get(1).unwrap_err().to_string();
    assert_snapshot!(said(&[error], folder.path()), @"expected pictures to train on with sides of at least 256 pixels, got none among 2 pictures. Add larger or readable pictures; the first one is <folder>/a.png; skipped a picture: expected at most 89999 pixels, got a picture of 20000 x 20000 = 400000000 pixels; make it smaller with another program first, or allow it with --max-pixels 400000000: <folder>/a.png");
}

#[test]
fn pictures_in_shards_count_like_files() {
    let folder = with_a_large_picture();
    let picture = fs::read(folder.path().join("b.png")).unwrap();
    let small = fs::read(folder.path().join("a.png")).unwrap();
    let members = [("deep/1.png", &picture[..]), ("1.cls", b"3"), ("2.png", &small)];
    fs::write(folder.path().join("c.tar"), splatgraph_sdk::testing::shard(members)).unwrap();
    let pictures = Pictures::list(folder.path(), 256, None).unwrap();
    let names: Vec<_> = pictures.paths().iter().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
    assert_eq!(names, ["a.png", "b.png", "c.tar/2.png", "c.tar/deep/1.png"].map(Path::new));
    assert_eq!(pictures.get(3).unwrap().dimensions(), (300, 300));
    // The limits count for members too.
    pictures.get(2).unwrap();
    assert!(said(&pictures.new_refusals(), folder.path()).ends_with("a file of 65 bytes; make it smaller with another program first, or allow it with --max-pixels 400000000: <folder>/c.tar/2.png"));
    fs::write(folder.path().join("c.tar"), b"no shard").unwrap();
    let error = Pictures::list(folder.path(), 256, None).unwrap_err().to_string();
    assert!(error.contains("expected a header of 512 bytes at byte 0, got 8 bytes"), "{error}");
}
