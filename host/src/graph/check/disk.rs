//! Looks at the files that a graph names: whether those to read are there, and whether those to write can be written. Opens
//! none of them.

use super::{
    super::{
        file::{Base, Origin, Target},
        paths::{Identities, folder_of, identity},
        problem::{Kind, Problem, Problems},
        series::RunFile,
        written::WrittenFile,
    },
    Checked, Feed,
};
use crate::words::{nearest, shown, some_of};
use splatgraph_sdk::{
    shard::{self, Shard},
    spec::PathKind,
};
use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
};

/// A file or folder that a node reads or writes.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// The position of the node.
    pub(in super::super) node: usize,
    pub(in super::super) input: String,
    pub(in super::super) kind: PathKind,
    /// The path as it is written, for messages.
    pub(in super::super) text: String,
    /// Present if the node writes it.
    pub(in super::super) written: Option<WrittenFile>,
    pub(in super::super) path: PathBuf,
}

/// What was found on the disk. Every path is looked at once, however many items of a batch name it.
#[derive(Default)]
pub(crate) struct Disk {
    read_files: HashMap<PathBuf, Option<Fault>>,
    read_folders: HashMap<PathBuf, Option<Fault>>,
    /// The reasons why no file can be written to a folder, with what to do.
    written_folders: HashMap<PathBuf, Option<(String, &'static str)>>,
    /// The number of folders that were searched for near names.
    searched: usize,
}

/// The most folders that are searched for near names. Further problems are most likely not shown.
const SEARCHES: usize = 20;
/// The most names of a folder that are compared.
const NAMES: usize = 10_000;

impl Checked {
    /// Looks at the files of the nodes that run: whether files to read are there, and whether files to write can be written.
    /// [`check_with_files`](super::check_with_files) does this too.
    ///
    /// # Errors
    /// All problems.
    pub fn check_files(&self) -> Result<(), Problems> {
        let problems = self.file_problems(&self.needed(&self.roots), &mut Disk::default());
        if problems.is_empty() { Ok(()) } else { Err(Problems::new(problems, self.file.origin.to_string())) }
    }

    /// For each node, whether a run for the nodes `of` needs it.
    pub(crate) fn needed(&self, of: &[usize]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        let mut stack = of.to_vec();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut needed[node], true) {
                stack.extend(self.nodes[node].feeds.iter().flat_map(Feed::sockets).map(|socket| socket.node));
            }
        }
        needed
    }

    /// The files that nodes read and write, as far as the graph names them.
    pub(crate) fn used(&self) -> &[Used] {
        &self.files
    }

    /// The problems with extensions of the files of the nodes that are `needed`. They do not depend on the disk.
    pub(crate) fn extension_problems(&self, needed: &[bool]) -> Vec<Problem> {
        let written = self.files.iter().filter(|used| needed[used.node] && used.written.is_some());
        let wrong = |used| Some(self.about_file(self.wrong_extension(used)?, used));
        written.filter_map(wrong).collect()
    }

    /// The problems of the files of the nodes that are `needed`.
    pub(crate) fn file_problems(&self, needed: &[bool], disk: &mut Disk) -> Vec<Problem> {
        let used = || self.files.iter().filter(|used| needed[used.node]);
        let mut made: Option<Made<'_>> = None;
        let mut problems = Vec::new();
        for file in used() {
            let problem = match &file.written {
                Some(written) => self.wrong_extension(file).or_else(|| disk.write(file, written)),
                // Another node may write it before, which is a problem of its own.
                None => disk.read(file).filter(|_| !made.get_or_insert_with(|| Made::new(used())).has(file)),
            };
            problems.extend(problem.map(|problem| self.about_file(problem, file)));
        }
        problems
    }

    /// A problem with an extension that the node can't write.
    fn wrong_extension(&self, used: &Used) -> Option<Problem> {
        let spec = self.nodes[used.node].class.spec.inputs.iter().find(|spec| spec.name == used.input)?;
        if used.written.as_ref()?.has_extension_of(spec) {
            return None;
        }
        let known: Vec<String> = spec.extensions.iter().map(|extension| format!(".{extension}")).collect();
        let written = Path::new(&used.text).extension().map(|extension| extension.to_string_lossy());
        let near = written.and_then(|written| nearest(&written, spec.extensions.iter().map(String::as_str)));
        let better = near.map(|near| Path::new(&used.text).with_extension(near));
        let problem = Problem::new(Kind::Extension, "")
            .expected(format!("a file name that ends in {}", some_of(known.iter().map(String::as_str))))
            .received(format!("{:?}", used.text));
        Some(problem.hint(better.map(|better| format!("did you mean {better:?}?"))))
    }

    /// A problem with the node, the input and the place of a path.
    fn about_file(&self, problem: Problem, used: &Used) -> Problem {
        let (node, file) = (&self.nodes[used.node], &self.file);
        let input = file.nodes[used.node].inputs.iter().find(|input| input.name == used.input);
        let given = input.is_some_and(|input| input.base == Base::CommandLine);
        let is_this = |target: &Target| *target.node == *node.id && target.input == used.input;
        // A user who did not write the graph can give the path without looking into the graph.
        let named = file.inputs.iter().find(|named| !given && named.targets.iter().any(is_this));
        let what = if used.kind == PathKind::ReadDir { "FOLDER" } else { "FILE" };
        let how = named.map(|named| format!("give one with `{}={what}`", named.name));
        let is_elsewhere = !given && problem.kind == Kind::MissingFile && matches!(file.origin, Origin::Picture(_));
        let hint = match (problem.hint.clone(), is_elsewhere) {
            (None, true) => {
                let how = how.unwrap_or_else(|| "give the path on the command line".to_owned());
                Some(format!("the graph comes from a picture, so its files are searched beside the picture; {how}"))
            }
            (hint, _) => hint.or(how),
        };
        let problem = problem.node(&node.id).class(&node.class.full_name).input(&used.input);
        problem.at(input.and_then(|input| input.place.clone())).hint(hint)
    }
}

