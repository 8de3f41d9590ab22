//! The nodes: one folder for each chapter, and one file for each node with the node's name. Nothing else in the pack uses them.

pub mod edit;
pub mod files;
pub mod generate;
pub mod look;
pub mod measure;
pub mod tokenize;
pub mod train;
