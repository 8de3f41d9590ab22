//! Pictures that earlier releases made, with their graphs in them: each graph still runs, and makes the same picture.
//!
//! `pictures` in the folders of `nodes/released` has them. A release adds a folder; nothing in a folder changes after its release.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use support::{graphs, program, project};

/// All pictures of all releases.
fn pictures() -> Vec<PathBuf> {
    let releases = fs::read_dir(project().join("nodes/released")).unwrap().map(|entry| entry.unwrap().path());
    let folders = releases.map(|release| release.join("pictures")).filter(|folder| folder.is_dir());
    let mut all: Vec<PathBuf> =
        folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())).collect();
    all.sort();
    all
}

/// The size of a picture and its levels.
fn levels(path: &Path) -> ((u32, u32), Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
    let mut levels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut levels).unwrap();
    ((reader.info().width, reader.info().height), levels)
}

#[test]
fn pictures_of_earlier_releases_are_made_again() {
    let pictures = pictures();
    assert!(pictures.len() >= 12, "{pictures:?}");
    for picture in pictures {
        let folder = tempfile::tempdir().unwrap();
        for photo in ["chelsea.png", "astronaut.png"] {
            fs::copy(graphs().join(photo), folder.path().join(photo)).unwrap();
        }
        let name = picture.file_name().unwrap();
        let (own, made) = (folder.path().join(name), folder.path().join("made").join(name));
        fs::copy(&picture, &own).unwrap();
        let mut command = Command::new(program());
        command.args(["run", "--out", "made", "--device", "cpu"]).arg(name).current_dir(folder.path());
        let ran = command.output().expect("splatgraph runs");
        assert!(ran.status.success(), "{}: {}", picture.display(), String::from_utf8_lossy(&ran.stderr));
        let ((size, before), (new_size, after)) = (levels(&own), levels(&made));
        assert_eq!(size, new_size, "{}", picture.display());
        // Kernels for other instructions round in another order, so a value may lie on the other side of a level.
        let largest = before.iter().zip(&after).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(largest <= Some(1), "{}: a level differs by {largest:?}", picture.display());
    }
}
