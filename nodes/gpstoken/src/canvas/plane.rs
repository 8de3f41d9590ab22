//! A rectangle of numbers: a grey tile or a weight map.

/// One value for each pixel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Pixels in a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// `width * height` values.
    pub values: Vec<f32>,
}

impl Plane {
    /// The values of row `y` from column `x0` through column `x1`.
    pub fn row(&self, y: usize, x0: usize, x1: usize) -> &[f32] {
        &self.values[y * self.width + x0..=y * self.width + x1]
    }
}
