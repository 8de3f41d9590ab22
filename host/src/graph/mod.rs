//! Graph files: reading them, checking them against the loaded packs, drawing them.
//!
//! [`File::parse`] reads a text, [`check`] compares it with a [`Registry`](crate::registry::Registry) and puts in what
//! the command line says ([`Given`]); the [`Checked`] graph that results has no problems left and can be run.

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
pub(crate) use paths::{PathRules, Resolved, paths_clash};
pub use problem::{Kind, Place, Problem, Problems};
pub use schema::schema;
