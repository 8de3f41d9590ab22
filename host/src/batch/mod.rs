//! Running a graph over many items: files that fit a pattern, lists, ranges, rows of a CSV file, and their products.
//!
//! [`Batch::new`] reads the values and checks every item before anything runs; [`Batch::run`] runs those that the journal
//! in the batch's folder does not have yet.
//!
//! # What a folder holds
//! - `batch.jsonl`, the journal: a line about the batch, then one for each item that is done or failed. A line is written
//!   as a whole when the item's files are; what a killed process left half written is cut off by the next. Items are known
//!   by their values, so that the same command goes on where it stopped, and one with more files runs only the new ones.
//!   Whether the content of a file changed since is not looked at.
//! - What the graph's nodes write, or with [`Collect`] shards instead, `NAME-00000.safetensors`, an output of many items
//!   stacked along its first axis.
//! - Parts of a batch ([`Part`]) have a journal and shards of their own, and may run at the same time in one folder.
//!
//! # What runs once
//! Nodes that no value of an item reaches run once, before the first item, and their results stay in memory, as do those
//! that several items share, up to [`CACHE_BYTES`]. Items that share results are run in a row, by one worker.

mod axis;
mod check;
mod clash;
mod collect;
mod error;
mod items;
mod journal;
mod options;
mod record;
mod rows;
mod run;
mod summary;
mod table;
mod tidy;
mod values;
mod vary;
mod work;

pub use check::Batch;
pub use error::{Error, ErrorKind};
pub use options::{Collect, Options, Part};
pub use run::CACHE_BYTES;
pub use summary::{Failed, Summary, Update};
pub use table::Table;
