//! `std.SaveImage`

use crate::{floats, image, output, told, value};
use insta::assert_snapshot;
use splatgraph_pack_std::{load_image::load_image, save_image::save_image};
use splatgraph_sdk::{
    prelude::*,
    testing::{Recorder, json, run, run_with},
};
use std::{fs, path::Path};

fn save(path: &Path, image: &Image, more: &[(&str, splatgraph_sdk::serde_json::Value)]) -> Result<Vec<Value>> {
    let mut literals = json!({"path": path});
    for (key, value) in more {
        literals[*key] = value.clone();
    }
    run::<save_image>(literals, [("image", value(image))])
}

/// All levels, the middles between them and values outside 0..1.
fn ramp() -> Image {
    image([1, 16, 32], |[_, y, x, _]| (y * 32 + x) as f32 / 510.0 - 0.002)
}

#[test]
fn every_format_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let levels = image([1, 16, 16], |[_, y, x, c]| (((y * 16 + x) * (c + 1)) % 256) as f32 / 255.0);
    for extension in ["png", "PNG", "webp", "bmp", "tif", "tiff", "tga", "qoi", "ppm", "jpg", "jpeg"] {
        let path = folder.path().join(format!("new/folder/a.{extension}"));
        let outputs = save(&path, &levels, &[]).unwrap();
        assert_eq!(outputs[0].as_text(), path.to_str());
        let back = output(&run::<load_image>(json!({"path": path}), []).unwrap(), 0);
        if extension.starts_with('j') {
            assert_eq!(back.image.shape(), levels.image.shape());
        } else {
            assert_eq!(floats(&back), floats(&levels), "{extension}");
        }
    }
    assert_eq!(fs::read_dir(folder.path().join("new/folder")).unwrap().count(), 11, "temporary files are left");
}

#[test]
fn rounding_to_the_nearest_level_or_as_the_authors_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let saved = |rounding: &str| {
        save(&path, &ramp(), &[("rounding", rounding.into())]).unwrap();
        image::open(&path).unwrap().to_rgb8().into_raw()
    };
    let nearest: Vec<u8> = floats(&ramp()).iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    assert_eq!(saved("round"), nearest);
    // The authors' own steps on x = 2v - 1: clamp to -1..1, (x + 1) * 127.5 in f32, cut to a byte.
    let xs: Vec<f32> = (0..16 * 32).map(|i| i as f32 / 256.0 - 1.0).collect();
    let theirs: Vec<u8> = xs.iter().flat_map(|x| [((x.clamp(-1.0, 1.0) + 1.0) * 127.5) as u8; 3]).collect();
    let from_x = image([1, 16, 32], |[_, y, x, _]| f32::midpoint(xs[y * 32 + x], 1.0));
    save(&path, &from_x, &[("rounding", "truncate".into())]).unwrap();
    assert_eq!(image::open(&path).unwrap().to_rgb8().into_raw(), theirs);
    assert_ne!(saved("truncate"), nearest);
}

#[test]
fn a_batch_becomes_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let two = image([2, 2, 2], |[b, ..]| b as f32);
    let outputs = save(&folder.path().join("a.png"), &two, &[]).unwrap();
    let names = |outputs: &[Value]| -> Vec<String> {
        let paths = outputs[1].as_list().unwrap();
        paths
            .iter()
            .map(|p| Path::new(p.as_text().unwrap()).file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(names(&outputs), ["a-000.png", "a-001.png"]);
    assert!(outputs[0].as_text().unwrap().ends_with("a-000.png"));
    assert_eq!(image::open(folder.path().join("a-001.png")).unwrap().to_rgb8().into_raw(), [255; 12]);
    let outputs = save(&folder.path().join("{b}/x{b}.png"), &two, &[]).unwrap();
    assert_eq!(names(&outputs), ["x0.png", "x1.png"]);
    assert!(folder.path().join("1/x1.png").is_file());
}

#[test]
fn quality_is_for_jpeg() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let size = |quality: u32| {
        save(&path, &ramp(), &[("quality", quality.into())]).unwrap();
        fs::metadata(&path).unwrap().len()
    };
    assert!(size(10) < size(95));
}

