//! The loss curve as a picture and as a table.

use image::{Rgb, RgbImage};
use std::fmt::Write;

const WIDTH: u32 = 800;
const HEIGHT: u32 = 400;
const MARGIN: u32 = 20;
const BACKGROUND: Rgb<u8> = Rgb([250, 250, 250]);
const FAINT: Rgb<u8> = Rgb([205, 215, 230]);
const LINE: Rgb<u8> = Rgb([30, 90, 200]);
const DISCRIMINATOR: Rgb<u8> = Rgb([225, 140, 40]);
const GRID: Rgb<u8> = Rgb([225, 225, 225]);

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

/// Draws the losses, faintly, and their average on a logarithmic scale. Horizontal lines mark halves of the highest loss. The average of
/// the discriminator's losses is orange, with a separate scale from 0 to 2: it runs in the middle while the discriminator can't tell the
/// pictures apart.
pub fn chart(losses: &[f32], discriminator: &[f32]) -> RgbImage {
    let mut picture = RgbImage::from_pixel(WIDTH, HEIGHT, BACKGROUND);
    let averages = averages(losses);
    let finite = || losses.iter().filter(|loss| loss.is_finite() && **loss > 0.0);
    let (Some(high), Some(low)) = (finite().copied().reduce(f32::max), finite().copied().reduce(f32::min)) else {
        return picture;
    };
    let (high, low) = (high.ln(), low.ln().min(high.ln() - 0.1));
    let across = |step: usize| MARGIN + (step * (WIDTH - 2 * MARGIN) as usize / losses.len().max(1)) as u32;
    let down = |loss: f32| {
        let part = ((high - loss.max(1e-30).ln()) / (high - low)).clamp(0.0, 1.0);
        MARGIN + (part * (HEIGHT - 2 * MARGIN - 1) as f32) as u32
    };
    for halving in 0..16 {
        let value = high - halving as f32 * std::f32::consts::LN_2;
        if value >= low {
            (MARGIN..WIDTH - MARGIN).for_each(|x| picture.put_pixel(x, down(value.exp()), GRID));
        }
    }
    let mut draw = |values: &[f32], first: usize, colour, down: &dyn Fn(f32) -> u32| {
        let mut last: Option<u32> = None;
        for (step, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let (x, y) = (across(first + step), down(*value));
            let from = last.unwrap_or(y);
            (from.min(y)..=from.max(y)).for_each(|y| picture.put_pixel(x, y, colour));
            last = Some(y);
        }
    };
    let plain = |loss: f32| MARGIN + ((1.0 - loss.clamp(0.0, 2.0) / 2.0) * (HEIGHT - 2 * MARGIN - 1) as f32) as u32;
    draw(losses, 0, FAINT, &down);
    draw(&self::averages(discriminator), losses.len() - discriminator.len(), DISCRIMINATOR, &plain);
    draw(&averages, 0, LINE, &down);
    picture
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

    #[test]
    fn the_table_shows_a_late_discriminator_in_the_last_rows() {
        let text = table(&[1.0, 0.5, 0.25], Some(&[1.0, 0.75]));
        assert_eq!(text, "step,loss,average,discriminator\n1,1,1,\n2,0.5,0.75,1\n3,0.25,0.5833333,0.75\n");
        let picture = chart(&[0.1; 500], &[1.0; 250]);
        let seen = |x: u32| (0..HEIGHT).position(|y| *picture.get_pixel(x, y) == DISCRIMINATOR);
        assert_eq!((seen(100), seen(600)), (None, Some(199)));
    }

    #[test]
    fn the_curve_falls_and_the_table_has_a_row_for_each_step() {
        let losses: Vec<f32> = (0..500).map(|step| 1.0 / (1.0 + step as f32 / 50.0)).collect();
        let picture = chart(&losses, &[]);
        let height = |x: u32| (0..HEIGHT).position(|y| *picture.get_pixel(x, y) == LINE).unwrap();
        assert!(height(30) < height(400) && height(400) < height(770));
        let text = table(&losses, None);
        assert_eq!(text.lines().count(), 501);
        assert!(text.starts_with("step,loss,average\n1,1,1\n"), "{text}");
        assert_eq!(chart(&[], &[]).dimensions(), (WIDTH, HEIGHT));
        chart(&[f32::NAN, 1.0, f32::INFINITY], &[]);
    }
}
