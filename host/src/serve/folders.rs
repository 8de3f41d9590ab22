//! The folders of the server, and the files in them that clients may name.

use crate::graph::identity;
use splatgraph_sdk::{Error, write_whole};
use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// The longest name of a file or folder that a client may choose, in bytes.
const LONGEST_NAME: usize = 200;

/// The folders that clients name by their kinds.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    /// Uploads.
    pub(super) input: PathBuf,
    /// Results.
    pub(super) output: PathBuf,
    /// Previews, which are removed when the server starts.
    pub(super) temp: PathBuf,
    /// Graphs and the files beside them.
    pub(super) graphs: Vec<PathBuf>,
}

impl Folders {
    /// Creates the folders that are missing, and empties that for previews.
    pub(super) fn create(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.temp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        [&self.input, &self.output, &self.temp].into_iter().try_for_each(fs::create_dir_all)
    }

    /// The folders that graphs may read from, in the order of the search.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        let first = [self.input.clone()];
        first.into_iter().chain(self.graphs.iter().cloned()).chain([self.output.clone(), self.temp.clone()]).collect()
    }

    /// The folder of a kind: `input`, `output` or `temp`.
    pub(super) fn of_kind(&self, kind: &str) -> Option<&Path> {
        match kind {
            "input" => Some(&self.input),
            "output" => Some(&self.output),
            "temp" => Some(&self.temp),
            _ => None,
        }
    }

    /// The file that a client names; `None` if there is none, or if it is not inside its folder. Pictures beside the graphs
    /// count as input.
    pub(super) fn file(&self, kind: &str, subfolder: &str, name: &str) -> Option<PathBuf> {
        let name = confined(subfolder)?.join(confined(name).filter(|name| name.as_os_str() != "")?);
        let more: &[PathBuf] = if kind == "input" { &self.graphs } else { &[] };
        let folders = std::iter::once(self.of_kind(kind)?).chain(more.iter().map(PathBuf::as_path));
        folders.map(|folder| (folder, folder.join(&name))).find_map(|(folder, path)| {
            (path.is_file() && identity(&path).starts_with(identity(folder))).then_some(path)
        })
    }

    /// Saves an upload. If a file has its name and other content, the upload gets a number. Returns the name.
    pub(super) fn save(
        &self,
        kind: &str,
        subfolder: &str,
        name: &str,
        content: &[u8],
        overwrite: bool,
    ) -> Result<String, Error> {
        let refused = |what: &str, got: &str| Error::new(format!("expected {what}, got {got:?}"));
        let folder = self.of_kind(kind).filter(|_| kind != "output");
        let folder = folder.ok_or_else(|| refused("the type input or temp", kind))?;
        let below = confined(subfolder).ok_or_else(|| refused("a folder below that of uploads", subfolder))?;
        let name = plain_name(name).ok_or_else(|| refused("the name of a file", name))?;
        let target = folder.join(below);
        fs::create_dir_all(&target).map_err(|error| Error::new(format!("the folder cannot be created: {error}")))?;
        if !identity(&target).starts_with(identity(folder)) {
            return Err(refused("a folder below that of uploads", subfolder));
        }
        let path = Path::new(name);
        let numbered = |number: u64| match number {
            0 => path.to_owned(),
            _ => splatgraph_sdk::behind_stem(path, &format!("-{number}")),
        };
        for name in (0u64..).map(numbered) {
            let path = target.join(&name);
            let is_same = || fs::read(&path).is_ok_and(|there| there == content);
            let is_free = path.symlink_metadata().is_err();
            if !is_free && !overwrite && is_same() {
                return Ok(name.to_string_lossy().into_owned());
            }
            if is_free || overwrite {
                write_whole(&path, content).map_err(|error| error.about_file("the upload cannot be saved", &path))?;
                return Ok(name.to_string_lossy().into_owned());
            }
        }
        unreachable!("some number is free")
    }
}

/// The path that a client names, if it stays below its folder and names no hidden file.
pub(super) fn confined(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let is_plain = |component: Component<'_>| match component {
        Component::Normal(name) => name.to_str().is_some_and(|name| plain_name(name).is_some()),
        _ => false,
    };
    // Windows takes a backslash for a separator, and other systems would write it into a name.
    (!text.contains('\\') && path.components().all(is_plain)).then(|| path.to_owned())
}

/// A name that a client chose, if it is one.
fn plain_name(name: &str) -> Option<&str> {
    let is_plain = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':', '"', '<', '>', '|', '?', '*'])
        && !name.contains(char::is_control);
    is_plain.then_some(name)
}

/// The type of a file's content, for browsers. Only pictures and data are named as what they are, so that no file runs as a page.
pub(super) fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "json" => "application/json",
        "csv" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_clients_stay_below_their_folder() {
        for bad in
            ["..", "../a", "a/../../b", "/etc/passwd", "a\\..\\b", ".ssh/key", "a\0", "c:x", "a/.hidden", "./../x"]
        {
            assert_eq!(confined(bad), None, "{bad}");
        }
        for good in ["", "a", "a/b.png", "ä b/ü.png"] {
            assert_eq!(confined(good), Some(good.into()));
        }
    }

    #[test]
    fn an_upload_never_replaces_another_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let folders = Folders { input: at("in"), output: at("out"), temp: at("temp"), graphs: Vec::new() };
        folders.create().unwrap();
        let save = |content: &[u8], overwrite| folders.save("input", "", "a.png", content, overwrite).unwrap();
        assert_eq!(save(b"1", false), "a.png");
        assert_eq!(save(b"2", false), "a-1.png");
        assert_eq!(save(b"1", false), "a.png");
        assert_eq!(save(b"3", true), "a.png");
        assert_eq!(fs::read(at("in/a.png")).unwrap(), b"3");
        assert_eq!(fs::read(at("in/a-1.png")).unwrap(), b"2");
        let refused = |kind, subfolder, name| folders.save(kind, subfolder, name, b"", false).unwrap_err().message;
        insta::assert_snapshot!(refused("output", "", "a.png"), @r#"expected the type input or temp, got "output""#);
        insta::assert_snapshot!(refused("input", "../x", "a.png"), @r#"expected a folder below that of uploads, got "../x""#);
        insta::assert_snapshot!(refused("input", "", "../a.png"), @r#"expected the name of a file, got "../a.png""#);
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out_of_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let folders = Folders { input: at("in"), output: at("out"), temp: at("temp"), graphs: Vec::new() };
        folders.create().unwrap();
        fs::write(at("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(at("secret"), at("in/link.png")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("in/up")).unwrap();
        assert_eq!(folders.file("input", "", "link.png"), None);
        assert_eq!(folders.file("input", "up", "secret"), None);
        assert!(folders.save("input", "up", "new.png", b"", false).is_err());
    }
}
