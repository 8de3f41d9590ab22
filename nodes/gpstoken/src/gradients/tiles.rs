//! Tiles of a map on a tape.

use super::{Gradients, Tape, Value};
use crate::layers::{Host, Map};

impl<'a> Tape<'a> {
    /// The tiles of a map, row by row, for a grid of `[columns, rows]`. A single tile is the map itself.
    pub fn split(&mut self, x: &Value<'a>, grid: [usize; 2]) -> Vec<Value<'a>> {
        let host = self.host();
        if grid == [1, 1] {
            return vec![x.clone()];
        }
        let tiles = 0..grid[0] * grid[1];
        let cut = tiles.map(|index| {
            let tile = cut(host, x.map(), grid, index);
            let from = x.clone();
            self.push(tile, &[x], false, move |gradients: &mut Gradients<'a>, gradient| {
                let mut back = host.map(from.size(), from.channels());
                back.values_mut().fill(0.0);
                add(&mut back, &gradient, grid, index);
                host.put(gradient);
                gradients.add(&from, back);
            })
        });
        cut.collect()
    }

    /// Adds the tiles of a grid to a map.
    pub fn add_tiles(&mut self, x: &Value<'a>, tiles: Vec<Value<'a>>, grid: [usize; 2]) -> Value<'a> {
        let host = self.host();
        let mut out = x.copied();
        for (index, tile) in tiles.iter().enumerate() {
            add(&mut out, tile.map(), grid, index);
        }
        let from = x.clone();
        let inputs: Vec<Value<'a>> = [x.clone()].into_iter().chain(tiles.iter().cloned()).collect();
        let inputs: Vec<&Value<'a>> = inputs.iter().collect();
        self.push(out, &inputs, false, move |gradients: &mut Gradients<'a>, gradient| {
            for (index, tile) in tiles.iter().enumerate() {
                gradients.add(tile, cut(host, &gradient, grid, index));
            }
            gradients.add(&from, gradient);
        })
    }
}

fn cut(host: Host<'_>, map: &Map, grid: [usize; 2], index: usize) -> Map {
    let (size, starts) = rows(map, grid, index);
    let mut tile = host.map(size, map.channels);
    let line = size[1] * map.channels;
    for (to, start) in tile.values_mut().chunks_exact_mut(line.max(1)).zip(starts) {
        to.copy_from_slice(&map.values()[start..start + line]);
    }
    tile
}

fn add(map: &mut Map, tile: &Map, grid: [usize; 2], index: usize) {
    let (size, starts) = rows(map, grid, index);
    let line = size[1] * map.channels;
    for (from, start) in tile.values().chunks_exact(line.max(1)).zip(starts) {
        map.values_mut()[start..start + line].iter_mut().zip(from).for_each(|(to, v)| *to += v);
    }
}

/// The size of a tile, and the first number of each of its rows in the map.
fn rows(map: &Map, [columns, rows]: [usize; 2], index: usize) -> ([usize; 2], impl Iterator<Item = usize> + use<>) {
    let [height, width] = map.size;
    let (h, w, channels) = (height / rows, width / columns, map.channels);
    let (row, column) = (index / columns, index % columns);
    ([h, w], (0..h).map(move |y| ((row * h + y) * width + column * w) * channels))
}
