//! GPSToken for Splatgraph: pictures as 2D gaussian tokens, on Burn.
//!
//! The modules stand in the order of the data: a tokenizer is loaded; a picture is encoded to features and cut into a layout;
//! the layout is refined to tokens; these are splatted to a map; the map is decoded to a picture.
//!
//! ```text
//! LoadTokenizer ──────┬──────────────┬─────────────────────┬──────────────┬─────────────┐
//! picture ──> Encode ─┴─ features ─> RefineTokens ─ tokens ─> Splat ─ map ─> Decode ──> picture
//!         └─> InitTokens ── layout ──┘                    ├─> DrawTokens
//!                                                         └─> SaveTokens ─ file ─> LoadTokens ─ tokens ─> ...
//! ```
//!
//! In between tokens are objects: some are selected, and edited, or mixed with those of another picture.
//!
//! ```text
//! tokens ─┬─> SelectTokens ─ selection ─> CombineSelections ─┐
//!         └──────────────────────────────────────────────────┴─> TransformTokens, DeleteTokens, ... ─ tokens ─> Splat ─> ...
//! ```
//!
//! Or a picture is made: a layout is sampled from noise, recorded or drawn, and its textures are sampled from noise.
//!
//! ```text
//! LoadGenerator ─────────┐                            LoadGenerator ──────────┐
//! class, seed ──> LayoutDiffusion ──────────── layout ─┬─────────────> TextureDiffusion ── tokens ─> Splat ─> ...
//! class, index ─> LayoutBank ───────────────── layout ─┤
//! boxes ────────> BoxLayout ─> CalibrateLayout layout ─┘
//! ```
#![warn(missing_docs)]

pub mod load_tokenizer;

pub mod encode;

pub mod grid_tokens;
pub mod init_tokens;

pub mod find_token_count;

pub mod refine_tokens;

pub mod splat;

pub mod decode;

pub mod complexity_map;
pub mod draw;

// How alike pictures look.
pub mod lpips;

// Tokens as objects: selected, moved, mixed.
pub mod edit;

// Tokens as compact files.
pub mod load_tokens;
pub mod save_tokens;

// Generation: layouts and tokens from noise.
pub mod load_generator;

pub mod box_layout;
pub mod layout_bank;
pub mod layout_diffusion;

pub mod calibrate_layout;

pub mod texture_diffusion;

// Training: checkpoints from pictures.
pub mod train_tokenizer;

pub mod train_layout;
pub mod train_texture;

// What the nodes are made of; no node code in these.
pub mod bank;
mod builtin;
pub mod calibration;
pub mod class;
pub mod device;
mod generation;
pub mod generator;
pub mod grid;
pub mod kernels;
mod latest;
mod names;
pub mod partition;
pub mod picture;
pub mod plane;
mod threads;
pub mod token_file;
pub mod tokenizer;
pub mod training;
pub mod weights;
pub mod windows;

#[cfg(test)]
mod tests;

splatgraph_sdk::export_pack! {
    id: "gpstoken",
    description: "GPSToken: pictures as 2D gaussian tokens",
    nodes: [
        load_tokenizer::LoadTokenizer,
        encode::encode,
        init_tokens::init_tokens,
        grid_tokens::grid_tokens,
        find_token_count::find_token_count,
        refine_tokens::refine_tokens,
        splat::node::splat,
        decode::decode,
        edit::select_tokens::select_tokens,
        edit::combine_selections::combine_selections,
        edit::transform_tokens::transform_tokens,
        edit::delete_tokens::delete_tokens,
        edit::duplicate_tokens::duplicate_tokens,
        edit::replace_textures::replace_textures,
        edit::edit_tokens::edit_tokens,
        edit::mix_tokens::mix_tokens,
        edit::interpolate_tokens::interpolate_tokens,
        complexity_map::complexity_map,
        draw::node::draw_tokens,
        draw::svg::save_tokens_svg,
        lpips::node::Lpips,
        save_tokens::save_tokens,
        load_tokens::load_tokens,
        load_generator::LoadGenerator,
        layout_diffusion::layout_diffusion,
        layout_bank::LayoutBank,
        box_layout::box_layout,
        calibrate_layout::calibrate_layout,
        texture_diffusion::texture_diffusion,
        train_tokenizer::train_tokenizer,
        train_layout::train_layout,
        train_texture::train_texture,
    ],
    devices: device::list,
}
