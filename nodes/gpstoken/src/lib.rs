//! GPSToken for Splatgraph: pictures as 2D gaussian tokens.
//!
//! LoadTokenizer loads a tokenizer. Encode turns a picture into features, and InitTokens cuts it into a layout. RefineTokens
//! turns layout and features into tokens. Splat spreads the tokens over a map, and Decode turns the map into a picture.
//!
//! ```text
//! LoadTokenizer ──────┬──────────────┬─────────────────────┬──────────────┬─────────────┐
//! picture ──> Encode ─┴─ features ─> RefineTokens ─ tokens ─> Splat ─ map ─> Decode ──> picture
//!         └─> InitTokens ── layout ──┘                    ├─> DrawTokens
//!                                                         └─> SaveTokens ─ file ─> LoadTokens ─ tokens ─> ...
//! ```
//!
//! Between these steps tokens are objects. A graph can select some and edit them, or mix them with the tokens of another
//! picture. OptimizeTokens moves them towards their picture in small steps.
//!
//! ```text
//! tokens ─┬─> SelectTokens ─ selection ─> CombineSelections ─┐
//!         └──────────────────────────────────────────────────┴─> TransformTokens, DeleteTokens, ... ─ tokens ─> Splat ─> ...
//! ```
//!
//! A graph can also generate a picture. Its layout is sampled from noise, recorded or drawn. TextureDiffusion samples the
//! textures from noise. TokenDiffusion samples both in one stage.
//!
//! ```text
//! LoadGenerator ─────────┐                            LoadGenerator ──────────┐
//! class, seed ──> LayoutDiffusion ──────────── layout ─┬─────────────> TextureDiffusion ── tokens ─> Splat ─> ...
//! class, index ─> LayoutBank ───────────────── layout ─┤
//! boxes ────────> BoxLayout ─> CalibrateLayout layout ─┘
//!
//! LoadGenerator ─────────┐
//! class, seed ──> TokenDiffusion ─────────────────────────────────────────────────── tokens ─> Splat ─> ...
//! ```
//!
//! ARCHITECTURE.md draws the folders: each uses only those below it.
#![warn(missing_docs)]

pub mod nodes;

pub mod optimise;

pub mod training;

pub mod stages;

pub mod device;

#[cfg(feature = "burn")]
pub mod on_device;
#[cfg(not(feature = "burn"))]
#[path = "without_burn/on_device.rs"]
pub mod on_device;

pub mod discriminator;
pub mod draw;
pub mod edit;
pub mod generator;
pub mod gradients;
pub mod inception;
pub mod lpips;
pub mod measures;
pub mod tokenizer;

pub mod layers;
pub mod partition;
pub mod splat;
pub mod token_file;

pub mod canvas;
pub mod checkpoint;
pub mod kernels;
mod names;

splatgraph_sdk::export_pack! {
    id: "gpstoken",
    description: "GPSToken: pictures as 2D gaussian tokens",
    nodes: [
        nodes::tokenize::load_tokenizer::LoadTokenizer,
        nodes::tokenize::encode::encode,
        nodes::tokenize::init_tokens::init_tokens,
        nodes::tokenize::grid_tokens::grid_tokens,
        nodes::tokenize::find_token_count::find_token_count,
        nodes::tokenize::refine_tokens::refine_tokens,
        nodes::tokenize::splat::splat,
        nodes::tokenize::decode::decode,
        nodes::tokenize::optimize_tokens::optimize_tokens,
        nodes::edit::select_tokens::select_tokens,
        nodes::edit::combine_selections::combine_selections,
        nodes::edit::transform_tokens::transform_tokens,
        nodes::edit::delete_tokens::delete_tokens,
        nodes::edit::duplicate_tokens::duplicate_tokens,
        nodes::edit::replace_textures::replace_textures,
        nodes::edit::edit_tokens::edit_tokens,
        nodes::edit::mix_tokens::mix_tokens,
        nodes::edit::interpolate_tokens::interpolate_tokens,
        nodes::look::complexity_map::complexity_map,
        nodes::look::draw_tokens::draw_tokens,
        nodes::look::save_tokens_svg::save_tokens_svg,
        nodes::look::lpips::Lpips,
        nodes::measure::image_features::ImageFeatures,
        nodes::measure::load_features::load_features,
        nodes::measure::feature_statistics::feature_statistics,
        nodes::measure::load_statistics::load_statistics,
        nodes::measure::save_statistics::save_statistics,
        nodes::measure::frechet_distance::frechet_distance,
        nodes::measure::kernel_distance::kernel_distance,
        nodes::measure::inception_score::inception_score,
        nodes::measure::precision_recall::precision_recall,
        nodes::files::save_tokens::save_tokens,
        nodes::files::load_tokens::load_tokens,
        nodes::generate::load_generator::LoadGenerator,
        nodes::generate::layout_diffusion::layout_diffusion,
        nodes::generate::layout_bank::LayoutBank,
        nodes::generate::box_layout::box_layout,
        nodes::generate::calibrate_layout::calibrate_layout,
        nodes::generate::texture_diffusion::texture_diffusion,
        nodes::generate::token_diffusion::token_diffusion,
        nodes::train::train_tokenizer::train_tokenizer,
        nodes::train::train_layout::train_layout,
        nodes::train::train_texture::train_texture,
    ],
    devices: device::list,
    web: "web" => [
        "editor.js",
        "gpstoken.lite.js",
        "_boxes.js",
        "_edits.js",
        "_gaussians.js",
        "_select.js",
        "_tokens.js",
    ],
}
