//! Plots of a report as SVG, in colours that are seen on white and on black.

use super::{
    axis::{axis, is_small},
    data::{Configuration, Report, label},
    digits::Digits,
    table::items,
};
use plotters::{
    drawing::DrawingAreaErrorKind,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use std::collections::HashSet;

/// A drawn plot.
pub(super) struct Plot {
    /// What it shows, in a sentence.
    pub(super) caption: String,
    pub(super) svg: String,
}

const WIDTH: i32 = 720;
const CURVES_HEIGHT: i32 = 400;
/// The height of one configuration in a plot of spreads.
const ROW: i32 = 38;
/// The height of a line of the legend.
const LEGEND: i32 = 26;
/// The most curves in one plot, one for each colour.
const CURVES: usize = COLOURS.len();
/// The most configurations in a plot of spreads.
const SPREADS: usize = 24;
/// The distance between values on an axis, in pixels.
const LABEL_DISTANCE: i32 = 60;
/// The size of texts, and about the width of a letter, in pixels.
const TEXT: i32 = 20;
const LETTER: i32 = 9;
/// The most letters of a name in a plot.
const NAME: usize = 30;

const INK: RGBColor = RGBColor(118, 118, 118);
const COLOURS: [RGBColor; 8] = [
    RGBColor(59, 130, 196),
    RGBColor(217, 115, 13),
    RGBColor(46, 157, 91),
    RGBColor(155, 89, 182),
    RGBColor(208, 69, 62),
    RGBColor(31, 159, 168),
    RGBColor(160, 120, 90),
    RGBColor(209, 88, 155),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The plots of one measure: over a number that varies, and the spread of each configuration. Each is left out if it would
/// show nothing.
pub(super) fn plots(report: &Report, measure: usize) -> Vec<Plot> {
    curves(report, measure).into_iter().chain(spreads(report, measure)).collect()
}

/// A curve: its name, and for each configuration the number below, the mean, and the interval of the mean.
struct Curve {
    name: String,
    points: Vec<(f64, f64, [f64; 2])>,
}

fn curves(report: &Report, measure: usize) -> Option<Plot> {
    let axis = axis(report)?;
    let input = axis.input;
    let differs = |at: &usize| {
        let mut values = report.configurations.iter().map(|configuration| &configuration.values[*at]);
        let first = values.next();
        *at != input && values.any(|value| Some(value) != first)
    };
    let shown: Vec<usize> = (0..report.inputs.len()).filter(differs).collect();
    let of = |list: &[String]| shown.iter().map(|at| list[*at].clone()).collect::<Vec<String>>();
    let mut names = HashSet::new();
    let mut curves: Vec<Curve> = Vec::new();
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for (configuration, (x, tick)) in report.configurations.iter().zip(axis.places) {
        let summary = &configuration.summaries[measure];
        let Some(mean) = summary.mean.filter(is_small) else { continue };
        let name = label(&of(&report.inputs), &of(&configuration.values));
        if !curves.iter().any(|curve| curve.name == name) {
            if names.insert(name.clone()) && curves.len() < CURVES {
                curves.push(Curve { name: name.clone(), points: Vec::new() });
            } else {
                continue;
            }
        }
        let interval = summary.interval.filter(|interval| interval.iter().all(is_small)).unwrap_or([mean; 2]);
        if let Some(curve) = curves.iter_mut().find(|curve| curve.name == name) {
            curve.points.push((x, mean, interval));
            ticks.push((x, tick));
        }
    }
    let all = names.len();
    curves.iter_mut().for_each(|curve| curve.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    ticks.dedup_by(|a, b| a.0 == b.0);
    if ticks.len() < 2 {
        return None;
    }
    let (shown, over) = (&report.measures[measure], &axis.name);
    let mut caption = format!("{} over {over}", shown.name);
    if !shown.of_sets {
        caption += &format!(": means of all {}, with the 95 % interval of the mean", items(report));
    }
    if all > CURVES {
        caption += &format!("; the first {CURVES} of {all} curves");
    }
    // A curve of another kind of configuration has the same place on the axis.
    let beside: Vec<(f64, f64, &str)> = report
        .beside
        .iter()
        .filter_map(|beside| Some((beside.values[input].parse().ok()?, beside.numbers[measure]?, beside.name.as_str())))
        .filter(|(x, y, _)| (ticks[0].0..=ticks[ticks.len() - 1].0).contains(x) && is_small(y))
        .collect();
    let height = CURVES_HEIGHT + if curves.len() > 1 { LEGEND * i32::try_from(curves.len()).unwrap_or(0) } else { 0 };
    let svg = drawn(height, |area| draw_curves(area, over, &curves, &ticks, &beside))?;
    Some(Plot { caption, svg })
}

/// An SVG picture without a background.
fn drawn(height: i32, draw: impl FnOnce(&Area) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    {
        let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area).and_then(|()| area.present()).ok()?;
    }
    Some(svg)
}

fn draw_curves(
    area: &Area,
    over: &str,
    curves: &[Curve],
    ticks: &[(f64, String)],
    others: &[(f64, f64, &str)],
) -> Drawn {
    let (first, last) = (ticks[0].0, ticks[ticks.len() - 1].0);
    // Numbers that double each time lie evenly.
    let place = |x: f64| if first > 0.0 && last / first >= 4.0 { x.ln() } else { x };
    let points = curves.iter().flat_map(|curve| &curve.points);
    let heights =
        points.flat_map(|(_, mean, [low, high])| [*mean, *low, *high]).chain(others.iter().map(|other| other.1));
    let [low, high] = padded(heights);
    let [left, right] = padded([place(first), place(last)]);
    let digits = Digits::of_steps(high - low);
    let legend = if curves.len() > 1 { LEGEND * curves.len() as i32 } else { 0 };
    let mut chart = ChartBuilder::on(area)
        .margin_top(16 + legend)
        .margin_right(24)
        .x_label_area_size(58)
        .y_label_area_size(84)
        .build_cartesian_2d(left..right, low..high)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(7)
        .y_label_formatter(&|y| digits.text(*y))
        .label_style(words(HPos::Left, VPos::Center))
        .bold_line_style(INK.mix(0.35))
        .light_line_style(INK.mix(0.0))
        .axis_style(INK)
        .draw()?;
    let bottom = chart.backend_coord(&(left, low)).1;
    let mut free = i32::MIN;
    for (x, text) in ticks {
        let at = chart.backend_coord(&(place(*x), low)).0;
        if at >= free {
            area.draw(&PathElement::new([(at, bottom), (at, bottom + 5)], INK))?;
            area.draw(&Text::new(shortened(text), (at, bottom + 9), words(HPos::Center, VPos::Top)))?;
            free = at + LABEL_DISTANCE;
        }
    }
    let middle = chart.backend_coord(&(f64::midpoint(left, right), low)).0;
    area.draw(&Text::new(shortened(over), (middle, bottom + 34), words(HPos::Center, VPos::Top)))?;
    for (at, (curve, colour)) in curves.iter().zip(COLOURS).enumerate() {
        let line = curve.points.iter().map(|(x, mean, _)| (place(*x), *mean));
        chart.draw_series([PathElement::new(line.collect::<Vec<_>>(), colour.stroke_width(2))])?;
        for (x, mean, [low, high]) in &curve.points {
            let bar = [(place(*x), *low), (place(*x), *high)];
            chart.draw_series([PathElement::new(bar, colour.stroke_width(1))])?;
            chart.draw_series([Circle::new((place(*x), *mean), 4, colour.filled())])?;
        }
        if curves.len() > 1 {
            let y = 16 + LEGEND * at as i32;
            area.draw(&PathElement::new([(92, y), (116, y)], colour.stroke_width(3)))?;
            area.draw(&Text::new(shortened(&curve.name), (124, y), words(HPos::Left, VPos::Center)))?;
        }
    }
    for (x, y, name) in others {
        let at = chart.backend_coord(&(place(*x), *y));
        area.draw(&Circle::new(at, 5, INK.stroke_width(2)))?;
        let (side, anchor) = if at.0 > WIDTH / 2 { (-10, HPos::Right) } else { (10, HPos::Left) };
        area.draw(&Text::new(shortened(name), (at.0 + side, at.1), words(anchor, VPos::Center)))?;
    }
    Ok(())
}

/// Boxes from quartile to quartile, lines from the smallest to the largest number.
fn spreads(report: &Report, measure: usize) -> Option<Plot> {
    let known = report.configurations.iter().filter_map(|configuration| {
        let summary = &configuration.summaries[measure];
        let figures =
            [summary.min, summary.lower_quartile, summary.median, summary.upper_quartile, summary.max, summary.mean];
        let mut numbers = [0.0; 6];
        for (number, figure) in numbers.iter_mut().zip(figures) {
            *number = figure.filter(is_small)?;
        }
        (summary.count > 1).then_some((configuration, numbers))
    });
    let known: Vec<(&Configuration, [f64; 6])> = known.collect();
    let all = known.len();
    let rows = known.into_iter().take(SPREADS).map(|(configuration, numbers)| (report.label(configuration), numbers));
    let rows: Vec<(String, [f64; 6])> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let what = "boxes hold the middle half, with the median as a line and the mean as a dot; lines end at min and max";
    let mut caption = format!("Spread of {}: {what}", report.measures[measure].name);
    if all > SPREADS {
        caption += &format!("; the first {SPREADS} of {all} configurations");
    }
    let height = 80 + ROW * i32::try_from(rows.len()).ok()?;
    let svg = drawn(height, |area| draw_spreads(area, &report.measures[measure].name, &rows))?;
    Some(Plot { caption, svg })
}

fn draw_spreads(area: &Area, name: &str, rows: &[(String, [f64; 6])]) -> Drawn {
    let longest = rows.iter().map(|(name, _)| shortened(name).chars().count()).max().unwrap_or_default() as i32;
    let [low, high] = padded(rows.iter().flat_map(|(_, numbers)| *numbers));
    let digits = Digits::of_steps(high - low);
    let count = rows.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_right(24)
        .x_label_area_size(60)
        .y_label_area_size(24 + LETTER * longest)
        .build_cartesian_2d(low..high, count..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(7)
        .x_label_formatter(&|x| digits.text(*x))
        .x_desc(shortened(name))
        .label_style(words(HPos::Center, VPos::Top))
        .axis_desc_style(words(HPos::Center, VPos::Top))
        .bold_line_style(INK.mix(0.35))
        .light_line_style(INK.mix(0.0))
        .axis_style(INK)
        .draw()?;
    let left = chart.backend_coord(&(low, 0.0)).0;
    for (at, (name, [min, lower, median, upper, max, mean])) in rows.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let middle = at as f64 + 0.5;
        let [top, bottom] = [middle - 0.28, middle + 0.28];
        chart.draw_series([
            PathElement::new([(*min, middle), (*lower, middle)], colour.stroke_width(2)),
            PathElement::new([(*upper, middle), (*max, middle)], colour.stroke_width(2)),
            PathElement::new([(*min, middle - 0.14), (*min, middle + 0.14)], colour.stroke_width(2)),
            PathElement::new([(*max, middle - 0.14), (*max, middle + 0.14)], colour.stroke_width(2)),
            PathElement::new([(*median, top), (*median, bottom)], colour.stroke_width(3)),
        ])?;
        chart.draw_series([Rectangle::new([(*lower, top), (*upper, bottom)], colour.mix(0.25).filled())])?;
        chart.draw_series([Rectangle::new([(*lower, top), (*upper, bottom)], colour.stroke_width(1))])?;
        chart.draw_series([Circle::new((*mean, middle), 4, colour.filled())])?;
        let y = chart.backend_coord(&(low, middle)).1;
        area.draw(&Text::new(shortened(name), (left - 10, y), words(HPos::Right, VPos::Center)))?;
    }
    Ok(())
}

/// The smallest and the largest number with room around. Equal numbers get room too.
fn padded(numbers: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let (low, high) = numbers
        .into_iter()
        .filter(|number| number.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| (low.min(number), high.max(number)));
    let size = low.abs().max(high.abs());
    let room = (high - low) * 0.06;
    // Numbers that differ only in their last digits are equal for an eye, and for the ticks.
    let room = if room > size * 1e-7 {
        room
    } else if size > 0.0 {
        size * 0.05
    } else {
        1.0
    };
    [low - room, high + room]
}

fn words(side: HPos, height: VPos) -> TextStyle<'static> {
    ("sans-serif", TEXT).into_font().color(&INK).pos(Pos::new(side, height))
}

/// A name that is not too long for a plot, without characters that have no place in XML.
fn shortened(name: &str) -> String {
    let shown = crate::words::one_line(name);
    let short: String = shown.chars().take(NAME).collect();
    if short.len() < shown.len() {
        format!("{}…", &short[..short.floor_char_boundary(short.len() - 1)])
    } else {
        short
    }
}
