//! Options that several commands have.
//!
//! The structs have no doc comments, as clap would use them as the help of the commands.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use splatgraph::graph::Checked;
use splatgraph::metadata;
use splatgraph::registry::Registry;
use splatgraph::run::Settings;
use splatgraph::store::Store;
use splatgraph_sdk::settings::MAX_PIXELS;

use super::failure::{FAILED, Failure, Outcome};

// For commands that run a graph.
#[derive(clap::Args)]
pub(crate) struct ThreadsOption {
    /// How many threads nodes may use [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl ThreadsOption {
    pub(crate) fn get(&self) -> Option<usize> {
        self.threads.map(NonZeroUsize::get)
    }
}

// For commands that run a graph.
#[derive(clap::Args)]
pub(crate) struct PixelsOption {
    /// The most pixels of a picture that nodes read [default: as many as fit into 1 GB and twice the size of the file]
    #[arg(long, value_name = "N")]
    max_pixels: Option<NonZeroU64>,
}

impl PixelsOption {
    /// Adds the limit to the settings of a run.
    pub(crate) fn insert_into(&self, settings: &mut Settings) {
        if let Some(pixels) = self.max_pixels {
            settings.insert(MAX_PIXELS.to_owned(), pixels.get().into());
        }
    }
}

// For commands that run a graph.
#[derive(clap::Args)]
pub(crate) struct MetadataOption {
    /// Write pictures without the graph in them
    #[arg(long)]
    no_metadata: bool,
}

impl MetadataOption {
    /// Adds to the settings of a run what nodes write into pictures. The device is in the settings already.
    pub(crate) fn add_to(&self, settings: &mut Settings, checked: &Checked, registry: &Registry) -> Outcome {
        if self.no_metadata {
            return Ok(());
        }
        metadata::add_to(settings, checked, registry).map_err(|error| Failure::new(FAILED, error))
    }
}

// For commands that run a graph.
#[derive(clap::Args)]
pub(crate) struct StoreOptions {
    /// Keep the results of nodes in this folder, and take from it what an earlier run left there. Several processes may share it. The
    /// variable SPLATGRAPH_STORE names one too
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The size of the store in megabytes; results that were not used for the longest time are removed
    #[arg(long, value_name = "MB", default_value = "10240")]
    store_size: NonZeroU64,
}

impl StoreOptions {
    /// The store that the user names.
    pub(crate) fn open(&self) -> Outcome<Option<Arc<Store>>> {
        let variable = || std::env::var_os(STORE_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let (named_by, folder) = match (&self.store, variable()) {
            (Some(folder), _) => ("--store", folder.clone()),
            (None, Some(folder)) => (STORE_VARIABLE, folder),
            (None, None) => return Ok(None),
        };
        open_store(named_by, &folder, self.store_size.get().saturating_mul(1 << 20)).map(Some)
    }
}

const STORE_VARIABLE: &str = "SPLATGRAPH_STORE";

fn open_store(named_by: &str, folder: &Path, bytes: u64) -> Outcome<Arc<Store>> {
    let folder = std::path::absolute(folder)
        .map_err(|error| Failure::usage(format!("{named_by}: expected the path of a folder: {error}")))?;
    let store = Store::open(&folder, bytes).map_err(|error| Failure::usage(format!("{named_by}: {error}")))?;
    Ok(Arc::new(store))
}

// For commands that show progress.
#[derive(clap::Args)]
pub(crate) struct QuietOption {
    /// Print nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

// For commands that print what they found.
#[derive(clap::Args)]
pub(crate) struct JsonOption {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

// For commands that run something and print its result.
#[derive(clap::Args)]
pub(crate) struct ResultOptions {
    #[command(flatten)]
    quiet: QuietOption,
    /// Print the result as JSON, and no progress
    #[arg(long)]
    pub(crate) json: bool,
}

impl ResultOptions {
    pub(crate) fn quiet(&self) -> bool {
        self.quiet.quiet
    }
}
