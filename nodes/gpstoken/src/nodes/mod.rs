//! The nodes: one folder for each chapter, one file for each node, named as the node. Nothing else of the pack uses them.

pub mod edit;
pub mod files;
pub mod generate;
pub mod look;
pub mod tokenize;
pub mod train;
