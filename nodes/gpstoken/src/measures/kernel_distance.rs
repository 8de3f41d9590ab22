//! The kernel inception distance (Bińkowski et al. 2018, arXiv:1801.01401), with all pairs of pictures.

use super::products::for_each_product;

/// The degree of the kernel `(x y / D + 1)^degree`.
const DEGREE: i32 = 3;

/// The unbiased estimate of the squared distance of two sets of features `[pictures, width]`; `None` if a set has less than two pictures.
pub fn kernel_distance(a: &[f32], b: &[f32], width: usize) -> Option<f64> {
    let [count_a, count_b] = [a, b].map(|features| (features.len() / width) as f64);
    if count_a < 2.0 || count_b < 2.0 {
        return None;
    }
    let within = |features: &[f32], count: f64| sum(features, features, width, true) / (count * (count - 1.0));
    Some(within(a, count_a) + within(b, count_b) - 2.0 * sum(a, b, width, false) / (count_a * count_b))
}

/// The sum of the kernel over all pairs; `others` leaves out the pairs of a picture with itself.
fn sum(a: &[f32], b: &[f32], width: usize, others: bool) -> f64 {
    let mut sums = vec![0.0; a.len() / width];
    for_each_product(a, b, width, &mut sums, |sum: &mut f64, i, first, products| {
        let kernel = |product: &f32| (f64::from(*product) / width as f64 + 1.0).powi(DEGREE);
        let values = products.iter().enumerate().filter(|(j, _)| !others || first + j != i);
        *sum += values.map(|(_, product)| kernel(product)).sum::<f64>();
    });
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_equals_its_plain_form() {
        let (a, b) = ([1.0, 2.0, 0.5, -1.0, 0.0, 3.0], [0.0, 1.0, 2.0, 2.0]);
        let kernel = |x: &[f32], y: &[f32]| (f64::from(x[0] * y[0] + x[1] * y[1]) / 2.0 + 1.0).powi(3);
        let (rows, others) = (a.chunks(2).collect::<Vec<_>>(), b.chunks(2).collect::<Vec<_>>());
        let pairs = |x: &[&[f32]], y: &[&[f32]], same: bool| -> f64 {
            let all = x.iter().enumerate().flat_map(|(i, x)| y.iter().enumerate().map(move |(j, y)| (i, j, x, y)));
            all.filter(|(i, j, ..)| !same || i != j).map(|(_, _, x, y)| kernel(x, y)).sum()
        };
        let expected = pairs(&rows, &rows, true) / 6.0 + pairs(&others, &others, true) / 2.0
            - 2.0 * pairs(&rows, &others, false) / 6.0;
        assert!((kernel_distance(&a, &b, 2).unwrap() - expected).abs() < 1e-6);
        assert!(kernel_distance(&a[..2], &b, 2).is_none());
    }
}
