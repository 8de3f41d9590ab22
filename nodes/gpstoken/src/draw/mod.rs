//! Tokens as pictures: drawn on a canvas, or written as SVG.

mod canvas;
mod colours;
mod digits;
mod ellipse;
pub mod node;
mod shown;
pub mod svg;

pub use colours::Colour;
pub use shown::TokensOrLayout;
