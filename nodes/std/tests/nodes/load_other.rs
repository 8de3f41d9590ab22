//! `std.LoadImage`: icons, BMP and TGA with odd headers, PNG without its end, and what is no file of pixels.

use crate::{
    floats,
    load::{encoded, load_bytes},
    load_damaged::refused,
    told,
};
use image::{DynamicImage, ImageFormat, RgbImage};
use splatgraph_pack_std::load_image::load_image;
use splatgraph_sdk::testing::{Recorder, json, run, run_with};
use std::fs;

fn picture() -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| image::Rgb([x as u8 * 16, y as u8 * 16, 77]))
}

fn icon(pictures: &[(&[u8], u8, u8)]) -> Vec<u8> {
    let mut head = vec![0, 0, 1, 0, pictures.len() as u8, 0];
    let mut at = 6 + 16 * pictures.len();
    for (data, side, bits) in pictures {
        head.extend([*side, *side, 0, 0, 1, 0, *bits, 0]);
        head.extend([data.len() as u32, at as u32].map(u32::to_le_bytes).concat());
        at += data.len();
    }
    pictures.iter().fold(head, |file, (data, ..)| [&file, *data].concat())
}

#[test]
fn an_icon_can_hold_any_png_and_the_largest_picture_counts() {
    let rgb = DynamicImage::from(picture());
    let expected = load_bytes("a.png", &encoded(rgb.clone(), ImageFormat::Png)).0;
    for inside in [rgb.clone(), rgb.to_rgba8().into(), rgb.to_rgb16().into()] {
        let png = encoded(inside, ImageFormat::Png);
        assert_eq!(floats(&load_bytes("a.ico", &icon(&[(&png, 16, 32)])).0), floats(&expected));
    }
    let grey = load_bytes("a.ico", &icon(&[(&encoded(rgb.to_luma8(), ImageFormat::Png), 16, 8)])).0;
    assert_eq!(grey.image.shape(), [1, 16, 16, 3]);
    let small = encoded(DynamicImage::from(RgbImage::new(4, 4)).to_rgba8(), ImageFormat::Png);
    let png = encoded(rgb, ImageFormat::Png);
    let two = load_bytes("a.ico", &icon(&[(&small, 4, 32), (&png, 16, 8)])).0;
    assert_eq!(floats(&two), floats(&expected));
}

#[test]
fn a_bmp_whose_pixels_should_begin_with_its_palette_is_read_behind_it() {
    let mut bmp = encoded(DynamicImage::from(picture()).to_luma8(), ImageFormat::Bmp);
    let expected = load_bytes("a.bmp", &bmp).0;
    assert_eq!(bmp[10..14], 1078_u32.to_le_bytes());
    bmp[10..14].copy_from_slice(&54_u32.to_le_bytes());
    assert_eq!(floats(&load_bytes("a.bmp", &bmp).0), floats(&expected));
}

#[test]
fn a_tga_whose_header_knows_no_alpha_has_none() {
    let mut tga = encoded(DynamicImage::from(picture()).to_rgba8(), ImageFormat::Tga);
    // The alpha of the first pixel, behind the header and the length of a run.
    tga[22] = 9;
    let mask = |tga: &[u8]| load_bytes("a.tga", tga).1.mask.as_slice::<f32>().unwrap()[0];
    assert_eq!(mask(&tga), 1.0 - 9.0 / 255.0);
    tga[17] &= 0xf0;
    assert_eq!(mask(&tga), 0.0);
}

#[test]
fn a_png_without_its_end_is_a_warning_if_no_pixel_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let whole = encoded(picture(), ImageFormat::Png);
    let expected = load_bytes("a.png", &whole).0;
    // The end, half of it, and the sum of the pixels before it.
    for cut in [12, 5, 14] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let host = Recorder::default();
        let values = run_with::<load_image>(&host, json!({"path": path}), []).unwrap();
        assert_eq!(floats(&crate::output(&values, 0)), floats(&expected));
        assert!(crate::warnings(&host).iter().any(|line| line.contains("IEND")), "{:?}", crate::warnings(&host));
    }
    let message = refused("a.png", &whole[..whole.len() / 2]);
    assert!(message.contains("the file ends too early"), "{message}");
}

#[test]
fn files_of_other_kinds_are_named_with_a_way_out() {
    for (start, words) in [
        (&b"\xff\x0a\xfa\x7f\x01"[..], "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0", "JPEG 2000"),
        (b"8BPS\0\x01", "PSD"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "HEIC"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "CR3"),
        (b"%PDF-1.7", "PDF"),
        (b"<?xml version=\"1.0\"?><svg>", "SVG"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ] {
        let message = refused("a.jpg", start);
        assert!(message.contains(words) && message.contains("; ") && !message.contains("damaged"), "{message}");
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_or_a_socket_or_a_device_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket.png");
    let _open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let pipe = folder.path().join("pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [socket, pipe, "/dev/zero".into()] {
        let message = told(run::<load_image>(json!({"path": path}), []), folder.path());
        assert!(message.contains("expected a picture file, got a pipe, a socket or a device"), "{message}");
    }
}
