//! The differences of two pictures at each place of a stage, and their combination over all stages.

/// The weighted squared differences of a stage.
#[derive(Debug)]
pub struct Difference {
    /// Height and width.
    pub size: [usize; 2],
    /// `[height, width]`
    pub values: Vec<f32>,
}

/// The distance of two pictures: the sum of the stages' means.
pub fn distance(stages: &[Difference]) -> f64 {
    let mean = |stage: &Difference| stage.values.iter().map(|&v| f64::from(v)).sum::<f64>() / stage.values.len() as f64;
    stages.iter().map(mean).sum()
}

/// The sum of the stages at each pixel of a picture, `[height, width]`. Each stage is enlarged bilinearly; its first and last values are
/// half a pixel of the stage from the border.
pub fn at_each_pixel(stages: &[Difference], [height, width]: [usize; 2]) -> Vec<f32> {
    let mut sum = vec![0.0; height * width];
    for Difference { size: [rows, columns], values } in stages {
        let (down, across) = (places(height, *rows), places(width, *columns));
        for (line, (top, bottom, y)) in sum.chunks_exact_mut(width).zip(&down) {
            let [top, bottom] = [top, bottom].map(|row| &values[row * columns..][..*columns]);
            for (sum, (left, right, x)) in line.iter_mut().zip(&across) {
                let between = |row: &[f32]| row[*left] + (row[*right] - row[*left]) * x;
                let upper = between(top);
                *sum += upper + (between(bottom) - upper) * y;
            }
        }
    }
    sum
}

/// For each of `pixels` pixels: the indices of the two nearest of `length` values, and the pixel's position between them, 0..1.
fn places(pixels: usize, length: usize) -> Vec<(usize, usize, f32)> {
    let scale = length as f64 / pixels as f64;
    let place = |i: usize| {
        let at = ((i as f64 + 0.5) * scale - 0.5).clamp(0.0, (length - 1) as f64);
        (at as usize, (at as usize + 1).min(length - 1), at.fract() as f32)
    };
    (0..pixels).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_averages_stages_and_the_map_enlarges_them() {
        let coarse = Difference { size: [1, 2], values: vec![0.0, 4.0] };
        let fine = Difference { size: [2, 4], values: vec![1.0; 8] };
        let stages = [coarse, fine];
        assert_eq!(distance(&stages), 3.0);
        assert_eq!(at_each_pixel(&stages, [2, 4]), [1.0, 2.0, 4.0, 5.0, 1.0, 2.0, 4.0, 5.0]);
    }
}
