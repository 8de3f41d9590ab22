//! The node `gpstoken.LoadGenerator`.

use crate::{
    builtin,
    device::Compute,
    generator::{Network, normalisation::Normalisation},
    latest::Latest,
};
use burn::module::Module;
use serde_json::json;
use splatgraph_sdk::{checkpoint::Checkpoint, prelude::*};
use std::{path::Path, sync::Arc};

/// A generator that is ready to run.
#[derive(Clone, Debug)]
pub struct Generator {
    /// What it computes on, in f32.
    pub compute: Compute,
    /// The network with its weights.
    pub network: Arc<Network>,
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
        let network = &self.network;
        let about = json!({
            "model": self.name,
            "makes": if self.kind == Kind::Layout { "layout" } else { "texture" },
            "blocks": network.depth(),
            "width": network.width,
            "heads": network.heads,
            "channels": network.channels,
            "classes": network.classes,
            "class_names": self.class_names,
            "tokens": network.fixed_tokens(),
        });
        about.as_object().cloned().unwrap_or_default()
    }

    fn device(&self) -> String {
        self.compute.id.clone()
    }

    fn bytes(&self) -> (u64, u64) {
        let bytes = self.network.num_params() as u64 * 4;
        if self.compute.is_host() { (bytes, 0) } else { (0, bytes) }
    }
}

/// The node's state: the network that it loaded last.
#[derive(Default)]
pub struct LoadGenerator {
    last: Latest<Loaded>,
}

#[derive(Clone)]
struct Loaded {
    network: Arc<Network>,
    kind: Kind,
    class_names: Vec<String>,
    /// From the checkpoint's metadata.
    normalisation: Option<serde_json::Value>,
    tokenizer: TokenizerFacts,
}

#[node(category = "GPSToken", outputs(generator: "the generator, for LayoutDiffusion or TextureDiffusion"))]
impl LoadGenerator {
    /// Loads a generator (SiT) of layouts or textures: the official checkpoint as it is, a compatible one, or one inside the pack.
    ///
    /// Reads .safetensors and .pth files in f32, f16 or bf16; sizes are taken from the shapes of the weights. With a condition
    /// (`cond_embedder`) it is a generator of textures; without one and with 5 channels, of layouts. A file that was loaded before
    /// is not read again while it is unchanged. The checkpoint's metadata (key `classes`) may name its classes in a list.
    ///
    /// Its numbers are brought to the data's scale by means and stds, one for each channel: from the input `normalisation`, else
    /// from the checkpoint's metadata (key `normalisation`), else from `NAME.normalisation.json` beside `NAME.safetensors`, else the
    /// official ones for the official texture generator. Those of a layout generator are of gaussians (sigma_x, sigma_y,
    /// rho, x, y); those of a texture generator are of the differences to the layout's gaussians, then of the textures.
    pub fn run(
        &self,
        /// A checkpoint, or a model inside the pack: `small-layout`, of layouts, or `small-texture`, of textures for the tokenizer
        /// `small`.
        #[input(path = model, builtin = ["small-layout", "small-texture"])]
        model: PathBuf,
        /// Attention heads; 0 takes what the checkpoint's metadata says under `heads`, else what is usual for the width.
        #[input(default = 0, min = 0, max = 1024)]
        heads: u32,
        /// `{"means": [...], "stds": [...]}`, one number for each channel.
        normalisation: Option<Json>,
        /// What the generator computes on, such as `cpu` or `gpu:1`; left out: what the run does. Always in f32.
        device: Option<String>,
        ctx: &Ctx,
    ) -> Result<Local<Generator>> {
        let compute = Compute::of_run(ctx, device.as_deref())?;
        let heads = (heads > 0).then_some(heads as usize);
        let key = format!("{} {}", compute.id, heads.unwrap_or_default());
        let loaded = self
            .last
            .get("a generator", &model, &key, || read(&model, heads, &compute))
            .map_err(|e| e.blame("model"))?;
        let (normalisation, origin) = normalisation_of(&loaded, normalisation, &model)?;
        let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        ctx.info(format!("{name}: normalisation from {origin}"));
        let Loaded { network, kind, class_names, tokenizer, .. } = loaded;
        Ok(Local::new(Generator { compute, network, kind, class_names, normalisation, tokenizer, name }))
    }
}

fn read(model: &Path, heads: Option<usize>, compute: &Compute) -> Result<Loaded> {
    let Checkpoint { metadata, tensors } = builtin::open(model)?;
    let about_file = |e: Error| {
        let e = e.context("loading a generator");
        Error { message: format!("{}\nfile: {}", e.message, model.display()), ..e }
    };
    let text = |key: &str| metadata.get(key).map(String::as_str);
    let own_heads = text("heads").map(read_heads).transpose().map_err(about_file)?;
    let tokenizer = text("tokenizer").map(read_tokenizer).transpose().map_err(about_file)?;
    let normalisation = text("normalisation").map(read_json).transpose().map_err(about_file)?;
    let load = || {
        let network = Network::load(tensors, heads.or(own_heads), &compute.device)?;
        let kind = kind(&network)?;
        let class_names = text("classes").map_or(Ok(Vec::new()), |text| read_class_names(text, network.classes))?;
        let tokenizer = tokenizer.unwrap_or_default();
        Ok(Loaded { network: Arc::new(network), kind, class_names, normalisation, tokenizer })
    };
    compute.run(load).map_err(about_file)
}

fn kind(network: &Network) -> Result<Kind> {
    match (network.condition_channels(), network.channels) {
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

/// The normalisation, and where it is from.
fn normalisation_of(loaded: &Loaded, given: Option<Json>, model: &Path) -> Result<(Normalisation, String)> {
    let network = &loaded.network;
    let side_file = model.with_extension("normalisation.json");
    let read = |json: &serde_json::Value, input: &str, origin: &str| {
        let normalisation = Normalisation::read(json, network.channels)
            .map_err(|e| e.context(format!("reading the normalisation from {origin}")).blame(input))?;
        Ok((normalisation, origin.to_owned()))
    };
    if let Some(Json(json)) = &given {
        return read(json, "normalisation", "the input `normalisation`");
    }
    if let Some(json) = &loaded.normalisation {
        return read(json, "model", "the checkpoint's metadata");
    }
    if side_file.exists() {
        let origin = side_file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&side_file);
        let json = text.map_err(Error::from).and_then(|text| Ok(serde_json::from_str(&text)?));
        let json: serde_json::Value =
            json.map_err(|e| e.about_file("reading a normalisation", &side_file).blame("model"))?;
        return read(&json, "model", &origin);
    }
    if loaded.kind == Kind::Texture && is_official(network) {
        return Ok((Normalisation::official(), "the official texture generator's constants".to_owned()));
    }
    let channels = network.channels;
    let values = if loaded.kind == Kind::Layout { "gaussians" } else { "differences to the layout, then of textures" };
    Err(Error::input(
        "normalisation",
        format!(
            "loading a generator: means and stds of {channels} channels ({values}) were expected, as the generator works on normalised numbers. \
             None are in the checkpoint's metadata (key `normalisation`) or in {}, and only the official texture generator has known ones. \
             Give those of its training data: \"normalisation\": {{\"means\": [...], \"stds\": [...]}}\nfile: {}",
            side_file.file_name().unwrap_or_default().to_string_lossy(),
            model.display()
        ),
    ))
}

fn is_official(network: &Network) -> bool {
    (network.depth(), network.width, network.channels, network.classes) == (28, 1152, 21, 1000)
}
