//! The node `gpstoken.LoadTokenizer`.

use crate::{
    builtin,
    device::Compute,
    kernels::workspace::Workspace,
    latest::Latest,
    tokenizer::{Network, TILE},
};
use burn::module::Module;
use serde_json::json;
use splatgraph_sdk::{checkpoint::Checkpoint, prelude::*};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// A tokenizer that is ready to run.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    /// What it computes on.
    pub compute: Compute,
    /// The network with its weights.
    pub network: Arc<Network>,
    /// Memory that Encode and Decode use again from run to run.
    pub workspace: Arc<Workspace>,
    /// Columns and rows of a tile's feature map.
    pub map: [u32; 2],
    /// How many sigmas a token reaches along each axis.
    pub support: f32,
    /// The built-in model's name, or the file's.
    pub name: String,
}

impl Resident for Tokenizer {
    const TYPE: &'static str = "TOKENIZER";

    fn header(&self) -> serde_json::Map<String, serde_json::Value> {
        let network = &self.network;
        let about = json!({
            "model": self.name,
            "map": self.map,
            "support": self.support,
            "stem_channels": network.stem_channels,
            "width": network.width,
            "blocks": network.transformer.depth(),
            "bins": network.bins,
            "texture_channels": network.textures,
            "decoder_levels": network.decoder.levels(),
            "precision": self.compute.precision_name(),
        });
        about.as_object().cloned().unwrap_or_default()
    }

    fn device(&self) -> String {
        self.compute.id.clone()
    }

    fn bytes(&self) -> (u64, u64) {
        let bytes = self.network.num_params() as u64 * self.compute.bytes_of_a_number();
        if self.compute.is_host() { (bytes, 0) } else { (0, bytes) }
    }
}

/// The node's state: the network that it loaded last.
#[derive(Default)]
pub struct LoadTokenizer {
    last: Latest<Loaded>,
}

#[derive(Clone)]
struct Loaded {
    network: Arc<Network>,
    workspace: Arc<Workspace>,
    map: Option<[u32; 2]>,
    support: Option<f32>,
}

#[node(category = "GPSToken", outputs(tokenizer: "the tokenizer, for Encode, RefineTokens, Splat and Decode"))]
impl LoadTokenizer {
    /// Loads a tokenizer: the official checkpoints as they are, or one trained here.
    ///
    /// Reads .safetensors and .pth files in f32, f16 or bf16; all sizes are taken from the shapes of the weights. A file that was
    /// loaded before is not read again while it is unchanged.
    pub fn run(
        &self,
        /// A checkpoint, or `small`: the model inside the pack.
        #[input(path = model, builtin = ["small"], default = "small")]
        model: PathBuf,
        /// Columns of a tile's feature map; 0 takes what the file says, else what makes the decoder's picture a tile.
        #[input(default = 0, min = 0, max = 1024)]
        map_width: u32,
        /// Rows of a tile's feature map; 0 as above.
        #[input(default = 0, min = 0, max = 1024)]
        map_height: u32,
        /// How many sigmas a token reaches along each axis; 0 takes what the file says, else 3.
        #[input(default = 0.0, min = 0, max = 1000)]
        support: f32,
        /// What the tokenizer computes on, such as `cpu` or `gpu:1`; left out: what the run does.
        device: Option<String>,
        ctx: &Ctx,
    ) -> Result<Local<Tokenizer>> {
        let compute = Compute::of_run(ctx, device.as_deref())?;
        let settings = format!("{} {}", compute.id, compute.precision_name());
        let loaded = self.last.get("a tokenizer", &model, &settings, || read(&model, &compute));
        let loaded = loaded.map_err(|e| e.blame("model"))?;
        let side = (TILE / loaded.network.enlargement()) as u32;
        let [file_width, file_height] = loaded.map.unwrap_or([side, side]);
        let or = |value: u32, otherwise: u32| if value == 0 { otherwise } else { value };
        Ok(Local::new(Tokenizer {
            compute,
            network: loaded.network,
            workspace: loaded.workspace,
            map: [or(map_width, file_width), or(map_height, file_height)],
            support: if support == 0.0 { loaded.support.unwrap_or(3.0) } else { support },
            name: model.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }))
    }
}

/// What a checkpoint's metadata say of the map and the support.
pub(crate) fn map_and_support(metadata: &BTreeMap<String, String>) -> Result<(Option<[u32; 2]>, Option<f32>)> {
    let text = |key: &str| metadata.get(key).map(String::as_str);
    Ok((text("map").map(read_map).transpose()?, text("support").map(read_support).transpose()?))
}

fn read(model: &Path, compute: &Compute) -> Result<Loaded> {
    let Checkpoint { metadata, tensors } = builtin::open(model)?;
    let (map, support) = map_and_support(&metadata)?;
    let network = compute.run(|| Network::load(tensors, &compute.device)).map_err(|e| Error {
        message: format!("{}\nfile: {}", e.message, model.display()),
        ..e.context("loading a tokenizer")
    })?;
    let network = network.with_precision(compute.precision);
    Ok(Loaded { network: Arc::new(network), workspace: Arc::default(), map, support })
}

fn read_map(text: &str) -> Result<[u32; 2]> {
    let map: Option<[u32; 2]> = serde_json::from_str(text).ok();
    map.filter(|map| map.iter().all(|side| (1..=1024).contains(side))).ok_or_else(|| {
        Error::new(format!("the checkpoint's metadata `map` should be [width, height], from 1 to 1024; it is {text}"))
    })
}

fn read_support(text: &str) -> Result<f32> {
    text.parse().ok().filter(|support: &f32| support.is_finite() && *support > 0.0).ok_or_else(|| {
        Error::new(format!("the checkpoint's metadata `support` should be a number above 0, it is {text}"))
    })
}