/// The files that the nodes of a run make.
struct Made<'a> {
    identities: HashSet<PathBuf>,
    /// The files, and all folders that they lie in.
    ways: HashSet<&'a Path>,
    /// Files with numbers in their names.
    numbered: Vec<&'a WrittenFile>,
}

impl<'a> Made<'a> {
    fn new(used: impl Iterator<Item = &'a Used>) -> Self {
        let mut made = Self { identities: HashSet::new(), ways: HashSet::new(), numbered: Vec::new() };
        let mut known = Identities::default();
        for (used, written) in used.filter_map(|used| Some((used, used.written.as_ref()?))) {
            made.identities.insert(known.of(&used.path));
            // The folders of a folder that is known are known too.
            used.path.ancestors().all(|way| made.ways.insert(way));
            made.numbered.extend(written.has_number().then_some(written));
        }
        made
    }

    /// Whether a path to read is a file that is made, or a folder with one.
    fn has(&self, read: &Used) -> bool {
        self.ways.contains(read.path.as_path())
            || self.numbered.iter().any(|written| written.may_write(&read.path))
            || (!self.identities.is_empty() && self.identities.contains(&identity(&read.path)))
    }
}

impl Disk {
    /// Whether a file may have a problem; [`Checked::file_problems`] then says which.
    pub(crate) fn is_suspect(&mut self, file: &RunFile) -> bool {
        if file.kind != PathKind::Write {
            return read_fault(&file.path, file.kind).is_some();
        }
        if !file.has_number && file.path.metadata().is_ok_and(|about| about.is_dir()) {
            return true;
        }
        let folder = folder_of(&file.path);
        match self.written_folders.get(folder) {
            Some(known) => known.is_some(),
            None => self.written_folders.entry(folder.to_owned()).insert_entry(folder_fault(folder)).get().is_some(),
        }
    }

    /// The problem of a path to read.
    fn read(&mut self, used: &Used) -> Option<Problem> {
        let is_folder = used.kind == PathKind::ReadDir;
        let (what, known) = if is_folder { ("folder", &mut self.read_folders) } else { ("file", &mut self.read_files) };
        let fault = match known.get(&used.path) {
            Some(fault) => fault.clone(),
            None => known.entry(used.path.clone()).insert_entry(read_fault(&used.path, used.kind)).get().clone(),
        }?;
        let problem = Problem::new(Kind::MissingFile, "").expected(format!("the {what} {:?}", used.text));
        let near = (fault.is_missing && self.searched < SEARCHES).then(|| {
            self.searched += 1;
            nearest_path(&used.path, &used.text, used.kind)
        });
        Some(problem.received(fault.received).hint(near.flatten().map(|near| format!("did you mean {near:?}?"))))
    }

    /// The problem of a file to write.
    fn write(&mut self, used: &Used, written: &WrittenFile) -> Option<Problem> {
        let problem = || Problem::new(Kind::NotWritable, "");
        if !written.has_number() {
            match used.path.metadata() {
                Ok(about) if about.is_dir() => {
                    let problem = problem()
                        .expected("the path of a file to write")
                        .received(format!("the folder {:?}", used.text));
                    return Some(problem.hint(format!(
                        "write the name of a file behind it: {:?}",
                        Path::new(&used.text).join("NAME")
                    )));
                }
                // A node may write into it, whatever may be done with its folder.
                Ok(_) if may_write(&used.path).is_ok() => return None,
                _ => {}
            }
        }
        let folder = folder_of(&used.path);
        let fault = match self.written_folders.get(folder) {
            Some(known) => known.clone(),
            None => self.written_folders.entry(folder.to_owned()).insert_entry(folder_fault(folder)).get().clone(),
        }?;
        let (received, hint) = fault;
        Some(problem().expected("a folder that files can be written to").received(received).hint(hint.to_owned()))
    }
}

