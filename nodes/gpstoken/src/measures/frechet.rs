//! The Fréchet distance of two normal distributions (Dowson and Landau 1982), as FID uses it (Heusel et al. 2017, arXiv:1706.08500).

use super::statistics::Moments;
use nalgebra::DMatrix;

/// `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`
///
/// With `C = L L^T`, the trace of the root is the sum of the singular values of `L1^T L2`. Both factors exist for covariances of few pictures
/// too, whose rank is below their size.
pub fn frechet_distance(a: &Moments, b: &Moments) -> f64 {
    let width = a.mean.len();
    let means: f64 = a.mean.iter().zip(&b.mean).map(|(a, b)| (a - b).powi(2)).sum();
    let trace = |moments: &Moments| (0..width).map(|i| moments.covariance[i * width + i]).sum::<f64>();
    let [left, right] = [a, b].map(|moments| factor(&moments.covariance, width));
    let product = left.tr_mul(&right);
    // The singular values are the roots of the eigenvalues of the smaller product with itself.
    let square =
        if product.nrows() < product.ncols() { &product * product.transpose() } else { product.tr_mul(&product) };
    let root: f64 =
        if square.is_empty() { 0.0 } else { square.symmetric_eigenvalues().iter().map(|v| v.max(0.0).sqrt()).sum() };
    means + trace(a) + trace(b) - 2.0 * root
}

/// The factor `L` `[D, rank]` of a positive semidefinite matrix `L L^T`, by Cholesky's method with the largest diagonal first.
fn factor(matrix: &[f64], width: usize) -> DMatrix<f64> {
    let mut rest: Vec<f64> = (0..width).map(|i| matrix[i * width + i].max(0.0)).collect();
    // What rounding leaves of a diagonal that is zero.
    let least = rest.iter().copied().fold(0.0, f64::max) * width as f64 * f64::EPSILON;
    let mut columns: Vec<Vec<f64>> = Vec::new(); // [rank][D]
    while columns.len() < width {
        let (pivot, &largest) = rest.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("the matrix has rows");
        if largest <= least {
            break;
        }
        let mut column: Vec<f64> = matrix[pivot * width..][..width].to_vec();
        for earlier in &columns {
            let factor = earlier[pivot];
            column.iter_mut().zip(earlier).for_each(|(value, earlier)| *value -= factor * earlier);
        }
        let root = largest.sqrt();
        column.iter_mut().for_each(|value| *value /= root);
        rest.iter_mut().zip(&column).for_each(|(rest, value)| *rest -= value * value);
        rest[pivot] = 0.0;
        columns.push(column);
    }
    DMatrix::from_vec(width, columns.len(), columns.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagonal(mean: &[f64], variances: &[f64]) -> Moments {
        let width = mean.len();
        let mut covariance = vec![0.0; width * width];
        (0..width).for_each(|i| covariance[i * width + i] = variances[i]);
        Moments { mean: mean.to_vec(), covariance }
    }

    #[test]
    fn distances_of_independent_features_add_up() {
        // For each feature: (m1 - m2)^2 + (s1 - s2)^2.
        let a = diagonal(&[1.0, 0.0, 5.0], &[4.0, 1.0, 0.0]);
        let b = diagonal(&[0.0, 0.0, 5.0], &[1.0, 9.0, 2.25]);
        let expected = 1.0 + 1.0 + 4.0 + 2.25;
        assert!((frechet_distance(&a, &b) - expected).abs() < 1e-9);
        assert!(frechet_distance(&a, &a).abs() < 1e-9);
        assert_eq!(frechet_distance(&diagonal(&[0.0; 2], &[0.0; 2]), &diagonal(&[3.0, 0.0], &[0.0; 2])), 9.0);
    }

    #[test]
    fn turned_features_keep_their_distance() {
        // Both covariances turned by the same angle.
        let turned = |[a, b]: [f64; 2], angle: f64| {
            let (s, c) = angle.sin_cos();
            let off = s * c * (a - b);
            Moments { mean: vec![0.0; 2], covariance: vec![c * c * a + s * s * b, off, off, s * s * a + c * c * b] }
        };
        let plain = frechet_distance(&turned([4.0, 1.0], 0.0), &turned([9.0, 0.25], 0.0));
        let both = frechet_distance(&turned([4.0, 1.0], 0.7), &turned([9.0, 0.25], 0.7));
        assert!((plain - 1.25).abs() < 1e-9 && (both - plain).abs() < 1e-9, "{plain} {both}");
    }
}
