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
    /// Takes a layout from a bank of recorded ones: the authors' initg.pickle, or a record.
    ///
    /// The pickle is read without running anything: it may hold a dict of classes, lists and NumPy arrays, and whatever else
    /// is in it is refused by name. A record is a .safetensors file of the type LAYOUT, such as `splatgraph batch
    /// graphs/layout.json --collect layout` makes of photos; a field `classes` (int64, one for each row) tells which layouts
    /// are of which class, and without it all are there for all classes. Layouts are taken as they are.
    pub fn run(
        &self,
        /// The bank.
        #[input(path = read)]
        path: PathBuf,
        /// Whose layouts to take from.
        #[input(default = 0, min = 0)]
        class: i64,
        /// Which layout of the class. In a pickle 0 is the last of a list, the one that the authors' code takes first; in a
        /// record 0 is the first row.
        #[input(default = 0, min = 0)]
        index: usize,
        /// How many layouts, from this index on, for a batch of pictures.
        #[input(default = 1, min = 1, max = 65536)]
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
                    "layouts with equally many tokens were expected for a batch, but index {index} has {tokens} and index {} has {}. Take them one by one",
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
