//! Graph files: reading them, checking them against the loaded packs, drawing them.
//!
//! [`File::parse`] reads a text, [`check()`] compares it with a [`Registry`](crate::registry::Registry) and puts in what
//! the command line says ([`Given`]); the [`Checked`] graph that results has no problems left and can be run.
//!
//! # Paths
//! - Paths to read are relative to the graph's folder; those from the command line to the current directory.
//! - Paths to write are relative to the current directory, or to [`Given::out_dir`]. In them `{stem}` stands for the name
//!   of the first file that the graph reads, `{index}` for [`Given::index`], `{name}` for the value of a named input (of
//!   a path its stem; separators become `-`). `{b}` is left to the pack, for the position in a batch.
//! - Models are looked for among the pack's own, as a path to read, and in [`Given::model_dirs`].
//! - A graph from a picture has to stay in these folders, except where the command line says otherwise.
//! - A run does not write over a file that it reads, and no file twice.

mod check;
mod draw;
mod file;
mod given;
mod json;
mod literal;
mod names;
mod parse;
mod paths;
mod problem;
mod schema;
mod write;

pub use check::{Checked, CheckedNode, Feed, Socket, check};
pub use draw::draw;
pub use file::{File, Input, Link, NamedInput, NamedOutput, Node, Origin, OutputName, Source, Target};
pub use given::{Given, model_folders};
pub use names::nearest;
pub use parse::VERSION;
pub(crate) use paths::{PathRules, Resolved, identity, paths_clash};
pub use problem::{Kind, Place, Problem, Problems};
pub use schema::schema;
