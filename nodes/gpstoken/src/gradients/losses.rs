//! Losses of a decoded picture, with their gradients with respect to it: differences of pixels, and SSIM.

use crate::{
    kernels::{
        differences::{Factors, differences},
        similarity::similarity,
    },
    layers::{Host, Map},
};

/// The weights of the differences of two pictures.
#[derive(Clone, Copy, Debug)]
pub struct Differences {
    /// The weight of the mean absolute difference.
    pub absolute: f32,
    /// The weight of the mean squared difference, which PSNR measures.
    pub squared: f32,
    /// The weight of the mean absolute differences between the steps from pixel to pixel, across and down.
    pub gradient: f32,
}

impl Differences {
    /// A picture's part in the loss of a batch of `pictures` pictures of one size `[H, W, C]`: the weighted sum of the means over the
    /// batch. Returns its gradient too, `[H, W, C]`. A picture of one column or row has no steps along it.
    pub fn of(self, [decoded, expected]: [&Map; 2], pictures: usize, host: Host<'_>) -> (f64, Map) {
        let ([height, width], channels) = (decoded.size, decoded.channels);
        let mut gradient = host.map(decoded.size, channels);
        let share = |weight: f32, count: usize| f64::from(weight) / (count * channels * pictures).max(1) as f64;
        let [absolute, squared] = [self.absolute, self.squared].map(|weight| share(weight, height * width));
        let across = share(self.gradient, height * width.saturating_sub(1));
        let down = share(self.gradient, height.saturating_sub(1) * width);
        let [a, s, x, y] = [absolute, squared, across, down].map(|factor| factor as f32);
        let factors = Factors { absolute: a, squared: s, across: x, down: y };
        let maps = [decoded.values(), expected.values()];
        let sums = differences(host.level, maps, [width, channels], factors, gradient.values_mut());
        let loss = absolute * sums.absolute + squared * sums.squared + across * sums.across + down * sums.down;
        (loss, gradient)
    }
}

/// The part of a picture in the loss `1 - SSIM` of a batch of `pictures` pictures `[H, W, C]` with values 0..1, and its gradient.
///
/// It is the SSIM that `std.Compare` measures by default (Wang et al. 2004): Gaussian windows of 11 x 11 pixels with sigma 1.5, K1 =
/// 0.01 and K2 = 0.03, the mean over the channels and over all windows inside the picture. Here nothing rounds the pictures. Sides are
/// at least [`SIDE`](crate::kernels::similarity::SIDE); a smaller picture has no windows, and its loss is 0.
pub fn structural(maps: [&Map; 2], pictures: usize, host: Host<'_>) -> (f64, Map) {
    let [decoded, expected] = maps;
    let mut gradient = host.map(decoded.size, decoded.channels);
    let shape = (decoded.size, decoded.channels);
    let factor = -1.0 / pictures as f64;
    let values = [decoded.values(), expected.values()];
    let mean = similarity(host.level, values, shape, factor, gradient.values_mut(), host.workspace);
    (mean.map_or(0.0, |mean| (1.0 - mean) / pictures as f64), gradient)
}
