//! PSNR of two pictures.

/// Peak signal-to-noise ratio in dB of 8-bit levels over all channels, at most 100, as std.Compare computes it. Both pictures have as
/// many values, 0..1.
pub fn psnr(a: &[f32], b: &[f32]) -> f64 {
    let level = |v: f32| i64::from((v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
    let sum: i64 = a.iter().zip(b).map(|(a, b)| (level(*a) - level(*b)).pow(2)).sum();
    (10.0 * (255.0 * 255.0 * a.len() as f64 / sum as f64).log10()).min(100.0)
}
