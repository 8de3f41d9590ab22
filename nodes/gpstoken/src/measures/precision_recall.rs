//! Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991), with all pairs of pictures.

use super::products::for_each_product;

/// Precision and recall for features `[pictures, width]`: the share of generated pictures inside the balls around real ones, and the share of
/// real pictures inside the balls around generated ones. A ball reaches to the `neighbours`th nearest other picture of its own set. `None` if
/// a set has too few pictures.
pub fn precision_recall(real: &[f32], generated: &[f32], width: usize, neighbours: usize) -> Option<[f64; 2]> {
    if [real, generated].iter().any(|set| set.len() / width <= neighbours) || neighbours == 0 {
        return None;
    }
    let centre = mean(real, width);
    let centred = |features: &[f32]| -> Vec<f32> {
        let values = features.iter().zip(centre.iter().cycle());
        values.map(|(value, centre)| (f64::from(*value) - centre) as f32).collect()
    };
    // Distances stay the same, and products of short vectors round less.
    let [real, generated] = [centred(real), centred(generated)];
    let [real, generated] = [&real, &generated].map(|features| Set::new(features, width, neighbours));
    Some([real.share_inside(&generated), generated.share_inside(&real)])
}

fn mean(features: &[f32], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in features.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let pictures = (features.len() / width) as f64;
    sums.into_iter().map(|sum| sum / pictures).collect()
}

struct Set<'a> {
    features: &'a [f32],
    width: usize,
    /// The squared length of each picture's features.
    lengths: Vec<f64>,
    /// The squared radius of the ball around each picture.
    radii: Vec<f64>,
}

impl<'a> Set<'a> {
    fn new(features: &'a [f32], width: usize, neighbours: usize) -> Self {
        let rows = features.chunks_exact(width);
        let lengths: Vec<f64> = rows.map(|row| row.iter().map(|v| f64::from(*v).powi(2)).sum()).collect();
        let mut nearest = vec![vec![f64::INFINITY; neighbours]; lengths.len()];
        for_each_product(features, features, width, &mut nearest, |nearest: &mut Vec<f64>, i, first, products| {
            for (j, product) in products.iter().enumerate().map(|(j, product)| (first + j, product)) {
                let distance = squared(lengths[i], lengths[j], *product);
                if i != j && distance < nearest[neighbours - 1] {
                    let at = nearest.partition_point(|known| *known <= distance);
                    nearest.insert(at, distance);
                    nearest.truncate(neighbours);
                }
            }
        });
        let radii = nearest.into_iter().map(|nearest| nearest[neighbours - 1]).collect();
        Self { features, width, lengths, radii }
    }

    /// The share of the other set's pictures that are inside a ball of this set.
    fn share_inside(&self, other: &Set<'_>) -> f64 {
        let mut inside = vec![false; other.lengths.len()];
        for_each_product(
            other.features,
            self.features,
            self.width,
            &mut inside,
            |inside: &mut bool, i, first, products| {
                let mut balls = products.iter().zip(&self.lengths[first..]).zip(&self.radii[first..]);
                *inside |=
                    balls.any(|((product, length), radius)| squared(other.lengths[i], *length, *product) <= *radius);
            },
        );
        inside.iter().filter(|inside| **inside).count() as f64 / inside.len() as f64
    }
}

/// The squared distance of two pictures with these squared lengths.
fn squared(a: f64, b: f64, product: f32) -> f64 {
    (a + b - 2.0 * f64::from(product)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balls_reach_to_the_neighbour_and_no_further() {
        // On a line: real 0, 1, 3; generated 0.5, 4.5, 100, 101.
        let (real, generated) = ([0.0, 1.0, 3.0], [0.5, 4.5, 100.0, 101.0]);
        // The radii of the real ones are 1, 1 and 2; those of the generated ones 4, 4, 1 and 1.
        assert_eq!(precision_recall(&real, &generated, 1, 1), Some([0.5, 1.0]));
        assert_eq!(precision_recall(&real, &generated, 1, 3), None);
        assert_eq!(precision_recall(&real, &real, 1, 2), Some([1.0, 1.0]));
    }
}
