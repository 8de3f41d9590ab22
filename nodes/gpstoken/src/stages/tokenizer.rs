//! A tokenizer that is ready to run. LoadTokenizer makes it, and the stages use it.

use crate::{
    checkpoint::builtin,
    device::{Compute, Loaded},
    kernels::workspace::Workspace,
    on_device,
    tokenizer::{Network, Sizes},
};
use serde_json::json;
use splatgraph_sdk::{Error, Resident, Result, checkpoint::Checkpoint, serde_json};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// A tokenizer that is ready to run.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    /// The network with its weights, on the host or on a device.
    pub network: Loaded<Network, Network<on_device::Parameter>>,
    /// The network's widths.
    pub sizes: Sizes,
    /// Memory that Encode and Decode reuse in later runs.
    pub workspace: Arc<Workspace>,
    /// Columns and rows of a tile's feature map.
    pub map: [u32; 2],
    /// The reach of a token along each axis, in sigmas.
    pub support: f32,
    /// The name of the built-in model or of the file.
    pub name: String,
}

impl Resident for Tokenizer {
    const TYPE: &'static str = "TOKENIZER";

    fn header(&self) -> serde_json::Map<String, serde_json::Value> {
        let sizes = &self.sizes;
        let about = json!({
            "model": self.name,
            "map": self.map,
            "support": self.support,
            "stem_channels": sizes.stem_channels,
            "width": sizes.width,
            "blocks": sizes.blocks,
            "bins": sizes.bins,
            "texture_channels": sizes.textures,
            "decoder_levels": sizes.levels,
            "precision": self.network.compute().precision().name(),
        });
        about.as_object().cloned().unwrap_or_default()
    }

    fn device(&self) -> String {
        self.network.compute().id().to_owned()
    }

    fn bytes(&self) -> (u64, u64) {
        self.network.bytes(self.sizes.parameters)
    }
}

/// A network from a checkpoint, with the checkpoint's metadata.
#[derive(Clone)]
pub struct TokenizerFile {
    /// The network with its weights, on the host or on a device.
    pub network: Loaded<Network, Network<on_device::Parameter>>,
    /// The network's widths.
    pub sizes: Sizes,
    /// Columns and rows of a tile's feature map.
    pub map: Option<[u32; 2]>,
    /// The reach of a token along each axis, in sigmas.
    pub support: Option<f32>,
}

impl TokenizerFile {
    /// Reads a checkpoint file or a built-in model.
    ///
    /// # Errors
    /// The file can't be read, holds no tokenizer, or the device failed.
    pub fn open(model: &Path, compute: &Compute) -> Result<Self> {
        let Checkpoint { metadata, tensors } = builtin::open(model)?;
        let (map, support) = map_and_support(&metadata)?;
        let read = || -> Result<Self> {
            let network = Network::load(tensors)?;
            let sizes = network.sizes;
            let network = Loaded::new(network, compute, |network, device| network.map(&mut on_device::upload(device)))?;
            Ok(Self { network, sizes, map, support })
        };
        read().map_err(|e| Error {
            message: format!("{}\nfile: {}", e.message, model.display()),
            ..e.context("loading a tokenizer")
        })
    }
}

/// The map and the support in a checkpoint's metadata.
pub(crate) fn map_and_support(metadata: &BTreeMap<String, String>) -> Result<(Option<[u32; 2]>, Option<f32>)> {
    let text = |key: &str| metadata.get(key).map(String::as_str);
    Ok((text("map").map(read_map).transpose()?, text("support").map(read_support).transpose()?))
}

fn read_map(text: &str) -> Result<[u32; 2]> {
    let map: Option<[u32; 2]> = serde_json::from_str(text).ok();
    map.filter(|map| map.iter().all(|side| (1..=1024).contains(side))).ok_or_else(|| {
        Error::new(format!(
            "expected [width, height] with numbers from 1 to 1024 in the checkpoint's metadata `map`, got {text}"
        ))
    })
}

fn read_support(text: &str) -> Result<f32> {
    text.parse().ok().filter(|support: &f32| support.is_finite() && *support > 0.0).ok_or_else(|| {
        Error::new(format!("expected a number above 0 in the checkpoint's metadata `support`, got {text}"))
    })
}
