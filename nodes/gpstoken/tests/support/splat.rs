//! Tokens for tests of the splat, and the maps to compare with.

use super::Golden;
use splatgraph_pack_gpstoken::splat::splat;

/// Tokens, and the map's size.
pub(crate) struct Case {
    pub(crate) gaussians: Vec<f32>,
    pub(crate) textures: Vec<f32>,
    pub(crate) channels: usize,
    pub(crate) size: [usize; 2],
    pub(crate) support: f32,
}

impl Case {
    pub(crate) fn direct(&self) -> Vec<f32> {
        splat_map(&self.gaussians, &self.textures, self.channels, self.size, self.support)
    }
}

/// The map `[C, height, width]`. The splat overwrites other numbers.
pub(crate) fn splat_map(
    gaussians: &[f32],
    textures: &[f32],
    channels: usize,
    size: [usize; 2],
    support: f32,
) -> Vec<f32> {
    let mut map = vec![f32::NAN; channels * size[0] * size[1]];
    splat(gaussians, textures, size, support, &mut map);
    map
}

pub(crate) fn unit(golden: &Golden, name: &str) -> Case {
    let sigmas = golden.rows::<3>(&format!("{name}.sigmas"));
    let coords = golden.rows::<2>(&format!("{name}.coords"));
    let &[h, w, support] = golden.f32(&format!("{name}.hw_dmax")) else { panic!("three numbers") };
    Case {
        gaussians: sigmas.iter().zip(coords).flat_map(|(s, c)| [s[0], s[1], s[2], c[0], c[1]]).collect(),
        textures: golden.f32(&format!("{name}.colors")).to_vec(),
        channels: golden.shape(&format!("{name}.colors"))[1],
        size: [w as usize, h as usize],
        support,
    }
}

/// `[H, W, C]` to `[C, H, W]`
pub(crate) fn channels_first(values: &[f64], channels: usize) -> Vec<f32> {
    (0..channels).flat_map(|c| values.iter().skip(c).step_by(channels).map(|v| *v as f32)).collect()
}

pub(crate) fn random_case(count: usize, channels: usize, size: [usize; 2]) -> Case {
    let mut state = 12_345u64;
    let mut random = move |low: f32, high: f32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((state >> 40) as f32 / (1 << 24) as f32)
    };
    let gaussians = (0..count)
        .flat_map(|_| [random(0.01, 0.3), random(0.01, 0.3), random(-0.9, 0.9), random(-1.2, 1.2), random(-1.2, 1.2)]);
    let gaussians = gaussians.collect();
    Case {
        gaussians,
        textures: (0..count * channels).map(|_| random(-1.0, 1.0)).collect(),
        channels,
        size,
        support: 3.0,
    }
}

/// The tokens of a recorded run.
pub(crate) fn recorded_case(golden: &Golden, size: [usize; 2], support: f32) -> Case {
    let width = golden.shape("gpstokens")[2];
    let tokens: Vec<&[f32]> = golden.f32("gpstokens").chunks_exact(width).collect();
    Case {
        gaussians: tokens.iter().flat_map(|t| t[..5].to_vec()).collect(),
        textures: tokens.iter().flat_map(|t| t[5..].to_vec()).collect(),
        channels: width - 5,
        size,
        support,
    }
}
