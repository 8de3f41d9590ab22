//! The changes of files that a watch reports, through the library.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use splatgraph::graph::WrittenFile;
use splatgraph::watch::{Touched, Watch, Watched};
use tempfile::TempDir;

/// A folder that is watched.
struct Listening {
    folder: TempDir,
    watch: Watch,
    touched: Receiver<Touched>,
}

impl Listening {
    /// Watches the files that `watched` returns for the path of the folder.
    fn start(watched: impl FnOnce(&Path) -> Watched) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sender, touched) = channel();
        let mut watch = Watch::new(move |event| {
            let _ = sender.send(event);
        });
        let whole = folder.path().canonicalize().unwrap();
        watch.set(watched(&whole)).unwrap();
        Self { folder, watch, touched }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(inside)
    }

    /// Whether a watched file was touched, and the files that changed.
    fn changed(&mut self) -> (bool, Vec<String>) {
        let (mut concerned, mut last) = (false, Instant::now());
        while last.elapsed() < Duration::from_millis(100) {
            if let Ok(touched) = self.touched.recv_timeout(Duration::from_millis(20)) {
                concerned |= self.watch.concerns(&touched);
                last = Instant::now();
            }
        }
        let root = self.path("");
        let changed = self.watch.changed();
        self.watch.look();
        let names = changed.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string());
        (concerned, names.collect())
    }
}

#[test]
fn a_folder_counts_with_all_files_below_it_except_written_ones() {
    let mut listening = Listening::start(|root| {
        fs::create_dir_all(root.join("tree/deep")).unwrap();
        let written = vec![WrittenFile::new(root.join("tree/out-{b}.png"), true)];
        let trees = vec![root.join("tree")];
        Watched { trees, written, ..Watched::default() }
    });
    fs::write(listening.path("beside"), "").unwrap();
    fs::write(listening.path("tree/out-001.png"), "").unwrap();
    fs::write(listening.path("tree/.splatgraph-a1b2"), "").unwrap();
    assert_eq!(listening.changed(), (false, vec![]));
    fs::write(listening.path("tree/deep/new"), "").unwrap();
    assert_eq!(listening.changed(), (true, vec!["tree".to_owned()]));
    fs::read(listening.path("tree/deep/new")).unwrap();
    assert_eq!(listening.changed(), (false, vec![]), "reading changes nothing");
}

#[cfg(unix)]
#[test]
fn a_link_counts_and_so_does_its_target() {
    let mut listening = Listening::start(|root| {
        fs::create_dir_all(root.join("real")).unwrap();
        fs::write(root.join("real/file"), "1").unwrap();
        std::os::unix::fs::symlink("real/file", root.join("link")).unwrap();
        Watched { files: vec![root.join("link")], ..Watched::default() }
    });
    fs::write(listening.path("real/file"), "22").unwrap();
    assert_eq!(listening.changed(), (true, vec!["link".to_owned()]));
    fs::write(listening.path("other"), "333").unwrap();
    std::os::unix::fs::symlink("other", listening.path("new")).unwrap();
    fs::rename(listening.path("new"), listening.path("link")).unwrap();
    assert_eq!(listening.changed(), (true, vec!["link".to_owned()]));
}

/// Kubernetes changes all files of a folder at once, by another target of one link in the middle.
#[cfg(unix)]
#[test]
fn links_in_the_folders_of_a_target_count() {
    use std::os::unix::fs::symlink;
    let mut listening = Listening::start(|root| {
        for version in ["v1", "v2"] {
            fs::create_dir_all(root.join(format!("{version}/tree"))).unwrap();
            fs::write(root.join(format!("{version}/file")), version).unwrap();
        }
        symlink("v1", root.join("data")).unwrap();
        symlink("data/file", root.join("file")).unwrap();
        symlink("data/tree", root.join("tree")).unwrap();
        Watched { files: vec![root.join("file")], trees: vec![root.join("tree")], ..Watched::default() }
    });
    symlink("v2", listening.path("new")).unwrap();
    assert_eq!(listening.changed(), (false, vec![]));
    fs::rename(listening.path("new"), listening.path("data")).unwrap();
    assert_eq!(listening.changed(), (true, vec!["file".to_owned(), "tree".to_owned()]));
}

#[test]
fn a_file_touched_without_a_change_is_no_change() {
    let mut listening = Listening::start(|root| {
        fs::write(root.join("file"), "1").unwrap();
        Watched { files: vec![root.join("file")], ..Watched::default() }
    });
    let file = listening.path("file");
    let permissions = fs::metadata(&file).unwrap().permissions();
    fs::set_permissions(&file, permissions).unwrap();
    assert_eq!(listening.changed(), (true, vec![]));
    fs::rename(&file, listening.path("away")).unwrap();
    fs::rename(listening.path("away"), &file).unwrap();
    assert_eq!(listening.changed(), (true, vec![]));
}

#[test]
fn a_file_whose_folders_come_with_it_is_not_missed() {
    for _ in 0..20 {
        let mut listening =
            Listening::start(|root| Watched { files: vec![root.join("a/b/c/d")], ..Watched::default() });
        fs::create_dir_all(listening.path("a/b/c")).unwrap();
        let touched = listening.touched.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(listening.watch.concerns(&touched));
        if listening.watch.changed().is_empty() {
            fs::write(listening.path("a/b/c/d"), "").unwrap();
            assert_eq!(listening.changed(), (true, vec!["a/b/c/d".to_owned()]));
        }
    }
}

#[test]
fn folders_on_the_way_may_come_and_go() {
    let mut listening = Listening::start(|root| Watched { files: vec![root.join("a/b/c")], ..Watched::default() });
    let watched = Watched { files: vec![listening.path("a/b/c")], ..Watched::default() };
    for _ in 0..2 {
        fs::create_dir(listening.path("a")).unwrap();
        assert_eq!(listening.changed(), (true, vec![]));
        listening.watch.set(watched.clone()).unwrap();
        fs::create_dir(listening.path("a/b")).unwrap();
        assert_eq!(listening.changed(), (true, vec![]));
        listening.watch.set(watched.clone()).unwrap();
        fs::write(listening.path("a/b/c"), "").unwrap();
        assert_eq!(listening.changed(), (true, vec!["a/b/c".to_owned()]));
        fs::remove_dir_all(listening.path("a")).unwrap();
        assert_eq!(listening.changed(), (true, vec!["a/b/c".to_owned()]));
        listening.watch.set(watched.clone()).unwrap();
    }
}
