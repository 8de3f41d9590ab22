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

pub mod refine_tokens;

pub mod splat;

pub mod decode;

pub mod draw_tokens;

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

// What the nodes are made of; no node code in these.
pub mod bank;
pub mod calibration;
pub mod device;
mod generation;
pub mod generator;
pub mod grid;
pub mod kernels;
mod latest;
pub mod partition;
pub mod picture;
pub mod plane;
mod threads;
pub mod token_file;
pub mod tokenizer;
pub mod weights;

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
        refine_tokens::refine_tokens,
        splat::node::splat,
        decode::decode,
        draw_tokens::draw_tokens,
        save_tokens::save_tokens,
        load_tokens::load_tokens,
        load_generator::LoadGenerator,
        layout_diffusion::layout_diffusion,
        layout_bank::LayoutBank,
        box_layout::box_layout,
        calibrate_layout::calibrate_layout,
        texture_diffusion::texture_diffusion,
    ],
    devices: device::list,
}
