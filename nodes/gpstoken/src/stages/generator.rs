//! A generator that is ready to run. LoadGenerator makes it, and the diffusions use it.

use crate::{
    checkpoint::builtin,
    device::{Compute, Loaded},
    generator::{Network, Sizes, normalisation::Normalisation},
    names::counted,
    on_device,
};
use serde_json::json;
use splatgraph_sdk::{Error, Resident, Result, checkpoint::Checkpoint, serde_json};
use std::path::Path;

/// A generator that is ready to run.
#[derive(Clone, Debug)]
pub struct Generator {
    /// The network with its weights, on the host or on a device, in f32.
    pub network: Loaded<Network, Network<on_device::Parameter>>,
    /// The network's widths.
    pub sizes: Sizes,
    /// The kind of data that the generator makes.
    pub kind: Kind,
    /// Names of the classes, in the order of their numbers. Empty if the checkpoint has no names.
    pub class_names: Vec<String>,
    /// Means and deviations that scale the network's numbers to the data.
    pub normalisation: Normalisation,
    /// The tokenizer that made the tokens in the training data.
    pub tokenizer: TokenizerFacts,
    /// The name of the built-in model or of the file.
    pub name: String,
}

/// The kind of data that a generator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Layouts, made from noise.
    Layout,
    /// Tokens, made from noise and a layout.
    Texture,
    /// Tokens, made from noise alone, in one stage.
    Token,
}

impl Kind {
    /// The name of the data in the header.
    fn name(self) -> &'static str {
        match self {
            Self::Layout => "layout",
            Self::Texture => "texture",
            Self::Token => "token",
        }
    }
}

/// The facts about a tokenizer in the tokens' header; see the conventions of LAYOUT and TOKENS.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
pub struct TokenizerFacts {
    /// Columns and rows of a tile's feature map.
    pub map: Option<[u32; 2]>,
    /// The reach of a token along each axis, in sigmas.
    pub support: Option<f32>,
    /// The tokenizer's name.
    pub model: Option<String>,
}

impl Resident for Generator {
    const TYPE: &'static str = "GENERATOR";

    fn header(&self) -> serde_json::Map<String, serde_json::Value> {
        let sizes = &self.sizes;
        let about = json!({
            "model": self.name,
            "makes": self.kind.name(),
            "blocks": sizes.blocks,
            "width": sizes.width,
            "heads": sizes.heads,
            "channels": sizes.channels,
            "classes": sizes.classes,
            "class_names": self.class_names,
            "tokens": sizes.fixed_tokens,
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
pub struct GeneratorFile {
    /// The network with its weights, on the host or on a device.
    pub network: Loaded<Network, Network<on_device::Parameter>>,
    /// The network's widths.
    pub sizes: Sizes,
    /// The kind of data that the generator makes.
    pub kind: Kind,
    /// Names of the classes. Empty if the checkpoint has no names.
    pub class_names: Vec<String>,
    /// Means and deviations, as JSON.
    pub normalisation: Option<serde_json::Value>,
    /// The tokenizer that made the tokens in the training data.
    pub tokenizer: TokenizerFacts,
}

impl GeneratorFile {
    /// Reads a checkpoint file or a built-in model. `heads` overrides the number of heads in the metadata.
    ///
    /// # Errors
    /// The file can't be read, holds no generator, or the device failed.
    pub fn open(model: &Path, heads: Option<usize>, compute: &Compute) -> Result<Self> {
        let Checkpoint { metadata, tensors } = builtin::open(model)?;
        let text = |key: &str| metadata.get(key).map(String::as_str);
        let read = || -> Result<Self> {
            let own_heads = text("heads").map(read_heads).transpose()?;
            let tokenizer = text("tokenizer").map(read_tokenizer).transpose()?.unwrap_or_default();
            let normalisation = text("normalisation").map(read_json).transpose()?;
            let network = Network::load(tensors, heads.or(own_heads))?;
            let sizes = network.sizes;
            let kind = kind(&sizes)?;
            let class_names = text("classes").map_or(Ok(Vec::new()), |text| read_class_names(text, sizes.classes))?;
            let network = Loaded::new(network, compute, |network, device| network.map(&mut on_device::upload(device)))?;
            Ok(Self { network, sizes, kind, class_names, normalisation, tokenizer })
        };
        read().map_err(|e| {
            let e = e.context("loading a generator");
            Error { message: format!("{}\nfile: {}", e.message, model.display()), ..e }
        })
    }
}

fn kind(sizes: &Sizes) -> Result<Kind> {
    match (sizes.condition_channels, sizes.channels) {
        (None, 5) => Ok(Kind::Layout),
        (Some(5), 6..) => Ok(Kind::Texture),
        (None, 6..) => Ok(Kind::Token),
        (condition, channels) => Err(Error::new(format!(
            "expected a generator of layouts (5 channels, no condition), of textures (more than 5 channels, a condition of 5 channels) or of tokens (more than 5 channels, no condition), got one with {} and {}. Give LoadGenerator such a checkpoint",
            counted(channels, "channel"),
            condition.map_or("no condition".to_owned(), |condition| {
                format!("a condition of {}", counted(condition, "channel"))
            })
        ))),
    }
}

fn read_json(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|e| Error::new(format!("expected JSON in the checkpoint's metadata `normalisation`: {e}")))
}

fn read_heads(text: &str) -> Result<usize> {
    text.parse().ok().filter(|heads| (1..=1024).contains(heads)).ok_or_else(|| {
        Error::new(format!("expected a number from 1 to 1024 in the checkpoint's metadata `heads`, got {text}"))
    })
}

fn read_class_names(text: &str, count: usize) -> Result<Vec<String>> {
    let names: Option<Vec<String>> = serde_json::from_str(text).ok();
    names.filter(|names| names.len() == count).ok_or_else(|| {
        Error::new(format!(
            "expected a list of {}, one for each class, in the checkpoint's metadata `classes`, got {text}",
            counted(count, "name")
        ))
    })
}

fn read_tokenizer(text: &str) -> Result<TokenizerFacts> {
    let facts: Option<TokenizerFacts> = serde_json::from_str(text).ok();
    let usable = |facts: &TokenizerFacts| {
        facts.map.is_none_or(|map| map.iter().all(|side| (1..=1024).contains(side)))
            && facts.support.is_none_or(|support| support.is_finite() && support > 0.0)
    };
    facts.filter(usable).ok_or_else(|| {
        Error::new(format!(
            "expected {{\"map\": [width, height], \"support\": 3.0, \"model\": \"name\"}} in the checkpoint's metadata `tokenizer`, got {text}"
        ))
    })
}
