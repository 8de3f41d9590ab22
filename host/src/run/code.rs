//! The code that makes results: the libraries of packs, and the machine.

use super::digest::Digests;
use crate::{registry::Pack, store::Key};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, path::PathBuf};

/// Digests of the code of packs.
pub(super) enum Codes {
    /// Each load of a pack counts as other code, which no other process knows.
    Loads,
    /// The files of a pack, as they were when a run first used this load of it.
    Files(HashMap<(PathBuf, u64), Option<Key>>),
}

impl Codes {
    /// The digest of a pack's code; `None` if its files can't be read.
    pub(super) fn of(&mut self, pack: &Pack, digests: &mut Digests) -> Option<Key> {
        let generation = pack.nodes.generation();
        let known = match self {
            Self::Loads => return Some(Sha256::digest(generation.to_le_bytes()).into()),
            Self::Files(known) => known,
        };
        // Part of the program, or of the module for Python.
        if pack.path.as_os_str().is_empty() {
            return Some(Sha256::digest(env!("CARGO_PKG_VERSION")).into());
        }
        *known.entry((pack.path.clone(), generation)).or_insert_with(|| {
            let mut hash = Sha256::new();
            for path in [pack.path.clone()].into_iter().chain(pack.nodes.files()) {
                hash.update(digests.of(&path).ok()?);
            }
            Some(hash.finalize().into())
        })
    }
}

/// The kind of processor and its instructions, on which the last bits of results depend.
pub(super) fn machine() -> String {
    let mut words = vec![std::env::consts::OS, std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        let has = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
            ("avx512bw", is_x86_feature_detected!("avx512bw")),
            ("avx512dq", is_x86_feature_detected!("avx512dq")),
            ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ];
        words.extend(has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name));
    }
    // The user limits the instructions with it.
    let limit = std::env::var("SPLATGRAPH_CPU").map(|limit| format!(" limited to {limit}")).unwrap_or_default();
    words.join(" ") + &limit
}
