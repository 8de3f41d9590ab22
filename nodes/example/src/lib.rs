//! A complete third-party pack in one file with one dependency.
//!
//! `acme.Splat` can replace `gpstoken.Splat` in any graph, as it also turns TOKENS into a FEATURE_MAP. It is a plain sum over all
//! tokens, easy to read but not fast. `acme.RandomTextures` can replace `gpstoken.TextureDiffusion`, as it also turns a LAYOUT, a
//! class and a seed into TOKENS.

use splatgraph_sdk::prelude::*;

/// How the weight of a gaussian falls with the distance.
#[derive(Clone, Copy, Choice)]
pub enum Falloff {
    /// exp(-d/2), like GPSToken.
    Gaussian,
    /// 1/(1+d): wider tails, softer pictures.
    Cauchy,
}

/// Renders tokens into a feature map by summing their gaussians, one by one.
///
/// Replaces gpstoken.Splat and uses only the SDK.
#[node(category = "Tokens", outputs(map: "the sum of all tokens"))]
pub fn splat(
    /// The tokens to render.
    tokens: Tokens,
    /// How the weight of a gaussian falls with the distance.
    #[input(default = Falloff::Gaussian)]
    falloff: Falloff,
    /// Multiplies every sigma; 1 leaves the tokens as they are.
    #[input(default = 1.0, min = 0.1, max = 10)]
    spread: f32,
    ctx: &Ctx,
) -> Result<FeatureMap> {
    let [batch, count, _] = tokens.gaussians.dims()?; // [B, N, 5]
    let [_, _, channels] = tokens.textures.dims()?; // [B, N, C]
    let gaussians = tokens.gaussians.as_slice::<f32>()?;
    let textures = tokens.textures.as_slice::<f32>()?;
    let [tile_width, tile_height] = tokens.header.map_or_default();
    let [across, down] = tokens.header.grid;
    let (width, height) = ((tile_width * across) as usize, (tile_height * down) as usize);
    let support = tokens.header.support_or_default();
    let counts = tokens.counts.as_ref().map(|c| c.as_slice::<i64>()).transpose()?;

    let mut map = vec![0f32; batch * channels * height * width]; // [B, C, h, w]
    for b in 0..batch {
        let used = counts.map_or(count, |c| c[b] as usize);
        for n in 0..used {
            ctx.step(b * count + n, batch * count)?;
            let row = b * count + n;
            let [sigma_x, sigma_y, rho, x, y] = gaussians[row * 5..][..5] else {
                unreachable!("a gaussian has 5 numbers")
            };
            let (sigma_x, sigma_y) = (sigma_x * spread, sigma_y * spread);
            for py in 0..height {
                // Pixel centres lie on -1..1, including both ends.
                let dy = centre(py, height) - y;
                if dy.abs() > support * sigma_y {
                    continue;
                }
                for px in 0..width {
                    let dx = centre(px, width) - x;
                    if dx.abs() > support * sigma_x {
                        continue;
                    }
                    let (u, v) = (dx / sigma_x, dy / sigma_y);
                    let distance = (u * u - 2.0 * rho * u * v + v * v) / (1.0 - rho * rho);
                    let weight = match falloff {
                        Falloff::Gaussian => (-0.5 * distance).exp(),
                        Falloff::Cauchy => 1.0 / (1.0 + distance),
                    };
                    if !weight.is_finite() {
                        continue; // a degenerate gaussian contributes nothing
                    }
                    for c in 0..channels {
                        map[((b * channels + c) * height + py) * width + px] += weight * textures[row * channels + c];
                    }
                }
            }
        }
    }
    FeatureMap::new(Tensor::from_vec([batch, channels, height, width], map)?, tokens.header)
}

fn centre(pixel: usize, size: usize) -> f32 {
    if size == 1 { 0.0 } else { 2.0 * pixel as f32 / (size - 1) as f32 - 1.0 }
}

/// Gives every gaussian of a layout a random texture, which depends on class and seed.
///
/// Replaces gpstoken.TextureDiffusion without a model, so that a graph can run before there is one.
#[node(category = "Tokens", outputs(tokens: "the layout's gaussians with textures"))]
pub fn random_textures(
    /// The gaussians.
    layout: Layout,
    /// The class of the picture. Here each class gives another random picture.
    #[input(default = 0, min = 0)]
    class: u32,
    /// The seed. Picture i of the batch uses `seed` + i.
    #[input(default = 0, min = 0)]
    seed: u64,
    /// The numbers in a texture, as many as the decoder takes.
    #[input(default = 32, min = 1, max = 4096)]
    channels: usize,
) -> Result<Tokens> {
    let [batch, count, _] = layout.gaussians.dims()?; // [B, N, 5]
    let mut textures = Vec::with_capacity(batch * count * channels); // [B, N, C]
    for picture in 0..batch as u64 {
        let mut state = seed.wrapping_add(picture) ^ (u64::from(class) << 40);
        textures.extend((0..count * channels).map(|_| random(&mut state)));
    }
    let textures = Tensor::from_vec([batch, count, channels], textures)?;
    Tokens::new(layout.gaussians, textures, None, layout.header)
}

/// A random number of -1..1: splitmix64 (Steele, Lea, Flood 2014).
fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

export_pack! { id: "acme", description: "A splat and a texture stage in plain Rust", nodes: [splat, random_textures] }

#[cfg(test)]
mod tests {
    use super::*;
    use splatgraph_sdk::testing::{json, run};

    #[test]
    fn a_token_in_the_middle_peaks_in_the_middle() {
        let gaussians = Tensor::from_vec([1, 1, 5], vec![0.2f32, 0.2, 0.0, 0.0, 0.0]).unwrap();
        let textures = Tensor::from_vec([1, 1, 1], vec![2.0f32]).unwrap();
        let header = Canvas { map: Some([5, 5]), ..Canvas::default() };
        let tokens = Tokens::new(gaussians, textures, None, header).unwrap();
        let outputs = run::<splat>(json!({}), [("tokens", tokens.into_value().unwrap())]).unwrap();
        let map = FeatureMap::from_value(&outputs[0]).unwrap().map;
        let middle = 2 * 5 + 2;
        assert_eq!(map.as_slice::<f32>().unwrap()[middle], 2.0);
        assert_eq!(map.as_slice::<f32>().unwrap()[0], 0.0);
    }
    #[test]
    fn textures_depend_on_seed_and_class() {
        let textures = |seed: u64, class: u32, batch: usize| {
            let gaussians = Tensor::from_vec([batch, 3, 5], vec![0.1f32; batch * 15]).unwrap();
            let layout = Layout::new(gaussians, None, Canvas::default()).unwrap().into_value().unwrap();
            let inputs = json!({"seed": seed, "class": class, "channels": 4});
            let outputs = run::<random_textures>(inputs, [("layout", layout)]).unwrap();
            Tokens::from_value(&outputs[0]).unwrap().textures.to_f32()
        };
        let two = textures(7, 1, 2);
        assert_eq!(two.len(), 2 * 3 * 4);
        assert_eq!(two, [textures(7, 1, 1), textures(8, 1, 1)].concat());
        assert_ne!(textures(7, 1, 1), textures(7, 2, 1));
        assert!(two.iter().all(|v| (-1.0..=1.0).contains(v)));
    }
}
