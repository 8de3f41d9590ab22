//! Draws tokens and layouts on a canvas, or as SVG.

mod canvas;
mod colours;
mod digits;
mod drawing;
mod ellipse;
mod shown;
mod svg;

pub use colours::Colour;
pub(crate) use colours::colours;
pub use drawing::{Style, draw};
pub(crate) use shown::Shown;
pub use shown::TokensOrLayout;
pub(crate) use svg::{png_of, svg};
