//! The formats of the ComfyUI front end and its clients: descriptions of node classes, prompts, and workflows.
//!
//! A *prompt* is a bare prompt as clients send it: nodes by their ids, links by position. A *workflow* is what the front end saves: nodes
//! with places and sizes, links by number, values in the order of the node's widgets. A *widget* is an input with a field for its value;
//! other inputs are only links.

mod help;
mod keys;
pub mod object_info;
mod prompt;
mod read;
mod replacements;
mod sockets;
mod write;

pub use help::help_page;
pub(super) use keys::EXTRA;
pub(super) use read::classes;
pub use read::{add_names, to_prompt};
pub use replacements::replacements;
pub use write::{to_blueprint, to_workflow};

/// The newest version of workflows that this program reads.
pub(super) const NEWEST: f64 = 1.0;
