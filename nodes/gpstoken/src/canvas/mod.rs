//! The canvas: pictures in tiles, the coordinates of gaussians and boxes on them, and the windows that are decoded.

pub mod grid;
pub mod picture;
pub mod plane;
mod standard_type;
pub mod windows;

pub use standard_type::StandardType;

/// Pictures are worked on in square tiles with sides of this many pixels.
pub const TILE: usize = 256;

/// `[sigma_x, sigma_y, rho, x, y]`. The canvas or tile is -1..1 on each axis, from the centre of the first pixel to the centre of
/// the last one.
pub type Gaussian = [f32; 5];

/// `[x0, y0, x1, y1]`: the centres of a region's first and last pixels, in the same coordinates.
pub type Corners = [f32; 4];
