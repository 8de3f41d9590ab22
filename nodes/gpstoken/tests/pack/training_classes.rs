//! The classes that the generators' trainings find in folders and shards.

use image::RgbImage;
use insta::assert_snapshot;
use splatgraph_pack_gpstoken::training::classes::Classes;
use splatgraph_sdk::testing::shard;
use std::{fs, path::Path};

fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(256, 256).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A data folder with these files. A name that ends in `.tar` has the names of its members, each a picture or, behind `=`, a label.
fn data(files: &[(&str, &[&str])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let picture = picture();
    for (name, members) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let members = members.iter().map(|member| match member.split_once('=') {
            Some((name, label)) => (name, label.as_bytes()),
            None => (*member, &picture[..]),
        });
        fs::write(path, if name.ends_with(".tar") { shard(members) } else { picture.clone() }).unwrap();
    }
    folder
}

/// Each class with its pictures, as text.
fn listed(folder: &Path) -> String {
    let classes =
        Classes::list(folder, None).map_err(|error| error.message.replace(&*folder.to_string_lossy(), "<data>"));
    let Classes { pictures, names, ranges } = match classes {
        Ok(classes) => classes,
        Err(error) => return error,
    };
    let of_class = |(name, range): (&String, &std::ops::Range<usize>)| {
        let paths: Vec<_> = pictures.paths()[range.clone()]
            .iter()
            .map(|path| path.strip_prefix(folder).unwrap().to_string_lossy())
            .collect();
        format!("{name}: {}", paths.join(" "))
    };
    names.iter().zip(&ranges).map(of_class).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_folder_is_a_class_with_the_shards_in_it() {
    let folder = data(&[
        ("b/2.png", &[]),
        ("b/x.tar", &["deep/1.png"]),
        ("a/1.png", &[]),
        (".hidden/1.png", &[]),
        ("loose.png", &[]),
    ]);
    assert_snapshot!(listed(folder.path()), @r"
    a: a/1.png
    b: b/2.png b/x.tar/deep/1.png
    ");
}

#[test]
fn labels_in_shards_are_classes() {
    let folder = data(&[
        ("0.tar", &["k1.png", "k1.cls=wolf\n", "k2.seg.png", "k2.cls=fox"]),
        ("1.tar", &["k3.png", "k3.cls=wolf"]),
    ]);
    assert_snapshot!(listed(folder.path()), @r"
    fox: 0.tar/k2.seg.png
    wolf: 0.tar/k1.png 1.tar/k3.png
    ");
}

#[test]
fn labels_that_are_numbers_are_the_numbers_of_classes() {
    let labels: Vec<String> = (0..12).rev().flat_map(|n| [format!("k{n}.png"), format!("k{n}.cls={n}")]).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let folder = data(&[("0.tar", &labels)]);
    let classes = Classes::list(folder.path(), None).unwrap();
    assert_eq!(classes.names, (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(classes.pictures.paths()[10].ends_with("0.tar/k10.png"));

    let folder = data(&[("0.tar", &["a.png", "a.cls=0", "b.png", "b.cls=2"])]);
    assert_snapshot!(listed(folder.path()), @"looking for classes to train on: expected pictures of each class from 0 to 2, as the labels are numbers, got none of class 1. Add the shards that have it, or write names into the .cls files: <data>");
}

#[test]
fn folders_in_shards_and_shards_without_folders_are_classes() {
    let folder =
        data(&[("train.tar", &["train/n02/1.png", "train/n01/2.png"]), ("n03.tar", &["3.png"]), ("n01/4.png", &[])]);
    assert_snapshot!(listed(folder.path()), @r"
    n01: n01/4.png train.tar/train/n01/2.png
    n02: train.tar/train/n02/1.png
    n03: n03.tar/3.png
    ");
}

#[test]
fn what_has_no_class_is_an_error() {
    let folder = data(&[("0.tar", &["a.png", "a.cls=x", "b.png"])]);
    assert_snapshot!(listed(folder.path()), @"looking for classes to train on: expected a .cls file with the class beside each picture of the shard, got none beside <data>/0.tar/b.png");
    let folder = data(&[("0.tar", &["a.png", "a.cls= "])]);
    assert_snapshot!(listed(folder.path()), @"looking for classes to train on: expected a .cls file with the class beside each picture of the shard, got an empty one beside <data>/0.tar/a.png");
    let folder = data(&[("0.tar", &["a.png", "a.cls=x"]), ("1.tar", &["readme.txt"])]);
    assert_snapshot!(listed(folder.path()), @"looking for classes to train on: expected pictures in each shard, got a shard without any. Remove it: <data>/1.tar");
    let folder = data(&[("loose.png", &[])]);
    assert_snapshot!(listed(folder.path()), @"looking for classes to train on: expected a folder of pictures for each class, or .tar shards with labels, got neither. Put the pictures of each class into a folder of <data>");
    let folder = data(&[("a/1.png", &[])]);
    fs::create_dir(folder.path().join("b")).unwrap();
    assert_snapshot!(listed(folder.path()), @"looking for classes to train on: expected pictures in each folder, got a folder without any. Add pictures to it or remove it: <data>/b");
}
