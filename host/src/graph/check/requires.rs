//! Checks the packs that a graph requires.

use super::{
    super::{
        file::Requirement,
        problem::{Kind, Problem},
    },
    Checker, HOW_TO_INSTALL,
};
use crate::words::some_of;
use semver::Version;

impl Checker<'_> {
    /// Reports required packs that are missing or have another version.
    pub(super) fn check_requirements(&mut self) {
        for requirement in std::mem::take(&mut self.file.requires) {
            if let Some(problem) = self.unmet_requirement(&requirement) {
                // Several parts of a graph may require the same pack.
                if self.unmet.insert(requirement.pack.clone()) {
                    let hint = self.how_to_get(&requirement);
                    self.problems.push(problem.at(requirement.place.clone()).hint(hint));
                }
            }
            self.file.requires.push(requirement);
        }
    }

    fn unmet_requirement(&self, requirement: &Requirement) -> Option<Problem> {
        let Requirement { pack: id, version, .. } = requirement;
        if let Some(reason) = self.registry.refused(id) {
            let message = format!("the graph requires the pack `{id}`, which cannot be loaded: {reason}");
            return Some(Problem::new(Kind::MissingPack, message));
        }
        let Some(pack) = self.registry.pack(id) else {
            let loaded: Vec<&str> = self.registry.packs().iter().map(|pack| pack.manifest.id.as_str()).collect();
            let loaded = if loaded.is_empty() { "none".to_owned() } else { some_of(loaded) };
            let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            let message = format!("the graph requires the pack `{id}`{version}, but the loaded packs are: {loaded}");
            return Some(Problem::new(Kind::MissingPack, message));
        };
        let version = version.as_ref()?;
        let there = &pack.manifest.version;
        if Version::parse(there).is_ok_and(|there| version.matches(&there)) {
            return None;
        }
        let problem = Problem::new(Kind::PackVersion, format!("the graph requires another version of the pack `{id}`"));
        let there = if there.is_empty() { "a pack without a version" } else { there };
        Some(problem.expected(version.to_string()).received(there))
    }

    /// The next step. The reason why a pack can't be loaded has its own.
    fn how_to_get(&self, requirement: &Requirement) -> Option<String> {
        match &requirement.url {
            Some(url) => Some(format!("get it from {url}, then `splatgraph packs add FILE`")),
            None => self.registry.refused(&requirement.pack).is_none().then(|| HOW_TO_INSTALL.to_owned()),
        }
    }
}
