//! Splatgraph's standard pack: nodes for pictures and records, and small nodes for graphs that calculate and choose. It contains no
//! machine learning.
//!
//! Each node has its own file. The larger nodes compute in `picture_file`, `encode`, `resample`, `metrics` and `tiles`, which
//! use pictures as plain slices: f32 `[H, W, 3]`, 0..1.
#![warn(missing_docs)]

use splatgraph_sdk::export_pack;

pub mod batch;
pub mod branches;
pub mod calculate;
mod comfyui;
pub mod compare;
pub mod constants;
pub mod crop;
pub mod ellipse_mask;
pub mod error_mask;
pub mod field;
pub mod format;
pub mod grid;
pub mod label;
pub mod list_files;
pub mod lists;
pub mod load_image;
pub mod load_record;
pub mod preview_image;
pub mod rectangle_mask;
pub mod resize;
pub mod resize_mask;
pub mod save_image;
pub mod save_record;
pub mod strokes_mask;
pub mod view;

mod colours;
mod drawn_mask;
mod encode;
mod expression;
mod extent;
mod lettering;
mod levels;
mod memory;
mod metrics;
mod parallel;
mod picture_file;
mod resample;
mod similarity;
mod simple;
mod tiles;

export_pack! {
    id: "std",
    description: "Pictures and records: load, save, resize, compare, arrange, label; numbers, texts and lists",
    nodes: [
        load_image::load_image,
        save_image::save_image,
        preview_image::preview_image,
        resize::resize,
        crop::crop,
        batch::batch,
        grid::grid,
        compare::compare,
        view::view,
        rectangle_mask::rectangle_mask,
        ellipse_mask::ellipse_mask,
        strokes_mask::strokes_mask,
        error_mask::error_mask,
        resize_mask::resize_mask,
        load_record::load_record,
        save_record::save_record,
        branches::choose_if,
        branches::switch,
        constants::int,
        constants::float,
        constants::text,
        constants::boolean,
        constants::json,
        calculate::calculate,
        calculate::condition,
        format::format,
        format::join_text,
        field::field,
        lists::list,
        lists::range,
        lists::item,
        lists::length,
        lists::slice,
        lists::sort,
        lists::reverse,
        list_files::list_files,
        label::label,
    ],
    web: "web" => [
        "editor.js",
        "std.lite.js",
        "_behind.js",
        "_ellipse.js",
        "_strokes.js",
    ],
    replaces: comfyui::replaces,
}
