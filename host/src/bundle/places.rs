//! The places of files in a bundle.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::graph::{GRAPH_NAME, LOCK_NAME, identity, leaves_folder};

/// The places of the files that were put in, by the files' identities.
pub(super) struct Places {
    of: HashMap<PathBuf, String>,
    /// In lower case, as some systems take `A` for `a`.
    taken: Vec<String>,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { of: HashMap::new(), taken: vec![GRAPH_NAME.to_owned(), LOCK_NAME.to_owned()] }
    }

    /// The place of a file that was put in.
    pub(super) fn of(&self, path: &Path) -> Option<&str> {
        self.of.get(&identity(path)).map(String::as_str)
    }

    /// Puts files in that stay together: the first has the name `name` beside the graph, and the others lie behind the same folder. They
    /// keep their names. If the name leads out of the folder of the graph, or is taken, they get a folder inside `folder`.
    pub(super) fn put(&mut self, folder: &str, name: &str, files: &[(PathBuf, String)]) {
        if files.first().is_some_and(|(first, _)| self.of(first).is_some()) {
            return;
        }
        let own = Path::new(name)
            .parent()
            .and_then(Path::to_str)
            .filter(|_| !leaves_folder(Path::new(name)) && !has_dots(name));
        let others = (1..).map(|number| if number == 1 { folder.to_owned() } else { format!("{folder}/{number}") });
        let mut candidates = own.map(str::to_owned).into_iter().chain(others);
        let inside =
            |folder: &str, name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let is_free = |candidate: &String| files.iter().all(|(_, name)| self.is_free(&inside(candidate, name)));
        // There is always one, as the numbers do not end.
        let Some(free) = candidates.find(is_free) else { return };
        for (path, name) in files {
            let place = inside(&free, name);
            self.taken.push(place.to_lowercase());
            self.of.insert(identity(path), place);
        }
    }

    /// Whether a place is not taken, and no file lies where it needs a folder.
    fn is_free(&self, place: &str) -> bool {
        let place = place.to_lowercase();
        let is_inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        !self.taken.iter().any(|taken| *taken == place || is_inside(taken, &place) || is_inside(&place, taken))
    }
}

fn has_dots(name: &str) -> bool {
    name.split('/').any(|part| part == "..")
}

/// The path from the folder of the file `from` to `to`, both places in a bundle.
pub(super) fn relative(from: &str, to: &str) -> String {
    let mut folder: Vec<&str> = from.split('/').collect();
    folder.pop();
    let target: Vec<&str> = to.split('/').collect();
    let shared = folder.iter().zip(&target).take_while(|(a, b)| a == b).count().min(target.len() - 1);
    let up = folder.iter().skip(shared).map(|_| "..");
    up.chain(target.iter().skip(shared).copied()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_keep_their_names_and_get_folders_of_their_own() {
        let mut places = Places::new();
        let mut put = |name: &str, path: &str| {
            let file = name.rsplit('/').next().unwrap().to_owned();
            places.put("files", name, &[(path.into(), file)]);
            places.of(Path::new(path)).unwrap().to_owned()
        };
        assert_eq!(put("a/cat.png", "/x/a/cat.png"), "a/cat.png");
        assert_eq!(put("../cat.png", "/cat.png"), "files/cat.png");
        assert_eq!(put("cat.png", "/elsewhere/cat.png"), "cat.png");
        assert_eq!(put("../../cat.png", "/y/cat.png"), "files/2/cat.png");
        assert_eq!(put("CAT.png", "/z/CAT.png"), "files/3/CAT.png");
        assert_eq!(put("a", "/z/a"), "files/a", "`a` is a folder");
        assert_eq!(put("graph.json", "/x/graph.json"), "files/graph.json");
        assert_eq!(put("other", "/x/a/cat.png"), "a/cat.png", "the file was put in before");
    }

    #[test]
    fn paths_lead_from_one_place_to_another() {
        assert_eq!(relative("graph.json", "files/a.png"), "files/a.png");
        assert_eq!(relative("parts/x.json", "files/a.png"), "../files/a.png");
        assert_eq!(relative("parts/x.json", "parts/y.json"), "y.json");
        assert_eq!(relative("parts/deep/x.json", "parts/y.json"), "../y.json");
        assert_eq!(relative("a/x.json", "a"), "../a");
    }
}
