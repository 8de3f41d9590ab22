//! The node `gpstoken.LoadGenerator`.

use crate::{
    checkpoint::latest::Latest,
    device::Compute,
    generator::{Sizes, normalisation::Normalisation},
    stages::generator::{Generator, GeneratorFile, Kind},
};
use splatgraph_sdk::{prelude::*, read_whole};
use std::path::Path;

/// The node's state: the network that it loaded last.
#[derive(Default)]
pub struct LoadGenerator {
    last: Latest<GeneratorFile>,
}

#[node(category = "GPSToken", outputs(generator: "the generator, for LayoutDiffusion, TextureDiffusion or TokenDiffusion"))]
impl LoadGenerator {
    /// Loads a generator (SiT) of layouts, of textures, or of both together: the official checkpoint without conversion, a
    /// compatible one, or one inside the pack.
    ///
    /// The node reads .safetensors and .pth files in f32, f16 or bf16, and takes the sizes from the shapes of the weights. A
    /// checkpoint with a condition (`cond_embedder`) is a generator of textures. A checkpoint without one and with 5 channels
    /// is a generator of layouts; with more channels it is a generator of tokens, for TokenDiffusion. The node reads a file
    /// again only if the file has changed. The metadata of the checkpoint may name its classes in a list (key `classes`).
    ///
    /// The generator works on normalised numbers. Means and stds, one for each channel, bring them to the scale of the data.
    /// The node takes them from the first of these places that has them: the input `normalisation`; the metadata of the
    /// checkpoint (key `normalisation`); `NAME.normalisation.json` beside `NAME.safetensors`; for the official texture
    /// generator, the official values. For layouts they are those of the gaussians (sigma_x, sigma_y, rho, x, y). For
    /// textures they are those of the differences to the layout's gaussians, then of the textures. For tokens they are those
    /// of the gaussians, then of the textures.
    pub fn run(
        &self,
        /// A checkpoint, or a model inside the pack: `small-layout` makes layouts, `small-texture` makes textures for the
        /// tokenizer `small`.
        #[input(path = model, builtin = ["small-layout", "small-texture"])]
        model: PathBuf,
        /// Attention heads; 0 takes the number from the checkpoint's metadata (key `heads`), else the usual number for the
        /// width.
        #[input(default = 0, min = 0, max = 1024)]
        heads: u32,
        /// The scale of the data, `{"means": [...], "stds": [...]}`, with one number for each channel.
        normalisation: Option<Json>,
        /// The device on which the generator computes, such as `cpu` or `gpu:1`; left out: the device of the run. Always in
        /// f32.
        device: Option<String>,
        ctx: &Ctx,
    ) -> Result<Local<Generator>> {
        let compute = Compute::of_run(ctx, device.as_deref())?.in_f32();
        let heads = (heads > 0).then_some(heads as usize);
        let key = format!("{} {}", compute.id(), heads.unwrap_or_default());
        let loaded = self
            .last
            .get("a generator", &model, &key, || GeneratorFile::open(&model, heads, &compute))
            .map_err(|e| e.blame("model"))?;
        let (normalisation, origin) = normalisation_of(&loaded, normalisation, &model)?;
        let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        ctx.info(format!("{name}: normalisation from {origin}"));
        let GeneratorFile { network, sizes, kind, class_names, tokenizer, .. } = loaded;
        Ok(Local::new(Generator { network, sizes, kind, class_names, normalisation, tokenizer, name }))
    }
}

/// The normalisation and its origin.
fn normalisation_of(loaded: &GeneratorFile, given: Option<Json>, model: &Path) -> Result<(Normalisation, String)> {
    let sizes = &loaded.sizes;
    let side_file = model.with_extension("normalisation.json");
    let read = |json: &serde_json::Value, input: &str, origin: &str| {
        let normalisation = Normalisation::read(json, sizes.channels)
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
        let json = read_whole(&side_file).and_then(|text| Ok(serde_json::from_slice(&text)?));
        let json: serde_json::Value =
            json.map_err(|e| e.about_file("reading a normalisation", &side_file).blame("model"))?;
        return read(&json, "model", &origin);
    }
    if loaded.kind == Kind::Texture && is_official(sizes) {
        return Ok((Normalisation::official(), "the official texture generator's constants".to_owned()));
    }
    let channels = sizes.channels;
    let values = match loaded.kind {
        Kind::Layout => "gaussians",
        Kind::Texture => "differences to the layout, then of textures",
        Kind::Token => "gaussians, then of textures",
    };
    Err(Error::input(
        "normalisation",
        format!(
            "loading a generator: expected means and stds of {channels} channels ({values}), as the generator works on normalised numbers, \
             got none in the input `normalisation`, in the checkpoint's metadata (key `normalisation`) or in {}; only the official texture generator has known ones. \
             Give the values of its training data: \"normalisation\": {{\"means\": [...], \"stds\": [...]}}\nfile: {}",
            side_file.file_name().unwrap_or_default().to_string_lossy(),
            model.display()
        ),
    ))
}

fn is_official(sizes: &Sizes) -> bool {
    (sizes.blocks, sizes.width, sizes.channels, sizes.classes) == (28, 1152, 21, 1000)
}
