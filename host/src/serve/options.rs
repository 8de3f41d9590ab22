//! The options of a server.

use super::folders::Folders;
use crate::store::Store;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// The options of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen at.
    pub listen: SocketAddr,
    /// Names of this machine by which clients may call it, besides its addresses.
    pub names: Vec<String>,
    /// What clients have to know to use the server; `None` lets everyone in who reaches it.
    pub token: Option<String>,
    /// The folder of the ComfyUI front end; `None` looks for an installed one.
    pub frontend: Option<PathBuf>,
    /// Folders with graphs.
    pub graphs: Vec<PathBuf>,
    /// The folder for the database, uploads and previews.
    pub data: PathBuf,
    /// The folder for results.
    pub out: PathBuf,
    /// Folders with models.
    pub models: Vec<PathBuf>,
    /// The device that nodes compute on, as on the command line.
    pub device: String,
    /// How many jobs run at the same time.
    pub jobs: usize,
    /// How many nodes run at the same time; `None` means one for each core.
    pub threads: Option<usize>,
    /// Bytes of memory for results that are kept from job to job.
    pub cache_bytes: u64,
    /// Keeps results for other processes, and has theirs.
    pub store: Option<Arc<Store>>,
    /// The most pixels of a picture that nodes read.
    pub max_pixels: Option<u64>,
    /// Whether a job may replace files of earlier ones.
    pub overwrite: bool,
}

impl Options {
    pub(super) fn folders(&self) -> Folders {
        Folders {
            input: self.data.join("input"),
            output: self.out.clone(),
            temp: self.data.join("temp"),
            graphs: self.graphs.clone(),
        }
    }
}
