//! Draws curves with axes, numbers, a title and a legend.

use embedded_graphics::{
    mono_font::{MonoTextStyle, ascii::FONT_7X13},
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Circle, Line, PrimitiveStyle, Rectangle},
    text::{Alignment, Text},
};
use image::{Rgb, RgbImage};
use std::convert::Infallible;

const WIDTH: u32 = 800;
const HEIGHT: u32 = 400;
const LEFT: i32 = 70;
const TOP: i32 = 34;
const BOTTOM: i32 = HEIGHT as i32 - 44;
/// The right end of the curves, without and with an axis there.
const RIGHT: [i32; 2] = [WIDTH as i32 - 20, WIDTH as i32 - 60];
/// Points at least as many pixels apart are dots on the line.
const DOT_DISTANCE: i32 = 8;
const LETTER: i32 = 7;

const BACKGROUND: Rgb<u8> = Rgb([250, 250, 250]);
const TEXT: Rgb<u8> = Rgb([50, 50, 50]);
const GRID: Rgb<u8> = Rgb([226, 226, 226]);

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Evenly.
    Linear,
    /// Evenly, with whole numbers at the ticks.
    Whole,
    /// Equal factors take equal lengths.
    Logarithmic,
}

/// An axis and the values at its ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) scale: Scale,
}

impl Axis {
    /// The place of a value, from 0 at the low end to 1 at the high end.
    fn place(&self, value: f64) -> f64 {
        let on = |value: f64| if self.scale == Scale::Logarithmic { value.ln() } else { value };
        ((on(value) - on(self.low)) / (on(self.high) - on(self.low))).clamp(0.0, 1.0)
    }

    /// Round values between the ends, at most about `most`.
    fn ticks(&self, most: usize) -> Vec<f64> {
        let within = |value: &f64| (self.low..=self.high).contains(value);
        if self.scale == Scale::Logarithmic {
            let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let decades: Vec<f64> = powers.map(|power| 10f64.powi(power)).collect();
            for steps in [&[1.0, 2.0, 5.0][..], &[1.0]] {
                let ticks = decades.iter().flat_map(|decade| steps.iter().map(move |step| step * decade));
                let ticks: Vec<f64> = ticks.filter(within).collect();
                if (3..=most).contains(&ticks.len()) {
                    return ticks;
                }
            }
            // Many decades: every second, third, ... of them.
            let whole: Vec<f64> = decades.into_iter().filter(within).collect();
            if whole.len() > most {
                return whole.iter().step_by(whole.len().div_ceil(most)).copied().collect();
            }
        }
        let rough = (self.high - self.low) / most as f64;
        let decade = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(decade * 10.0);
        let step = if self.scale == Scale::Whole { step.max(1.0) } else { step };
        let first = (self.low / step).ceil() as i64;
        (first..).map(|index| index as f64 * step).take_while(within).take(2 * most).collect()
    }
}

/// A picture with a frame of axes, into which curves are drawn.
pub(crate) struct Plot<'a> {
    picture: RgbImage,
    x: &'a Axis,
    right: i32,
    /// The right end of the next entry of the legend.
    legend: i32,
}

impl<'a> Plot<'a> {
    /// Draws the title, the axes and the grid. `label` is for the x axis, and `second` is an axis on the right.
    pub(crate) fn new(title: &str, label: &str, x: &'a Axis, y: &Axis, second: Option<&Axis>) -> Self {
        let picture = RgbImage::from_pixel(WIDTH, HEIGHT, BACKGROUND);
        let right = RIGHT[usize::from(second.is_some())];
        let mut plot = Self { picture, x, right, legend: right };
        for value in x.ticks(8) {
            let at = plot.across(value);
            plot.line([at, TOP], [at, BOTTOM + 4], GRID, 1);
            plot.text(&number(value), [at, BOTTOM + 17], Alignment::Center, TEXT);
        }
        for value in y.ticks(8) {
            let at = down(y, value);
            plot.line([LEFT - 4, at], [right, at], GRID, 1);
            plot.text(&number(value), [LEFT - 8, at + 4], Alignment::Right, TEXT);
        }
        for value in second.map(|axis| axis.ticks(4)).unwrap_or_default() {
            let at = second.map_or(0, |axis| down(axis, value));
            plot.line([right, at], [right + 4, at], TEXT, 1);
            plot.text(&number(value), [right + 8, at + 4], Alignment::Left, TEXT);
        }
        plot.line([LEFT, BOTTOM], [right, BOTTOM], TEXT, 1);
        plot.line([LEFT, TOP], [LEFT, BOTTOM], TEXT, 1);
        if second.is_some() {
            plot.line([right, TOP], [right, BOTTOM], TEXT, 1);
        }
        plot.text(label, [LEFT.midpoint(right), BOTTOM + 34], Alignment::Center, TEXT);
        // The legend takes the right half.
        let shown: String = title.chars().take(((right - LEFT) / 2 / LETTER) as usize).collect();
        plot.text(&shown, [LEFT, TOP - 12], Alignment::Left, TEXT);
        plot
    }

