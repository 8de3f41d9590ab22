//! The inception score (Salimans et al. 2016, arXiv:1606.03498).

/// Mean and standard deviation of the score over `splits` equal parts, in their order: `exp(mean of KL(p(y|x) || p(y)))` for classes before
/// softmax `[pictures, classes]`. The pictures that are left over belong to no part if `splits` does not divide their number; `None` if a part
/// would be empty.
pub fn inception_score(logits: &[f32], classes: usize, splits: usize) -> Option<[f64; 2]> {
    let pictures = logits.len() / classes;
    if splits == 0 || pictures < splits {
        return None;
    }
    let bounds = |split: usize| split * pictures / splits * classes;
    let scores: Vec<f64> = (0..splits).map(|split| score(&logits[bounds(split)..bounds(split + 1)], classes)).collect();
    let mean = scores.iter().sum::<f64>() / splits as f64;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / splits as f64;
    Some([mean, variance.sqrt()])
}

fn score(logits: &[f32], classes: usize) -> f64 {
    let pictures = logits.len() / classes;
    let mut all = vec![0.0; classes];
    // The mean of the sums of p log p.
    let mut certain = 0.0;
    for row in logits.chunks_exact(classes) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let shifted = |v: &f32| f64::from(*v) - f64::from(largest);
        let log_sum = row.iter().map(|v| shifted(v).exp()).sum::<f64>().ln();
        for (all, value) in all.iter_mut().zip(row) {
            let log = shifted(value) - log_sum;
            *all += log.exp();
            certain += log.exp() * log;
        }
    }
    let count = pictures as f64;
    let entropy: f64 = all.iter().map(|sum| sum / count).filter(|p| *p > 0.0).map(|p| p * p.ln()).sum();
    (certain / count - entropy).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_and_different_pictures_score_their_number_and_equal_ones_score_1() {
        let certain: Vec<f32> = (0..16).map(|i| if i % 5 == 0 { 200.0 } else { 0.0 }).collect();
        let [mean, deviation] = inception_score(&certain, 4, 1).unwrap();
        assert!((mean - 4.0).abs() < 1e-9 && deviation == 0.0);
        let [mean, _] = inception_score(&[0.5, 1.0, 0.5, 1.0], 2, 1).unwrap();
        assert!((mean - 1.0).abs() < 1e-12);
        assert!(inception_score(&certain, 4, 5).is_none());
    }
}
