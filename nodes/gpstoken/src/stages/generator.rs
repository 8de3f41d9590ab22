//! A generator that is ready to run: what LoadGenerator gives to the diffusions.

use crate::{
    checkpoint::builtin,
    device::{Compute, Loaded},
    generator::{Network, Sizes, normalisation::Normalisation},
    on_device,
};
use serde_json::json;
use splatgraph_sdk::{Error, Resident, Result, checkpoint::Checkpoint, serde_json};
use std::path::Path;

/// A generator that is ready to run.
#[derive(Clone, Debug)]
pub struct Generator {
    /// The network with its weights, where it computes, in f32.
    pub network: Loaded<Network, Network<on_device::Parameter>>,
    /// The network's widths.
    pub sizes: Sizes,
    /// What it makes.
    pub kind: Kind,
    /// Names of the classes, in the order of their numbers; none where the checkpoint has none.
    pub class_names: Vec<String>,
    /// What brings its numbers to the data's scale.
    pub normalisation: Normalisation,
    /// The tokenizer for whose tokens a texture generator was trained.
    pub tokenizer: TokenizerFacts,
    /// The built-in model's name, or the file's.
    pub name: String,
}

/// What a generator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Layouts, from noise.
    Layout,
    /// Tokens, from noise and a layout.
    Texture,
}

/// What the tokens' header says of a tokenizer; see the conventions of LAYOUT and TOKENS.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
pub struct TokenizerFacts {
    /// Columns and rows of a tile's feature map.
    pub map: Option<[u32; 2]>,
    /// How many sigmas a token reaches along each axis.
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
            "makes": if self.kind == Kind::Layout { "layout" } else { "texture" },
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

/// A checkpoint's network, with what its metadata say.
#[derive(Clone)]
pub struct GeneratorFile {
    /// The network with its weights, where it computes.
    pub network: Loaded<Network, Network<on_device::Parameter>>,
    /// The network's widths.
    pub sizes: Sizes,
    /// What it makes.
    pub kind: Kind,
    /// Names of the classes, if the checkpoint has any.
    pub class_names: Vec<String>,
    /// Means and deviations as JSON.
    pub normalisation: Option<serde_json::Value>,
    /// The tokenizer for which it was trained.
    pub tokenizer: TokenizerFacts,
}

impl GeneratorFile {
    /// Reads a checkpoint, or a model inside the pack; `heads` goes before what its metadata say.
    ///
    /// # Errors
    /// The file can't be read or holds no generator; or the device failed.
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
        (condition, channels) => Err(Error::new(format!(
            "a generator of layouts (5 channels, no condition) or of textures (more than 5 channels, a condition of 5) was expected, this one has {channels} channels and {}",
            condition.map_or("no condition".to_owned(), |condition| format!("a condition of {condition}"))
        ))),
    }
}

fn read_json(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|e| Error::new(format!("the checkpoint's metadata `normalisation` should be JSON: {e}")))
}

fn read_heads(text: &str) -> Result<usize> {
    text.parse().ok().filter(|heads| (1..=1024).contains(heads)).ok_or_else(|| {
        Error::new(format!("the checkpoint's metadata `heads` should be a number from 1 to 1024, it is {text}"))
    })
}

fn read_class_names(text: &str, count: usize) -> Result<Vec<String>> {
    let names: Option<Vec<String>> = serde_json::from_str(text).ok();
    names.filter(|names| names.len() == count).ok_or_else(|| {
        Error::new(format!(
            "the checkpoint's metadata `classes` should be a list of the names of its {count} classes, it is {text}"
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
            "the checkpoint's metadata `tokenizer` should be {{\"map\": [width, height], \"support\": 3.0, \"model\": \"name\"}}, it is {text}"
        ))
    })
}
