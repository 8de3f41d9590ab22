//! Runs a graph over many items: files that match a pattern, lists, ranges, rows of a CSV file, and their products.
//!
//! [`Batch::new`] reads the values and checks every item before anything runs. [`Batch::run`] runs the items that the journal
//! in the folder of the batch does not have yet.
//!
//! # Files in the folder
//! - `batch.jsonl`, the journal: a line about the batch, then one for each item that starts, and one for each that is done or
//!   failed. The last line of an item is written after its files, as a whole; the next run cuts off the half line of a process
//!   that was killed. The journal identifies items by their values. So the same command continues where it stopped, and a
//!   command with more files runs only the new ones. An item whose file is gone or empty runs again. With
//!   a store of results, a line has a digest of the files that the item read, and an item whose files have other content runs again. Apart
//!   from that, a batch does not compare the contents of files with earlier runs.
//! - A process that dies leaves items that started and did not end. They run again after all others, one at a time, and first
//!   in a process of their own. An item that ends this process too counts as failed.
//! - The files that the graph's nodes write. With [`Collect`], shards `NAME-00000.safetensors` instead: an output of many
//!   items, stacked along its first axis.
//! - Each part of a batch ([`Part`]) has its own journal and shards, and parts may run at the same time in one folder.
//!
//! # Nodes that run once
//! Nodes that no value of an item reaches run once, before the first item. Their results stay in memory, and so do results
//! that several items share, up to [`CACHE_BYTES`]. One worker runs items that share results one after the other.

mod axis;
mod check;
mod clash;
mod collect;
mod column;
mod earlier;
mod error;
mod figures;
mod files;
mod found;
mod index;
mod items;
mod journal;
mod labels;
mod lines;
mod options;
mod overlap;
mod past;
mod pattern;
mod plan;
mod record;
mod repeated;
mod rows;
mod run;
mod steps;
mod summary;
mod table;
mod unready;
mod values;
mod vary;
mod work;
mod wrong;

pub use check::Batch;
pub use error::{Error, ErrorKind};
pub(crate) use items::SET;
pub use options::{Collect, Options, Part};
pub(crate) use past::{Past, PastItem};
pub(crate) use rows::said;
pub use run::CACHE_BYTES;
pub use summary::{Failed, Summary, Update};
pub use table::Table;
pub(crate) use table::inert;
