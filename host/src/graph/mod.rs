//! Graph files: reading them, checking them against the loaded packs, drawing and changing them.
//!
//! [`File::parse`] reads a text, [`expand()`] puts in the graphs that its nodes name, [`check()`] compares it with a
//! [`Registry`](crate::registry::Registry) and puts in what the command line says ([`Given`]); the [`Checked`] graph that
//! results has no problems left and can be run. [`swap()`], [`to_own_format`] and [`to_bare_prompt`] make other graphs of it.
//!
//! # Paths
//! - Paths to read are relative to the folder of the file in which they are written: of the graph, or of another graph that
//!   stands in it. Those from the command line are relative to the current directory.
//! - Paths to write are relative to the current directory, or to [`Given::out_dir`]. In them `{stem}` stands for the name
//!   of the first file that the graph reads, `{index}` for [`Given::index`], `{name}` for the value of a named input (of
//!   a path its stem; separators become `-`). `{b}` is left to the pack, for the position in a batch.
//! - Models are looked for among the pack's own, as a path to read, and in [`Given::model_dirs`].
//! - A graph from a picture has to stay in these folders, except where the command line says otherwise.
//! - A run does not write over a file that it reads, and no file twice.

mod check;
mod convert;
mod draw;
mod expand;
mod file;
mod given;
mod json;
mod literal;
mod moved;
mod parse;
mod paths;
mod problem;
mod schema;
mod swap;
mod write;

pub(crate) use check::check_without_overwriting;
pub use check::{Checked, CheckedNode, Feed, Socket, check, unknown_class};
pub use convert::{Converted, to_bare_prompt, to_own_format};
pub use draw::draw;
pub use expand::expand;
pub use file::{
    Base, File, GraphNode, Input, Link, NamedInput, NamedOutput, Node, Origin, OutputName, Requirement, Source, Target,
};
pub use given::{Given, model_folders};
pub use parse::VERSION;
pub(crate) use paths::{Identities, PathRules, Resolved, file_name_part, identity, paths_clash};
pub use problem::{Kind, Place, Problem, Problems};
pub use schema::schema;
pub use swap::swap;
