//! The node `gpstoken.BoxLayout`.

use crate::{
    canvas::{TILE, grid::Grid},
    partition::{Region, calibration::STEP},
    stages::layout::layout_of,
};
use splatgraph_sdk::{Json, prelude::*};

/// What the numbers of a box count.
#[derive(Choice, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pixels of a canvas of 256 x 256.
    Pixels,
    /// Parts of the canvas, 0 to 1.
    Fractions,
}

/// Lays tokens where boxes are drawn.
///
/// A box is [x0, y0, x1, y1]: its left, upper, right and lower border, x to the right and y downwards; it is put on whole
/// pixels. Without `tokens` each box is one token. With more tokens than boxes, all boxes get equally many, as far as their
/// sizes allow: the halves of a box are halved again, the longer side first, down to 4 pixels. So a small box has small
/// tokens and a large one large tokens; what is to get twice as many is listed twice, and boxes may overlap. What no box
/// covers is left to CalibrateLayout, which makes of this what a generator expects: a partition of the whole canvas, fine
/// where the tokens crowd.
#[node(category = "GPSToken", outputs(layout: "a gaussian and a region for each box or part of one"))]
pub fn box_layout(
    /// Boxes such as [[0, 0, 256, 128], [96, 64, 160, 224]].
    boxes: Json<Vec<Vec<f64>>>,
    /// How many tokens the boxes get in all; 0 gives each box one.
    #[input(default = 0, min = 0, max = 4096)]
    tokens: u32,
    /// What the boxes' numbers count.
    #[input(default = Unit::Pixels)]
    unit: Unit,
) -> Result<Layout> {
    let boxes =
        boxes.0.iter().enumerate().map(|(index, drawn)| region_of(index, drawn, unit)).collect::<Result<Vec<_>>>()?;
    if boxes.is_empty() {
        return Err(Error::input("boxes", "at least one box [x0, y0, x1, y1] was expected, none came"));
    }
    let tokens = if tokens == 0 { boxes.len() } else { tokens as usize };
    if tokens < boxes.len() {
        return Err(Error::input(
            "tokens",
            format!(
                "at least one token for each of the {} boxes was expected, {tokens} came. Draw fewer boxes, or set tokens to 0",
                boxes.len()
            ),
        ));
    }
    let grid = Grid { columns: 1, rows: 1 };
    layout_of(1, grid, grid.area(), &[(0, [0, 0])], &[divided(&boxes, tokens)?])
}

fn region_of(index: usize, drawn: &[f64], unit: Unit) -> Result<Region> {
    let error = |what: String| Err(Error::input("boxes", format!("box {index}: {what}, {drawn:?} came")));
    let Ok([x0, y0, x1, y1]) = <[f64; 4]>::try_from(drawn) else {
        return error("[x0, y0, x1, y1] was expected".to_owned());
    };
    let (side, scale) = match unit {
        Unit::Pixels => (TILE, 1.0),
        Unit::Fractions => (1, TILE as f64),
    };
    if [x0, y0, x1, y1].iter().any(|place| !(0.0..=side as f64).contains(place)) {
        return error(format!("numbers from 0 to {side} were expected"));
    }
    let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(|place| (place * scale).round() as usize);
    if x1 < x0 + 2 || y1 < y0 + 2 {
        return error("x1 and y1 at least 2 pixels behind x0 and y0 were expected".to_owned());
    }
    Ok(Region { x0, y0, x1: x1 - 1, y1: y1 - 1 })
}

/// The boxes in `tokens` parts, those of a box side by side.
fn divided(boxes: &[Region], tokens: usize) -> Result<Vec<Region>> {
    let mut parts: Vec<Vec<Region>> = boxes.iter().map(|drawn| vec![*drawn]).collect();
    let long = |region: &Region| region.width().max(region.height());
    // The largest part of a box that can be halved; of equal ones the first.
    let largest = |parts: &[Region]| {
        let cuttable = parts.iter().enumerate().rev().filter(|(_, part)| long(part) >= 2 * STEP);
        cuttable.max_by_key(|(_, part)| part.width() * part.height()).map(|(index, _)| index)
    };
    for count in boxes.len()..tokens {
        // The box with the fewest parts; of equal ones the first.
        let next =
            parts.iter_mut().filter_map(|parts| Some((largest(parts)?, parts))).min_by_key(|(_, parts)| parts.len());
        let Some((index, parts)) = next else {
            return Err(Error::input(
                "tokens",
                format!(
                    "the boxes can be divided into {count} parts of at least {STEP} pixels, {tokens} tokens were asked for. Draw larger boxes, or ask for fewer"
                ),
            ));
        };
        let part = parts[index];
        let halves = if part.width() >= part.height() { part.cut_across_x() } else { part.cut_across_y() };
        parts.splice(index..=index, halves);
    }
    Ok(parts.concat())
}
