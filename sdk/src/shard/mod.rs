//! Reads members of .tar shards in place. A path that continues behind a shard names a member: `val-0003.tar/n01440764/1.jpg`.

mod header;
mod index;
mod known;
mod open;
#[cfg(test)]
mod tests;

pub use index::Shard;
pub use open::{InputFile, open_file};

use std::path::{Component, Path, PathBuf};

/// The ending of a shard, in lower case.
pub const ENDING: &str = "tar";

/// The endings of compressed shards, each with the program that takes the compression away.
const COMPRESSED: [(&str, &str); 9] = [
    (".tar.gz", "gunzip"),
    (".tgz", "gunzip"),
    (".tar.bz2", "bunzip2"),
    (".tbz2", "bunzip2"),
    (".tar.xz", "unxz"),
    (".txz", "unxz"),
    (".tar.zst", "unzstd"),
    (".tzst", "unzstd"),
    (".tar.lz4", "unlz4"),
];

/// Whether a path is a shard: a file that ends in .tar. A folder with such a name is a folder.
pub fn is_shard(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ENDING)) && path.is_file()
}

/// The shard and the name of the member in it that a path names; `None` for any other path. Opens nothing, and the member need
/// not exist.
pub fn split(path: &Path) -> Option<(&Path, String)> {
    // The folders of one path hold at most one file, as nothing lies behind a file.
    let shard = path.ancestors().skip(1).find(|above| is_shard(above))?;
    let mut name = String::new();
    for part in path.strip_prefix(shard).ok()?.components().filter(|part| *part != Component::CurDir) {
        if !name.is_empty() {
            name.push('/');
        }
        name += &part.as_os_str().to_string_lossy();
    }
    Some((shard, name))
}

/// What to do with a path that is a compressed shard or leads into one; `None` for any other path.
pub fn compressed(path: &Path) -> Option<String> {
    path.ancestors().find_map(|above| {
        let name = above.file_name()?.to_str()?;
        let lower = name.to_ascii_lowercase();
        let (_, program) = COMPRESSED.iter().find(|(ending, _)| lower.ends_with(ending))?;
        above.is_file().then(|| {
            format!(
                "members of a compressed shard are not read; take only the compression away with `{program} {name}`, and use the .tar file"
            )
        })
    })
}

/// The paths that the file with another ending beside a file may have, the most likely first: `a.seg.cls` and `a.cls` beside
/// `a.seg.png`, because in shards the names up to the first dot belong together.
pub fn beside(path: &Path, ending: &str) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stems = name.rmatch_indices('.').map(|(dot, _)| &name[..dot]).filter(|stem| !stem.is_empty());
    stems.map(|stem| path.with_file_name(format!("{stem}.{ending}"))).collect()
}
