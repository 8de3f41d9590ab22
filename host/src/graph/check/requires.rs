//! Checks the packs that a graph requires.

use super::{
    super::{
        file::Requirement,
        problem::{Kind, Problem},
    },
    Checker, HOW_TO_INSTALL,
};
use crate::{sums, words::some_of};
use semver::Version;
use std::io;

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
        requirement.difference(&pack.manifest.version, || sums::of_pack(pack))
    }

    /// The next step. The reason why a pack can't be loaded has its own.
    fn how_to_get(&self, requirement: &Requirement) -> Option<String> {
        match &requirement.url {
            Some(url) => Some(format!("get it from {url}, then `splatgraph packs add FILE`")),
            None => self.registry.refused(&requirement.pack).is_none().then(|| HOW_TO_INSTALL.to_owned()),
        }
    }
}

impl Requirement {
    /// The problem of a pack with this version, whose code has this sum; `None` if it is the required one.
    pub(crate) fn difference(
        &self,
        version: &str,
        sum: impl FnOnce() -> io::Result<Option<String>>,
    ) -> Option<Problem> {
        let id = &self.pack;
        if let Some(required) = &self.version
            && !Version::parse(version).is_ok_and(|version| required.matches(&version))
        {
            let message = format!("the graph requires another version of the pack `{id}`");
            let there = if version.is_empty() { "a pack without a version" } else { version };
            return Some(Problem::new(Kind::PackVersion, message).expected(required.to_string()).received(there));
        }
        let required = self.sha256.as_ref()?;
        let there = match sum() {
            Ok(Some(sum)) if sum == *required => return None,
            Ok(Some(sum)) => format!("the SHA-256 {sum}"),
            Ok(None) => "a pack that is part of the program".to_owned(),
            Err(error) => format!("a library that cannot be read: {error}"),
        };
        let message = format!("the graph requires another library of the pack `{id}`");
        Some(Problem::new(Kind::PackVersion, message).expected(format!("the SHA-256 {required}")).received(there))
    }
}