#[test]
fn png_carries_texts_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let host = Recorder::default();
    host.set(json!({"png_text": {"prompt": "{\"a\": 1}", "title": "größer → 1"}}));
    for (name, texts) in [("a.png", true), ("a.bmp", false)] {
        let path = folder.path().join(name);
        run_with::<save_image>(&host, json!({"path": path}), [("image", value(&ramp()))]).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.windows(4).any(|w| w == b"tEXt"), texts);
    }
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(folder.path().join("a.png")).unwrap()));
    let reader = decoder.read_info().unwrap();
    let info = reader.info();
    let latin: Vec<_> = info.uncompressed_latin1_text.iter().map(|t| (t.keyword.as_str(), t.text.as_str())).collect();
    assert_eq!(latin, [("prompt", "{\"a\": 1}")]);
    let utf8: Vec<_> = info.utf8_text.iter().map(|t| (t.keyword.as_str(), t.get_text().unwrap())).collect();
    assert_eq!(utf8, [("title", "größer → 1".to_owned())]);
}

#[test]
fn what_can_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str| told(save(&folder.path().join(name), &ramp(), &[]), folder.path());
    assert_snapshot!(refused("a.xyz"), @"path: writing a picture: expected a file name that ends in one of png, jpg, jpeg, webp, bmp, tif, tiff, tga, qoi, ppm, got `.xyz`: <folder>/a.xyz");
    assert_snapshot!(refused("picture"), @"path: writing a picture: expected a file name that ends in one of png, jpg, jpeg, webp, bmp, tif, tiff, tga, qoi, ppm, got no extension: <folder>/picture");
    fs::write(folder.path().join("file"), "").unwrap();
    assert_snapshot!(refused("file/a.png"), @"path: writing a picture: expected a folder, but `file` is a file: <folder>/file/a.png");
    fs::create_dir(folder.path().join("folder.png")).unwrap();
    assert_snapshot!(refused("folder.png"), @"path: writing a picture: expected a file name, got a folder: <folder>/folder.png");
    let wide = image([1, 1, 16_400], |_| 0.0);
    assert_snapshot!(told(save(&folder.path().join("a.webp"), &wide, &[]), folder.path()), @"path: writing a picture: expected a picture that fits WebP, got 16400 x 1; try .png (Invalid dimensions): <folder>/a.webp");
    let none = Image::new(Tensor::from_vec([0, 4, 4, 3], Vec::<f32>::new()).unwrap()).unwrap();
    assert_snapshot!(told(save(&folder.path().join("a.png"), &none, &[]), folder.path()), @"image: expected at least one picture with at least one pixel, got 0 pictures of 4 x 4");
}

#[test]
fn nan_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    fs::write(&path, "old").unwrap();
    let fields = vec![("image".to_owned(), Tensor::from_vec([1, 1, 1, 3], vec![0.0, f32::NAN, 0.0]).unwrap())];
    let nan = Record { type_name: "IMAGE".to_owned(), header: Default::default(), fields }.into_value();
    let result = run::<save_image>(json!({"path": path}), [("image", nan)]);
    assert_snapshot!(told(result, folder.path()), @"image: unusable IMAGE: expected numbers in the field `image`, got NaN (not a number), first at [0, 0, 0, 1]");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files() {
    // Not even from root.
    let folder = Path::new("/proc/self");
    assert_snapshot!(told(save(&folder.join("a.png"), &ramp(), &[]), folder), @"path: writing a picture: No such file or directory (os error 2); check that the folder may be written to and that the disk has space: <folder>/a.png");
}

#[test]
fn a_cancelled_batch_stops() {
    let folder = tempfile::tempdir().unwrap();
    let host = Recorder::default();
    host.cancel();
    let result =
        run_with::<save_image>(&host, json!({"path": folder.path().join("a.png")}), [("image", value(&ramp()))]);
    assert_eq!(result.err().unwrap().code, splatgraph_sdk::Code::Cancelled);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn files_have_the_permissions_of_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (plain, saved) = (folder.path().join("plain"), folder.path().join("a.png"));
    fs::write(&plain, "").unwrap();
    save(&saved, &ramp(), &[]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&saved), mode(&plain));
}