    /// Draws a curve through the points, which are pairs of x and y, and adds it to the legend. Points with room between them are dots.
    pub(crate) fn curve(&mut self, name: &str, points: &[[f64; 2]], y: &Axis, colour: Rgb<u8>) {
        let entry = name.len() as i32 * LETTER;
        self.text(name, [self.legend, TOP - 12], Alignment::Right, TEXT);
        self.line([self.legend - entry - 24, TOP - 16], [self.legend - entry - 6, TOP - 16], colour, 2);
        self.legend -= entry + 44;
        let places: Vec<[i32; 2]> = points.iter().map(|[x, v]| [self.across(*x), down(y, *v)]).collect();
        for pair in places.windows(2) {
            self.line(pair[0], pair[1], colour, 1);
        }
        let room = (self.right - LEFT) / (points.len().max(1) as i32);
        if room >= DOT_DISTANCE {
            for [x, y] in places {
                let dot =
                    Circle::with_center(Point::new(x, y), 5).into_styled(PrimitiveStyle::with_fill(shade(colour)));
                self.draw(&dot);
            }
        }
    }

    /// The finished picture.
    pub(crate) fn finish(self) -> RgbImage {
        self.picture
    }

    fn across(&self, value: f64) -> i32 {
        LEFT + (self.x.place(value) * f64::from(self.right - LEFT)).round() as i32
    }

    fn line(&mut self, [x0, y0]: [i32; 2], [x1, y1]: [i32; 2], colour: Rgb<u8>, width: u32) {
        let line = Line::new(Point::new(x0, y0), Point::new(x1, y1));
        self.draw(&line.into_styled(PrimitiveStyle::with_stroke(shade(colour), width)));
    }

    fn text(&mut self, text: &str, [x, y]: [i32; 2], alignment: Alignment, colour: Rgb<u8>) {
        let style = MonoTextStyle::new(&FONT_7X13, shade(colour));
        self.draw(&Text::with_alignment(text, Point::new(x, y), style, alignment));
    }

    fn draw<O>(&mut self, drawable: &impl Drawable<Color = Rgb888, Output = O>) {
        let Ok(_) = drawable.draw(&mut Pixels(&mut self.picture));
    }
}

fn down(axis: &Axis, value: f64) -> i32 {
    BOTTOM - (axis.place(value) * f64::from(BOTTOM - TOP)).round() as i32
}

fn shade(Rgb([red, green, blue]): Rgb<u8>) -> Rgb888 {
    Rgb888::new(red, green, blue)
}

/// A number as short as it can be: `0.05`, `2000`, `1e-9`.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let plain = rounded.to_string();
    if plain.len() <= 8 { plain } else { format!("{rounded:e}") }
}

/// A picture to draw on.
struct Pixels<'a>(&'a mut RgbImage);

impl Dimensions for Pixels<'_> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), Size::new(self.0.width(), self.0.height()))
    }
}

impl DrawTarget for Pixels<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, colour) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
                && let Some(pixel) = self.0.get_pixel_mut_checked(x, y)
            {
                *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        let ticks = |low, high, scale| {
            let ticks = Axis { low, high, scale }.ticks(8);
            ticks.into_iter().map(number).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ticks(0.0, 2.0, Scale::Linear), "0 0.5 1 1.5 2");
        assert_eq!(ticks(1.0, 2.0, Scale::Whole), "1 2");
        assert_eq!(ticks(1.0, 20_000.0, Scale::Whole), "5000 10000 15000 20000");
        assert_eq!(ticks(0.013, 0.9, Scale::Logarithmic), "0.02 0.05 0.1 0.2 0.5");
        assert_eq!(ticks(0.9, 1.1, Scale::Logarithmic), "0.9 0.95 1 1.05 1.1");
        assert_eq!(ticks(1e-30, 1e30, Scale::Logarithmic), "1e-29 1e-21 1e-13 0.00001 1000 1e11 1e19 1e27");
    }
}