/// What is wrong with a path to read.
#[derive(Clone)]
struct Fault {
    received: String,
    is_missing: bool,
}

fn read_fault(path: &Path, kind: PathKind) -> Option<Fault> {
    let file = shown(path);
    if kind == PathKind::Read
        && let Some((shard, member)) = shard::split(path)
    {
        return member_fault(shard, &member);
    }
    let fault = |received: String| Some(Fault { received, is_missing: false });
    match path.metadata() {
        Ok(about) if about.is_dir() && kind == PathKind::Read => fault(format!("a folder: {file}")),
        Ok(about) if !about.is_dir() && kind == PathKind::ReadDir => fault(format!("a file: {file}")),
        Ok(_) => may_read(path).err().and_then(|error| fault(format!("{error}: {file}"))),
        Err(error) if is_missing(&error) => {
            let received = match first_missing(path) {
                Some(folder) if folder != path => format!("no folder {}", shown(folder)),
                Some(_) if path.is_symlink() => format!("a link that leads nowhere: {file}"),
                _ if kind == PathKind::ReadDir => format!("no such folder: {file}"),
                _ => format!("no such file: {file}"),
            };
            let hint = shard::compressed(path);
            Some(Fault { is_missing: hint.is_none(), received: hint.unwrap_or(received) })
        }
        Err(error) => fault(format!("{error}: {file}")),
    }
}

/// The problem of a member of a shard. Only the headers of the shard are read.
fn member_fault(path: &Path, member: &str) -> Option<Fault> {
    let what = match Shard::open(path) {
        Ok(shard) => shard.find(member).err()?,
        Err(error) => format!("a shard that cannot be read: {error}"),
    };
    Some(Fault { received: format!("{what}: {}", shown(path)), is_missing: false })
}

/// Whether there is no such file. A file may be in the place of its folder.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The first folder on the way to `path` that is none, or `path` itself.
fn first_missing(path: &Path) -> Option<&Path> {
    path.ancestors().take_while(|above| *above == path || !above.is_dir()).last()
}

/// The reason why no file can be written to a folder, or why the folder can't be made, and what to do.
fn folder_fault(folder: &Path) -> Option<(String, &'static str)> {
    let (there, about) = folder.ancestors().find_map(|above| Some((above, above.metadata().ok()?)))?;
    if !about.is_dir() {
        return Some((format!("the file {}", shown(there)), "choose another folder"));
    }
    let error = may_write(there).err()?;
    Some(match there == folder {
        true => (format!("{error}: {}", shown(folder)), "choose another folder"),
        false => {
            let received = format!("no folder {}, and in {}: {error}", shown(folder), shown(there));
            (received, "choose another folder, or make it with mkdir as a user who may")
        }
    })
}

#[cfg(unix)]
fn may(path: &Path, access: rustix::fs::Access) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, accessat};
    Ok(accessat(CWD, path, access, AtFlags::EACCESS)?)
}

#[cfg(unix)]
fn may_read(path: &Path) -> io::Result<()> {
    may(path, rustix::fs::Access::READ_OK)
}

#[cfg(unix)]
fn may_write(path: &Path) -> io::Result<()> {
    may(path, rustix::fs::Access::WRITE_OK)
}

/// Other systems tell it only when the file is opened.
#[cfg(not(unix))]
fn may_read(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn may_write(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A path that exists and has the nearest name, as the user would write it.
fn nearest_path(path: &Path, text: &str, kind: PathKind) -> Option<PathBuf> {
    let missing = first_missing(path)?;
    let entries = folder_of(missing).read_dir().ok()?.take(NAMES).flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let wanted = missing.file_name()?.to_string_lossy();
    let near = nearest(&wanted, names.iter().map(String::as_str).filter(|name| *name != wanted))?;
    let rest: Vec<_> = path.strip_prefix(missing).ok()?.components().collect();
    let renamed = |path: &Path| path.with_file_name(near).components().chain(rest.iter().copied()).collect::<PathBuf>();
    let fits = if kind == PathKind::ReadDir { Path::is_dir } else { Path::is_file };
    let written = Path::new(text).ancestors().nth(rest.len())?;
    fits(&renamed(missing)).then(|| renamed(written))
}
