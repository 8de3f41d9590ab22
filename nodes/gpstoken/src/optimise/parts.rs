//! Rectangles of maps.

use crate::layers::Map;

/// Copies the part of a map that begins at `start`, row and column, and has the size of `part`.
pub(super) fn copy_part(whole: &Map, [row, column]: [usize; 2], part: &mut Map) {
    let (channels, width, length) = (whole.channels, whole.size[1], part.size[1] * part.channels);
    let lines = whole.values().chunks_exact((width * channels).max(1)).skip(row);
    for (to, line) in part.values_mut().chunks_exact_mut(length.max(1)).zip(lines) {
        to.copy_from_slice(&line[column * channels..][..length]);
    }
}

/// Adds `factor * part` to the part of a map that begins at `start`, row and column.
pub(super) fn add_part(part: &Map, factor: f32, [row, column]: [usize; 2], whole: &mut Map) {
    let (channels, width, length) = (whole.channels, whole.size[1], part.size[1] * part.channels);
    let lines = whole.values_mut().chunks_exact_mut((width * channels).max(1)).skip(row);
    for (line, from) in lines.zip(part.values().chunks_exact(length.max(1))) {
        line[column * channels..].iter_mut().zip(from).for_each(|(to, v)| *to += factor * v);
    }
}
