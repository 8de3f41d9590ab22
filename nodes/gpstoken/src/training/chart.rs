//! The loss curve as a picture and as a table.

use super::plot::{Axis, Plot, Scale};
use image::{Rgb, RgbImage};
use std::fmt::Write;

const FAINT: Rgb<u8> = Rgb([165, 185, 220]);
const LINE: Rgb<u8> = Rgb([30, 90, 200]);
const DISCRIMINATOR: Rgb<u8> = Rgb([225, 140, 40]);

/// A table with the columns `step,loss,average` and one row for each step. The average covers the last fiftieth of the steps so far, but
/// at least ten steps. With a discriminator, the table has a column for its loss, which is empty in the steps before the discriminator
/// began.
pub fn table(losses: &[f32], discriminator: Option<&[f32]>) -> String {
    let mut text = "step,loss,average".to_owned();
    text += if discriminator.is_some() { ",discriminator\n" } else { "\n" };
    for (step, (loss, average)) in losses.iter().zip(averages(losses)).enumerate() {
        let _ = write!(text, "{},{loss},{average}", step + 1);
        if let Some(judged) = discriminator {
            let loss = (step + judged.len()).checked_sub(losses.len()).map(|index| judged[index].to_string());
            let _ = write!(text, ",{}", loss.unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

/// Draws the losses, faintly, and their average on a logarithmic scale, with the name of the training as the title. The average of the
/// discriminator's losses is orange, with a separate scale from 0 to 2 on the right: it runs in the middle while the discriminator can't
/// tell the pictures apart.
pub fn chart(name: &str, losses: &[f32], discriminator: &[f32]) -> RgbImage {
    let steps = losses.len();
    let title = format!("Loss of {name}, {steps} step{}", if steps == 1 { "" } else { "s" });
    let shown = |values: &[f32], first: usize| -> Vec<[f64; 2]> {
        let points = values.iter().enumerate().filter(|(_, value)| value.is_finite() && **value > 0.0);
        points.map(|(step, value)| [(first + step + 1) as f64, f64::from(*value)]).collect()
    };
    let (points, means) = (shown(losses, 0), shown(&averages(losses), 0));
    let judged = shown(&averages(discriminator), steps - discriminator.len());
    let x = Axis { low: 1.0, high: steps.max(2) as f64, scale: Scale::Whole };
    let range = points.iter().map(|point| point[1]).fold([f64::INFINITY, 0.0], |[a, b], v| [a.min(v), b.max(v)]);
    // A level curve still has a scale around it.
    let [low, high] = if range[1] > 0.0 { [range[0] / 1.05, range[1] * 1.05] } else { [0.1, 1.0] };
    let y = Axis { low, high, scale: Scale::Logarithmic };
    let right = Axis { low: 0.0, high: 2.0, scale: Scale::Linear };
    let mut plot = Plot::new(&title, "step", &x, &y, (!judged.is_empty()).then_some(&right));
    plot.curve("each step", &points, &y, FAINT);
    plot.curve("average", &means, &y, LINE);
    if !judged.is_empty() {
        plot.curve("discriminator", &judged, &right, DISCRIMINATOR);
    }
    plot.finish()
}

fn averages(losses: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0f64];
    sums.extend(losses.iter().scan(0.0f64, |sum, loss| {
        *sum += f64::from(*loss);
        Some(*sum)
    }));
    let average = |end: usize| {
        let start = end.saturating_sub((end / 50).max(10));
        ((sums[end] - sums[start]) / (end - start) as f64) as f32
    };
    (1..=losses.len()).map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a column that have this colour.
    fn rows(picture: &RgbImage, x: u32, colour: Rgb<u8>) -> Vec<u32> {
        (0..picture.height()).filter(|y| *picture.get_pixel(x, *y) == colour).collect()
    }

    #[test]
    fn the_table_shows_a_late_discriminator_in_the_last_rows() {
        let text = table(&[1.0, 0.5, 0.25], Some(&[1.0, 0.75]));
        assert_eq!(text, "step,loss,average,discriminator\n1,1,1,\n2,0.5,0.75,1\n3,0.25,0.5833333,0.75\n");
        let picture = chart("a", &[0.1; 500], &[1.0; 250]);
        let (left, right) = (rows(&picture, 200, DISCRIMINATOR), rows(&picture, 600, DISCRIMINATOR));
        let middle = picture.height() / 2;
        assert!(!left.iter().any(|y| y.abs_diff(middle) < 50), "{left:?}");
        assert!(right.iter().any(|y| y.abs_diff(middle) < 20), "{right:?}");
    }

    #[test]
    fn the_curve_falls_and_the_table_has_a_row_for_each_step() {
        let losses: Vec<f32> = (0..500).map(|step| 1.0 / (1.0 + step as f32 / 50.0)).collect();
        let picture = chart("a", &losses, &[]);
        let height = |x: u32| rows(&picture, x, LINE).into_iter().find(|y| *y > 40).unwrap();
        assert!(height(90) < height(400) && height(400) < height(770));
        let text = table(&losses, None);
        assert_eq!(text.lines().count(), 501);
        assert!(text.starts_with("step,loss,average\n1,1,1\n"), "{text}");
    }

    #[test]
    fn few_steps_are_dots_and_odd_losses_are_left_out() {
        let curves = |pixel: &&Rgb<u8>| [FAINT, LINE].contains(pixel);
        let dots = |losses: &[f32]| chart("a", losses, &[]).pixels().filter(curves).count();
        let empty = dots(&[]);
        assert!(dots(&[0.5]) > empty, "one step is seen");
        let several = [0.5, 0.4, 0.6, 0.3, 0.5];
        assert!(dots(&several) > dots(&several[..3]));
        for odd in [&[f32::NAN, 1.0, f32::INFINITY][..], &[f32::NAN; 3], &[0.0, -1.0], &[1e-30, 1e30], &[5.0; 3]] {
            assert_eq!(chart("a", odd, &[0.5]).dimensions(), chart("a", &[], &[]).dimensions());
        }
    }
}
