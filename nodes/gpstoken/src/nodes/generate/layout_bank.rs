//! The node `gpstoken.LayoutBank`.

use crate::{checkpoint::latest::Latest, generator::bank::Bank};
use splatgraph_sdk::prelude::*;
use std::sync::Arc;

/// The node's state: the bank that it read last.
#[derive(Default)]
pub struct LayoutBank {
    last: Latest<Arc<Bank>>,
}

#[node(category = "GPSToken", outputs(layout: "the recorded layout"))]
impl LayoutBank {
    /// Takes layouts from a bank of recorded layouts: the authors' initg.pickle, or a record.
    ///
    /// The node reads the pickle without running any of its code. The pickle may hold a dict of classes, lists and NumPy
    /// arrays; the node refuses anything else by name. A record is a .safetensors file of the type LAYOUT. `splatgraph batch
    /// graphs/layout.json --collect layout`, for example, makes one from photos. Its field `classes` (int64, one number for
    /// each row) gives the class of each layout; without it, every class has all layouts. The node does not change the
    /// layouts.
    pub fn run(
        &self,
        /// The bank.
        #[input(path = read)]
        path: PathBuf,
        /// The class whose layouts to take.
        #[input(default = 0, min = 0)]
        class: i64,
        /// The index of the first layout within its class. In a pickle, 0 is the last layout of the list, which the authors'
        /// code takes first. In a record, 0 is the first row.
        #[input(default = 0, min = 0)]
        index: usize,
        /// The number of layouts from this index on, for a batch of pictures.
        #[input(default = 1, min = 1, max = 65536, counts_from = "index")]
        count: usize,
    ) -> Result<Layout> {
        let missing = |e: std::io::Error| Error::from(e).about_file("reading a bank of layouts", &path);
        let bank =
            self.last.get_from(&path, "", missing, || Bank::open(&path).map(Arc::new)).map_err(|e| e.blame("path"))?;
        let chosen = bank.get(class, index, count)?;
        let tokens = chosen[0].gaussians.len();
        if let Some((other, layout)) = chosen.iter().enumerate().find(|(_, layout)| layout.gaussians.len() != tokens) {
            return Err(Error::input(
                "count",
                format!(
                    "expected layouts with equally many tokens for a batch, got {tokens} at index {index} and {1} at index {0}. Take them one by one",
                    index + other,
                    layout.gaussians.len()
                ),
            ));
        }
        let gaussians = chosen.iter().flat_map(|layout| layout.gaussians.as_flattened()).copied().collect();
        let regions: Option<Vec<&[[f32; 4]]>> = chosen.iter().map(|layout| layout.regions.as_deref()).collect();
        let regions = regions.map(|all| Tensor::from_vec([count, tokens, 4], all.concat().as_flattened().to_vec()));
        Layout::new(Tensor::from_vec([count, tokens, 5], gaussians)?, regions.transpose()?, bank.header.clone())
    }
}
