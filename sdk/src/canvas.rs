//! The header of LAYOUT, TOKENS and FEATURE_MAP: the canvas and its tiles.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The picture that a LAYOUT, TOKENS or FEATURE_MAP stands for.
///
/// Coordinates of -1..1 span all tiles together, which is [`Canvas::area`]. The area equals the canvas if the sides of the canvas
/// are multiples of a tile. Otherwise the canvas is the upper left part of the area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Canvas {
    /// Width and height in pixels.
    #[serde(default = "default_canvas")]
    pub canvas: [u32; 2],
    /// Side of a tile in pixels.
    #[serde(default = "default_tile")]
    pub tile: u32,
    /// Number of tiles across and down. Tokens are stored tile by tile, and tiles row by row.
    #[serde(default = "default_grid")]
    pub grid: [u32; 2],
    /// Width and height of a tile's feature map; 64 x 64 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<[u32; 2]>,
    /// How many sigmas a gaussian reaches along each axis; 3 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<f32>,
    /// Hash or name of the model that made the textures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

fn default_canvas() -> [u32; 2] {
    [256, 256]
}
fn default_tile() -> u32 {
    256
}
fn default_grid() -> [u32; 2] {
    [1, 1]
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            canvas: default_canvas(),
            tile: default_tile(),
            grid: default_grid(),
            map: None,
            support: None,
            model: None,
        }
    }
}

impl Canvas {
    /// Width and height in pixels of all tiles together. Coordinates of -1..1 span this area.
    #[must_use]
    pub fn area(&self) -> [u32; 2] {
        self.grid.map(|tiles| tiles.saturating_mul(self.tile))
    }

    /// Width and height of a tile's feature map.
    #[must_use]
    pub fn map_or_default(&self) -> [u32; 2] {
        self.map.unwrap_or([64, 64])
    }

    /// How many sigmas a gaussian reaches.
    #[must_use]
    pub fn support_or_default(&self) -> f32 {
        self.support.unwrap_or(3.0)
    }

    /// Converts to the header of a record.
    #[must_use]
    pub fn to_header(&self) -> Map<String, Json> {
        match serde_json::to_value(self) {
            Ok(Json::Object(map)) => map,
            _ => Map::new(),
        }
    }

    /// Reads the header of a record.
    ///
    /// # Errors
    /// A size is not in 1..65536, or the support is not above 0.
    pub fn from_header(header: Map<String, Json>) -> Result<Self> {
        let canvas: Self = serde_json::from_value(Json::Object(header))
            .map_err(|e| Error::new(format!("expected a header with canvas, tile, grid, map and support: {e}")))?;
        let sides = [canvas.canvas, canvas.grid, canvas.map.unwrap_or([1, 1]), [canvas.tile, 1]];
        if sides.iter().flatten().any(|side| !(1..=65_536).contains(side)) {
            return Err(Error::new(format!(
                "expected a header whose canvas, tile, grid and map are between 1 and 65536, got {canvas:?}"
            )));
        }
        if canvas.support.is_some_and(|s| !(s > 0.0 && s.is_finite())) {
            return Err(Error::new(format!("expected a support above 0 in the header, got {:?}", canvas.support)));
        }
        Ok(canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Layout, Output, Tensor};

    #[test]
    fn headers_survive_and_missing_keys_have_their_defaults() {
        let header = Canvas { canvas: [512, 512], grid: [2, 2], support: Some(1.75), ..Canvas::default() };
        let gaussians = Tensor::from_vec([1, 2, 5], vec![0.5f32; 10]).unwrap();
        let value = Layout::new(gaussians, None, header.clone()).unwrap().into_value().unwrap();
        assert_eq!(Layout::from_value(&value).unwrap().header, header);
        assert_eq!(Canvas::from_header(Map::new()).unwrap(), Canvas::default());
        let bad = serde_json::json!({"grid": [0, 1]}).as_object().unwrap().clone();
        assert!(Canvas::from_header(bad).is_err());
    }
}
