//! The formats of the ComfyUI front end and its clients: descriptions of node classes, prompts, and workflows.
//!
//! A *prompt* is a bare prompt as clients send it: nodes by their ids, links by position. A *workflow* is what the front end saves: nodes
//! with places and sizes, links by number, values in the order of the node's widgets. A *widget* is an input with a field for its value;
//! other inputs are only links.

mod help;
pub mod object_info;
mod prompt;
mod sockets;

pub use help::help_page;
