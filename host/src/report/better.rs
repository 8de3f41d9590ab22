//! Which numbers of a measure are better, by its name.

use super::data::Better;

const HIGHER: [&str; 13] = [
    "psnr",
    "ssim",
    "msssim",
    "snr",
    "is",
    "inception",
    "precision",
    "recall",
    "accuracy",
    "iou",
    "r2",
    "density",
    "coverage",
];
const LOWER: [&str; 18] = [
    "lpips", "fid", "rfid", "sfid", "rsfid", "gfid", "kid", "dists", "mse", "rmse", "mae", "l1", "l2", "loss", "error",
    "distance", "bpp", "ms",
];

/// `None` for a name without a word that is known. The first such word counts: the `psnr_of_mean_error` is a PSNR.
pub(super) fn by_name(name: &str) -> Option<Better> {
    let name = name.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric()).find_map(|word| {
        if HIGHER.contains(&word) {
            Some(Better::Higher)
        } else if LOWER.contains(&word) {
            Some(Better::Lower)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_numbers_are_better() {
        let found = ["PSNR", "rec_fid", "inception_score", "psnr_of_mean_error", "lpips-vgg", "letters", "", "miss"]
            .map(by_name);
        let (higher, lower) = (Some(Better::Higher), Some(Better::Lower));
        assert_eq!(found, [higher, lower, higher, higher, lower, None, None, None]);
    }
}
