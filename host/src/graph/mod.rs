//! Reads graph files, checks them against the loaded packs, draws and changes them.
//!
//! [`File::parse`] reads a text. [`expand()`] puts in the graphs that its nodes name. [`check()`] puts in the values of
//! [`Given`] and compares the graph with a [`Registry`](crate::registry::Registry). Its result, a [`Checked`] graph, has no
//! problems and can run. [`check_with_files`] also looks whether the graph's files are there. [`swap()`], [`to_own_format`] and [`to_bare_prompt`] make other graphs from a graph.
//!
//! # Versions
//! A graph names under `packs` the versions of packs with which it was made. What packs changed since is applied before the check;
//! [`Checked::warnings`] tells about it, and a graph that is written has the new form.
//!
//! # Paths
//! - Paths to read are relative to the folder of the file that has them: the graph, or the graph of a graph node. Paths from
//!   the command line are relative to the current directory.
//! - Paths to write are relative to the current directory, or to [`Given::out_dir`]. In these, `{stem}` stands for the stem
//!   of the first file that the graph reads, `{index}` for [`Given::index`], and `{name}` for the value of a named input
//!   (for a path its stem; separators become `-`). `{b}` is for the pack: the position in a batch of pictures. `{{}` stands for
//!   a brace. Only what is written is filled in, and once: a value with `{b}` in it stays as it is.
//! - A model is searched among the pack's built-in models, then as a path to read, then in [`Given::model_dirs`].
//! - Paths in a graph from a picture or a bundle may not leave these folders. Paths from the command line may.
//! - A graph from elsewhere ([`File::is_foreign`]) writes only below the folder for output, no hidden files, and only extensions
//!   that its nodes declare. It replaces no file unless [`Given::overwrite`] says so: its file gets a number.
//! - A run never writes over a file that it reads, and never writes a file twice.

mod changes;
mod check;
mod convert;
mod draw;
mod expand;
mod file;
mod foreign;
mod given;
mod json;
mod lines;
mod literal;
mod moved;
mod parse;
mod parse_repeat;
mod paths;
mod placeholders;
mod problem;
mod reads;
mod repeat;
mod repeat_class;
mod schema;
mod series;
mod source;
mod supply;
mod swap;
mod template;
mod unpacked;
pub mod workflow;
mod write;
mod written;

pub use changes::{Difference, Earlier, EarlierInput, Step, differences, faults};
pub use check::{Checked, CheckedNode, Feed, Repeated, Socket, check, check_with_files, unknown_class};
pub(crate) use check::{Disk, check_without_overwriting};
pub use convert::{Converted, to_bare_prompt, to_own_format, to_workflow};
pub use draw::draw;
pub use expand::expand;
pub use file::{
    Base, File, GraphNode, Input, Link, NamedInput, NamedOutput, Node, Origin, OutputName, Requirement, Source, Target,
};
pub use given::{Given, data_folder, model_folders};
pub use parse::VERSION;
pub(crate) use paths::{Identities, PathRules, Resolved, folder_of, identity, leaves_folder};
pub use placeholders::file_name_part;
pub use problem::{Kind, Place, Problem, Problems};
pub(crate) use reads::Read;
pub use repeat::{Each, Fold, Mode, Repeat};
pub use repeat_class::class_of;
pub use schema::schema;
pub(crate) use series::{RunFile, Series};
pub use supply::Supplied;
pub use swap::swap;
pub use unpacked::Unpacked;
pub(crate) use unpacked::{GRAPH_NAME, LOCK_NAME};
pub use written::WrittenFile;
