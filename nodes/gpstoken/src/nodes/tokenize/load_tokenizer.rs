//! The node `gpstoken.LoadTokenizer`.

use crate::{
    canvas::TILE,
    checkpoint::latest::Latest,
    device::Compute,
    kernels::workspace::Workspace,
    stages::tokenizer::{Tokenizer, TokenizerFile},
};
use splatgraph_sdk::prelude::*;
use std::sync::Arc;

/// The node's state: the network that it loaded last, and the memory that its tokenizers work in.
#[derive(Default)]
pub struct LoadTokenizer {
    last: Latest<TokenizerFile>,
    workspace: Arc<Workspace>,
}

#[node(category = "GPSToken", outputs(tokenizer: "the tokenizer, for Encode, RefineTokens, Splat and Decode"))]
impl LoadTokenizer {
    /// Loads a tokenizer: an official checkpoint without conversion, or one that TrainTokenizer wrote.
    ///
    /// The node reads .safetensors and .pth files in f32, f16 or bf16, and takes all sizes from the shapes of the weights. It
    /// reads a file again only if the file has changed.
    pub fn run(
        &self,
        /// A checkpoint, or `small`, the model inside the pack.
        #[input(path = model, builtin = ["small"], default = "small")]
        model: PathBuf,
        /// Columns of a tile's feature map; 0 takes the number from the file, else the number for which the decoder makes a
        /// picture of one tile.
        #[input(default = 0, min = 0, max = 1024)]
        map_width: u32,
        /// Rows of a tile's feature map; 0 as for `map_width`.
        #[input(default = 0, min = 0, max = 1024)]
        map_height: u32,
        /// How many sigmas a token reaches along each axis; 0 takes the number from the file, else 3.
        #[input(default = 0.0, min = 0, max = 1000)]
        support: f32,
        /// The device on which the tokenizer computes, such as `cpu` or `gpu:1`; left out: the device of the run.
        device: Option<String>,
        ctx: &Ctx,
    ) -> Result<Local<Tokenizer>> {
        let compute = Compute::of_run(ctx, device.as_deref())?;
        let settings = format!("{} {}", compute.id(), compute.precision().name());
        let loaded = self.last.get("a tokenizer", &model, &settings, || TokenizerFile::open(&model, &compute));
        let loaded = loaded.map_err(|e| e.blame("model"))?;
        let side = (TILE / loaded.sizes.enlargement()) as u32;
        let [file_width, file_height] = loaded.map.unwrap_or([side, side]);
        let or = |value: u32, otherwise: u32| if value == 0 { otherwise } else { value };
        Ok(Local::new(Tokenizer {
            network: loaded.network,
            sizes: loaded.sizes,
            workspace: self.workspace.clone(),
            map: [or(map_width, file_width), or(map_height, file_height)],
            support: if support == 0.0 { loaded.support.unwrap_or(3.0) } else { support },
            name: model.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }))
    }
}
