//! The places where packs are searched, in their order. The pack in the earlier place is used. The current directory is
//! never searched.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable with further folders of packs, separated like `PATH`.
pub const PACKS_VARIABLE: &str = "SPLATGRAPH_PACKS";

/// Why a folder is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The caller named it; the folder has to exist.
    Option,
    /// `SPLATGRAPH_PACKS`.
    Variable,
    /// The folder `packs` beside the executable.
    Installed,
    /// `lib/splatgraph/packs` beside the executable's folder, where packages put packs.
    Packaged,
    /// The executable's own folder, where cargo puts the libraries that it builds.
    BesideExecutable,
    /// `splatgraph/packs` in an XDG data directory.
    DataDirectory,
}

/// A folder to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// Why it is searched.
    pub origin: Origin,
}

/// The surroundings of a process that decide on the places.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `SPLATGRAPH_PACKS`.
    pub packs: Option<OsString>,
    /// The running executable.
    pub executable: Option<PathBuf>,
    /// `XDG_DATA_HOME`, on Windows else `LOCALAPPDATA`.
    pub data_home: Option<OsString>,
    /// `XDG_DATA_DIRS`.
    pub data_dirs: Option<OsString>,
    /// `XDG_CACHE_HOME`, on Windows else `LOCALAPPDATA`.
    pub cache_home: Option<OsString>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

impl Surroundings {
    /// The surroundings of the running process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            packs: env::var_os(PACKS_VARIABLE),
            executable: env::current_exe().and_then(dunce::canonicalize).ok(),
            data_home: of_user("XDG_DATA_HOME"),
            data_dirs: env::var_os("XDG_DATA_DIRS"),
            cache_home: of_user("XDG_CACHE_HOME"),
            home: env::home_dir(),
        }
    }
}

/// The value of a variable that names a folder of the user. Windows has one such folder for everything.
fn of_user(variable: &str) -> Option<OsString> {
    let folder = env::var_os(variable);
    if cfg!(windows) { folder.or_else(|| env::var_os("LOCALAPPDATA")) } else { folder }
}

/// The folders to search: `options`, which the caller names, come first. Each folder is listed once. Folders need not exist.
#[must_use]
pub fn places(options: &[PathBuf], around: &Surroundings) -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |folder: PathBuf, origin| {
        if !places.iter().any(|place: &Place| place.folder == folder) {
            places.push(Place { folder, origin });
        }
    };
    for folder in options {
        add(folder.clone(), Origin::Option);
    }
    for folder in absolute_folders(around.packs.as_deref()) {
        add(folder, Origin::Variable);
    }
    if let Some(folder) = around.executable.as_deref().and_then(Path::parent) {
        add(folder.join("packs"), Origin::Installed);
        if let Some(prefix) = folder.parent() {
            add(prefix.join("lib").join("splatgraph").join("packs"), Origin::Packaged);
        }
        // Test executables and examples of cargo lie one folder below the libraries that it builds.
        let built = match folder.file_name().and_then(|name| name.to_str()) {
            Some("deps" | "examples") => folder.parent().unwrap_or(folder),
            _ => folder,
        };
        add(built.to_path_buf(), Origin::BesideExecutable);
    }
    if let Some(folder) = user_folder(around) {
        add(folder, Origin::DataDirectory);
    }
    let dirs = around.data_dirs.clone().filter(|dirs| !dirs.is_empty());
    let dirs = dirs.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    for folder in absolute_folders(Some(&dirs)) {
        add(in_data(folder), Origin::DataDirectory);
    }
    places
}

/// The user's folder of packs; `None` without a home folder.
#[must_use]
pub fn user_folder(around: &Surroundings) -> Option<PathBuf> {
    let data = absolute_folders(around.data_home.as_deref()).next();
    data.or_else(|| around.home.as_ref().map(|home| home.join(".local/share"))).map(in_data)
}

/// The file that remembers what was found when packs were looked over; `None` without a home folder.
#[must_use]
pub fn memory_file(around: &Surroundings) -> Option<PathBuf> {
    let cache = absolute_folders(around.cache_home.as_deref()).next();
    let cache = cache.or_else(|| around.home.as_ref().map(|home| home.join(".cache")))?;
    Some(cache.join("splatgraph").join("packs"))
}

fn in_data(folder: PathBuf) -> PathBuf {
    folder.join("splatgraph").join("packs")
}

/// The absolute folders in a list. Relative ones would depend on the current directory, and are left out.
fn absolute_folders(list: Option<&std::ffi::OsStr>) -> impl Iterator<Item = PathBuf> {
    env::split_paths(list.unwrap_or_default()).filter(|folder| folder.is_absolute())
}

/// The shared libraries in `folder`, and the files that describe packs in other languages, but none in folders below it. They are
/// sorted by name; there are none if the folder does not exist.
///
/// # Errors
/// The folder exists but can't be listed.
pub fn libraries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        #[cfg(unix)]
        let describes = super::found::describes_pack(&path);
        #[cfg(not(unix))]
        let describes = false;
        if describes || path.extension().is_some_and(|extension| extension == env::consts::DLL_EXTENSION) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(options: &[&str], around: &Surroundings) -> Vec<String> {
        let options: Vec<PathBuf> = options.iter().map(PathBuf::from).collect();
        let places = places(&options, around);
        places.iter().map(|place| format!("{} ({:?})", place.folder.display(), place.origin)).collect()
    }

    #[test]
    fn options_come_first_and_data_directories_last() {
        let around = Surroundings {
            packs: Some("/a:/b:relative:".into()),
            executable: Some("/opt/bin/splatgraph".into()),
            data_home: None,
            data_dirs: Some("/usr/share".into()),
            cache_home: None,
            home: Some("/home/me".into()),
        };
        insta::assert_snapshot!(folders(&["mine", "/a"], &around).join("\n"), @r"
        mine (Option)
        /a (Option)
        /b (Variable)
        /opt/bin/packs (Installed)
        /opt/lib/splatgraph/packs (Packaged)
        /opt/bin (BesideExecutable)
        /home/me/.local/share/splatgraph/packs (DataDirectory)
        /usr/share/splatgraph/packs (DataDirectory)
        ");
        assert_eq!(memory_file(&around).unwrap(), Path::new("/home/me/.cache/splatgraph/packs"));
        assert_eq!(memory_file(&Surroundings::default()), None);
    }

    #[test]
    fn cargo_test_executables_find_packs_one_folder_up() {
        let around = Surroundings {
            executable: Some("/p/target/release/deps/cli-123".into()),
            data_home: Some("/data".into()),
            ..Surroundings::default()
        };
        insta::assert_snapshot!(folders(&[], &around).join("\n"), @r"
        /p/target/release/deps/packs (Installed)
        /p/target/release/lib/splatgraph/packs (Packaged)
        /p/target/release (BesideExecutable)
        /data/splatgraph/packs (DataDirectory)
        /usr/local/share/splatgraph/packs (DataDirectory)
        /usr/share/splatgraph/packs (DataDirectory)
        ");
    }

    #[test]
    fn only_libraries_of_the_folder_itself_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.so", "a.so", "c.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("below/d.so"), "").unwrap();
        let names: Vec<_> = libraries(folder.path()).unwrap();
        let names: Vec<_> = names.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["a.so", "b.so"]);
        assert!(libraries(&folder.path().join("nowhere")).unwrap().is_empty());
    }
}
