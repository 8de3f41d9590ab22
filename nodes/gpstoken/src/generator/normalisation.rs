//! Turns the numbers of the network into gaussians and textures.

use splatgraph_sdk::{Error, Result, serde_json};

/// Mean and standard deviation of each channel of the training data: the network works on `(value - mean) / std`.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// A mean for each channel.
    pub means: Vec<f32>,
    /// A standard deviation above 0 for each channel.
    pub stds: Vec<f32>,
}

/// The least distance of sigmas from 0 and 1, and of rho from -1 and 1.
const MARGIN: f32 = 0.00001;

impl Normalisation {
    /// The normalisation of the authors' texture generator for 128 tokens of 16 texture channels (their
    /// `configs/gpstoken_generator.yaml`). The first five channels are the differences to the layout.
    pub fn official() -> Self {
        let means = [
            -0.0211, -0.0196, 0.0107, -0.0052, -0.0044, 1.8017, 2.4036, 2.0145, 1.2402, -4.2579, -1.2646, -3.0395,
            2.2928, 3.2168, -0.1431, 0.1600, 1.3924, 3.2345, 1.6994, 0.8237, 0.3222,
        ];
        let stds = [
            0.0121, 0.0108, 0.2533, 0.0119, 0.0114, 2.7334, 2.6400, 2.7963, 2.9325, 2.8337, 2.8269, 3.1082, 3.1412,
            2.8038, 2.6501, 2.6163, 2.4718, 2.6958, 2.8157, 2.4744, 2.8200,
        ];
        Self { means: means.to_vec(), stds: stds.to_vec() }
    }

    /// Reads `{"means": [...], "stds": [...]}` for a network with this many channels.
    ///
    /// # Errors
    /// The JSON has another form or length, a number is not finite, or a std is not above 0.
    pub fn read(json: &serde_json::Value, channels: usize) -> Result<Self> {
        let normalisation: Self = serde_json::from_value(json.clone())
            .map_err(|e| Error::new(format!("expected a normalisation {{\"means\": [...], \"stds\": [...]}}: {e}")))?;
        let Self { means, stds } = &normalisation;
        if means.len() != channels || stds.len() != channels {
            return Err(Error::new(format!(
                "expected {channels} means and stds, one for each channel of the generator, got {} and {}",
                means.len(),
                stds.len()
            )));
        }
        let usable = means.iter().all(|v| v.is_finite()) && stds.iter().all(|v| v.is_finite() && *v > 0.0);
        if !usable {
            return Err(Error::new(format!("expected finite means and stds above 0, got {means:?} and {stds:?}")));
        }
        Ok(normalisation)
    }

    /// Turns a sample `[C, N]` into tokens `[N, C]`: brings it to the scale of the data, adds the layout's gaussians `[N, 5]`
    /// if there are any, and clamps sigmas and rho to legal values. Positions may lie outside the canvas.
    pub fn tokens(&self, sample: &[f32], layout: Option<&[f32]>) -> Vec<f32> {
        let channels = self.means.len();
        let count = sample.len() / channels;
        let mut tokens = Vec::with_capacity(sample.len());
        for token in 0..count {
            for channel in 0..channels {
                let mut value = sample[channel * count + token] * self.stds[channel] + self.means[channel];
                if let Some(layout) = layout.filter(|_| channel < 5) {
                    value += layout[token * 5 + channel];
                }
                tokens.push(match channel {
                    0 | 1 => value.clamp(MARGIN, 1.0 - MARGIN),
                    2 => value.clamp(MARGIN - 1.0, 1.0 - MARGIN),
                    _ => value,
                });
            }
        }
        tokens
    }
}
