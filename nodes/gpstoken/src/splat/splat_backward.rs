//! The gradients of the splat on the CPU: the twin of `shaders/splat_backward.wgsl`.

use super::{covered, is_usable, place, places};
use rayon::prelude::*;

/// The gradients of the gaussians `[N, 5]` and the textures `[N, C]` of one picture, from the gradient of the map `[C,
/// height, width]`.
///
/// Let `X = dx / sigma_x`, `Y = dy / sigma_y` and `q = 1 / (1 - rho^2)`. For a pixel with the weight `w`, let `t = w
/// <gradient, texture>`. The gradient of the texture is the sum of `w gradient`. The gradients of x and sigma_x are `q /
/// sigma_x` times the sums of `t (X - rho Y)` and `t X (X - rho Y)`; those of y and sigma_y are alike. The gradient of rho is
/// `q` times the sum of `t (X Y - rho q (X^2 - 2 rho X Y + Y^2))`. As in the authors' code, the border of the box has no
/// gradient.
pub fn splat_backward(
    gaussians: &[f32],
    textures: &[f32],
    gradient: &[f32],
    size: [usize; 2],
    support: f32,
) -> (Vec<f32>, Vec<f32>) {
    at_places(gaussians, textures, gradient, size, support, |i, size| f64::from(place(i, size) as f32))
}

/// [`splat_backward`] with the places of pixels in f64, as [`splat`](super::splat) has them: the slow twin of `pixels_backward`. The
/// shader and the authors' kernel round places to f32, which changes gradients where rho is nearly 1.
pub fn splat_backward_in_f64(
    gaussians: &[f32],
    textures: &[f32],
    gradient: &[f32],
    size: [usize; 2],
    support: f32,
) -> (Vec<f32>, Vec<f32>) {
    at_places(gaussians, textures, gradient, size, support, place)
}

fn at_places(
    gaussians: &[f32],
    textures: &[f32],
    gradient: &[f32],
    [width, height]: [usize; 2],
    support: f32,
    place: impl Fn(usize, usize) -> f64 + Sync,
) -> (Vec<f32>, Vec<f32>) {
    let count = gaussians.len() / 5;
    let channels = textures.len() / count.max(1);
    let (mut of_gaussians, mut of_textures) = (vec![0.0; count * 5], vec![0.0; count * channels]);
    if channels == 0 {
        return (of_gaussians, of_textures);
    }
    let (columns, rows) = (places(width), places(height));
    let tokens = gaussians.par_chunks_exact(5).zip(textures.par_chunks_exact(channels));
    let results = of_gaussians.par_chunks_exact_mut(5).zip(of_textures.par_chunks_exact_mut(channels));
    tokens.zip(results).for_each(|((gaussian, texture), (of_gaussian, of_texture))| {
        if !is_usable(gaussian) {
            return;
        }
        let [sigma_x, sigma_y, rho, x, y] = std::array::from_fn(|i| f64::from(gaussian[i]));
        let q = 1.0 / ((1.0 - rho) * (1.0 + rho));
        let mut sums = [0.0f64; 5]; // in the order of the numbers of a gaussian
        let mut of_channels = vec![0.0f64; channels];
        for row in covered(&rows, gaussian[4], support * gaussian[1]) {
            let v = (place(row, height) - y) / sigma_y;
            for column in covered(&columns, gaussian[3], support * gaussian[0]) {
                let u = (place(column, width) - x) / sigma_x;
                let (slant, other_slant) = (u - rho * v, v - rho * u);
                let weight = (-0.5 * (slant * slant * q + v * v)).exp();
                let mut product = 0.0;
                for (c, of_channel) in of_channels.iter_mut().enumerate() {
                    let of_map = f64::from(gradient[(c * height + row) * width + column]);
                    *of_channel += weight * of_map;
                    product += of_map * f64::from(texture[c]);
                }
                let t = weight * product;
                let of_rho = u * v - rho * q * (slant * slant + v * v / q);
                let parts = [u * slant, v * other_slant, of_rho, slant, other_slant];
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += t * part);
            }
        }
        let factors = [q / sigma_x, q / sigma_y, q, q / sigma_x, q / sigma_y];
        for (to, (sum, factor)) in of_gaussian.iter_mut().zip(sums.into_iter().zip(factors)) {
            *to = (sum * factor) as f32;
        }
        of_texture.iter_mut().zip(of_channels).for_each(|(to, sum)| *to = sum as f32);
    });
    (of_gaussians, of_textures)
}
