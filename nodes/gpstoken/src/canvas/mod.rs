//! The canvas: the tiles of a picture, the coordinates of gaussians and boxes, and the windows of decoding.

pub mod grid;
pub mod picture;
pub mod plane;
pub mod psnr;
mod standard_type;
pub mod windows;

pub use standard_type::StandardType;

/// The side of a tile in pixels. The pack cuts pictures into square tiles.
pub const TILE: usize = 256;

/// `[sigma_x, sigma_y, rho, x, y]`. The canvas or tile spans -1..1 on each axis, from the centre of the first pixel to the centre
/// of the last one.
pub type Gaussian = [f32; 5];

/// `[x0, y0, x1, y1]`: the centres of a region's first and last pixels, in the coordinates of [`Gaussian`].
pub type Corners = [f32; 4];
