//! `std.View`

use crate::{
    colours::Colours,
    tiles::{Tile, arrange, square_columns},
};
use splatgraph_sdk::prelude::*;

/// Shows a field of any record as a picture.
///
/// Fields with 4 axes are [B, C, H, W], fields with 3 axes [B, H, W]; only IMAGE is [B, H, W, C]. The colours of each channel reach
/// from its smallest to its largest value. Values that are not finite are magenta. An IMAGE with channel -1 does not change.
#[node(category = "Image/Inspect", outputs(image: "A picture for each item of the batch."))]
pub fn view(
    /// A record, such as pictures, features, a feature map or tokens, or a record of another pack.
    value: Value,
    /// The field to show; empty for the first field with 3 or 4 axes.
    #[input(default = "")]
    field: String,
    /// The channel to show; -1 for all channels, side by side.
    #[input(default = -1, min = -1)]
    channel: i32,
    /// The colours from the smallest to the largest value.
    #[input(default = Colours::Viridis)]
    colours: Colours,
) -> Result<Image> {
    let tensor = find(&value, &field)?;
    let is_image = value.type_name() == Image::TYPE;
    if is_image && channel == -1 {
        return Image::from_value(&value);
    }
    let planes = Planes::new(&tensor, is_image)?;
    if channel >= planes.channels as i32 {
        return Err(Error::input(
            "channel",
            format!("expected a channel between 0 and {}, or -1 for all, got {channel}", planes.channels - 1),
        ));
    }
    let channels = if channel < 0 { 0..planes.channels } else { channel as usize..channel as usize + 1 };
    let values = tensor.to_f32();
    let mut out = Vec::new();
    let mut shape = [planes.batch, 0, 0, 3];
    for b in 0..planes.batch {
        let painted: Vec<Vec<f32>> = channels.clone().map(|c| colours.paint(planes.values(&values, b, c))).collect();
        let tiles: Vec<Tile<'_>> =
            painted.iter().map(|colours| Tile { colours, height: planes.height, width: planes.width }).collect();
        let canvas = arrange(&tiles, square_columns(tiles.len()), 1, 1.0).map_err(|e| e.blame("value"))?;
        (shape[1], shape[2]) = (canvas.height, canvas.width);
        out.extend(canvas.colours);
    }
    Image::new(Tensor::from_vec(shape, out)?)
}

/// The field of this name, or the first field with 3 or 4 axes if the name is empty.
fn find(value: &Value, field: &str) -> Result<Tensor> {
    let names = value.field_names();
    let list = || if names.is_empty() { "no fields".to_owned() } else { format!("the fields {}", names.join(", ")) };
    if !field.is_empty() {
        if !names.iter().any(|name| name == field) {
            return Err(Error::input(
                "field",
                format!("expected a field of the {}, got `{field}`; it has {}", value.type_name(), list()),
            ));
        }
        return value.field(field);
    }
    for name in &names {
        let tensor = value.field(name)?;
        if matches!(tensor.shape().len(), 3 | 4) {
            return Ok(tensor);
        }
    }
    Err(Error::input(
        "value",
        format!("expected a record with a field of 3 or 4 axes, got {} with {}", value.type_name(), list()),
    ))
}

/// How to read a tensor as pictures.
struct Planes {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
    /// Whether channels are the last axis.
    last: bool,
}

impl Planes {
    fn new(tensor: &Tensor, last: bool) -> Result<Self> {
        let (batch, channels, height, width) = match *tensor.shape() {
            [b, h, w, c] if last => (b, c, h, w),
            [b, c, h, w] => (b, c, h, w),
            [b, h, w] => (b, 1, h, w),
            _ => {
                return Err(Error::input(
                    "field",
                    format!("expected a field with 3 or 4 axes, got the shape {:?}", tensor.shape()),
                ));
            }
        };
        if batch * channels * height * width == 0 {
            return Err(Error::input(
                "value",
                format!("expected a field with elements, got the shape {:?}", tensor.shape()),
            ));
        }
        Ok(Self { batch, channels, height, width, last })
    }

    /// The pixels of one channel of one picture.
    fn values<'a>(&self, all: &'a [f32], b: usize, c: usize) -> impl Iterator<Item = f32> + Clone + use<'a> {
        let pixels = self.height * self.width;
        let (start, step) = if self.last {
            (b * pixels * self.channels + c, self.channels)
        } else {
            ((b * self.channels + c) * pixels, 1)
        };
        all[start..].iter().step_by(step).take(pixels).copied()
    }
}
