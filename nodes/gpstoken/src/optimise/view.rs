//! From tokens to a picture, and from the picture's gradient to the gradients of the tokens.

use super::parts::{add_part, copy_part};
use crate::{
    canvas::{grid::Grid, windows::Span},
    edit::token_set::TokenSet,
    gradients::{Gradients, Tape, Value},
    layers::{Host, Map},
    splat::{Target, Tiles, splat_pixels, splat_pixels_backward},
    tokenizer::{Decoder, Network, Pieces},
};
use rayon::prelude::*;
use splatgraph_sdk::{Ctx, Result};

/// A decoder with the sizes of a picture.
pub struct View<'a> {
    decoder: &'a Decoder,
    host: Host<'a>,
    /// The tiles of the picture.
    tiles: Grid,
    /// The parts of the map that are splatted separately.
    grid: Grid,
    /// Width and height of the whole map.
    map: [usize; 2],
    support: f32,
    pieces: Pieces,
    enlargement: usize,
}

/// A picture, with what its gradient needs.
pub struct Shown<'a> {
    /// The picture `[H, W, 3]` with values around -1..1.
    pub picture: Map,
    map: Map,
    /// The only window's way through the decoder. If there are several windows, each runs again on the way back, so that the memory
    /// holds one at a time.
    decoding: Option<Decoding<'a>>,
}

/// A window's way through the decoder.
struct Decoding<'a> {
    tape: Tape<'a>,
    window: Value<'a>,
    decoded: Value<'a>,
}

impl<'a> View<'a> {
    /// A view with the weights of a network. `target` says how to splat, `pieces` how to decode.
    pub fn new(network: &'a Network, host: Host<'a>, target: &Target, pieces: Pieces) -> Self {
        let grid = match target.tiles {
            Tiles::Merged => Grid { columns: 1, rows: 1 },
            Tiles::Separate => target.grid,
        };
        Self {
            decoder: &network.decoder,
            host,
            tiles: target.grid,
            grid,
            map: target.whole(),
            support: target.support,
            pieces,
            enlargement: network.sizes.enlargement(),
        }
    }

    /// The tiles of the picture.
    pub fn tiles(&self) -> Grid {
        self.tiles
    }

    /// The picture of tokens.
    ///
    /// # Errors
    /// The run was cancelled.
    pub fn show(&self, tokens: &TokenSet, ctx: &Ctx) -> Result<Shown<'a>> {
        let map = self.splat(tokens);
        let [width, height] = self.pieces.size;
        let mut picture = self.host.map([height, width], 3);
        picture.values_mut().fill(0.0);
        let mut decoding = None;
        for window in self.pieces.windows.iter() {
            ctx.check()?;
            let decoded = self.decode(&map, window);
            blend(decoded.decoded.map(), window, self.enlargement, &mut picture);
            decoding = Some(decoded);
        }
        Ok(Shown { picture, map, decoding: decoding.filter(|_| self.pieces.windows.count() == 1) })
    }

    /// The gradients of gaussians `[N, 5]` and textures `[N, C]`, from the gradient of the picture of these tokens.
    ///
    /// # Errors
    /// The run was cancelled.
    pub fn gradients(&self, tokens: &TokenSet, shown: Shown<'a>, of_picture: Map, ctx: &Ctx) -> Result<[Vec<f32>; 2]> {
        let Shown { picture, map, mut decoding } = shown;
        let mut of_map = self.host.map(map.size, map.channels);
        of_map.values_mut().fill(0.0);
        let mut gradients = Gradients::new(self.host);
        for window in self.pieces.windows.iter() {
            ctx.check()?;
            let Decoding { tape, window: leaf, decoded } = decoding.take().unwrap_or_else(|| self.decode(&map, window));
            let mut of_decoded = self.host.map(decoded.size(), 3);
            unblend(&of_picture, window, self.enlargement, &mut of_decoded);
            tape.backward(vec![(decoded, of_decoded)], &mut gradients);
            if let Some(of_window) = gradients.take(&leaf) {
                add_part(&of_window, 1.0, start(window), &mut of_map);
                self.host.put(of_window);
            }
        }
        let of_tokens = self.splat_backward(tokens, &of_map);
        [picture, map, of_map, of_picture].into_iter().for_each(|map| self.host.put(map));
        Ok(of_tokens)
    }

    fn decode(&self, map: &Map, window: [&Span; 2]) -> Decoding<'a> {
        let [column, row] = window;
        let mut part = self.host.map([row.length, column.length], map.channels);
        copy_part(map, start(window), &mut part);
        let mut tape = Tape::frozen(self.host);
        let window = tape.leaf(part);
        let decoded = self.decoder.learn(&mut tape, &window, self.pieces.together());
        Decoding { tape, window, decoded }
    }

    /// The map `[rows, columns, C]` of tokens.
    fn splat(&self, tokens: &TokenSet) -> Map {
        let [width, height] = self.map;
        let mut map = self.host.map([height, width], tokens.channels);
        map.values_mut().fill(0.0);
        let size = self.part_size();
        let mut part_map = self.host.map([size[1], size[0]], tokens.channels);
        for part in self.parts(tokens) {
            let [gaussians, textures] = [&part.gaussians, part.textures];
            splat_pixels(self.host.level, gaussians, textures, size, self.support, part_map.values_mut());
            add_part(&part_map, 1.0, part.start, &mut map);
        }
        self.host.put(part_map);
        map
    }

    fn splat_backward(&self, tokens: &TokenSet, of_map: &Map) -> [Vec<f32>; 2] {
        let size = self.part_size();
        let mut of_part_map = self.host.map([size[1], size[0]], tokens.channels);
        let (mut of_gaussians, mut of_textures) = (Vec::new(), Vec::new());
        for part in self.parts(tokens) {
            copy_part(of_map, part.start, &mut of_part_map);
            let mut of_part = [vec![0.0; part.gaussians.len()], vec![0.0; part.textures.len()]];
            let results = of_part.each_mut().map(Vec::as_mut_slice);
            let tokens = [&part.gaussians, part.textures];
            splat_pixels_backward(self.host.level, tokens, of_part_map.values(), size, self.support, results);
            let [gaussians, textures] = of_part;
            of_gaussians.extend(gaussians);
            of_textures.extend(textures);
        }
        self.host.put(of_part_map);
        // From the coordinates of the parts to those of the canvas.
        if self.grid.count() > 1 {
            let [scales, _] = self.grid.scale_and_offset_to_tiles(tokens.len());
            of_gaussians.iter_mut().zip(scales).for_each(|(gradient, scale)| *gradient *= scale);
        }
        [of_gaussians, of_textures]
    }

    /// Width and height of a part.
    fn part_size(&self) -> [usize; 2] {
        [self.map[0] / self.grid.columns, self.map[1] / self.grid.rows]
    }

    /// The parts, with equally many tokens each.
    fn parts<'b>(&self, tokens: &'b TokenSet) -> impl Iterator<Item = Part<'b>> {
        let (grid, [width, height]) = (self.grid, self.part_size());
        let count = tokens.len() / grid.count();
        grid.tiles().enumerate().map(move |(i, tile)| {
            let gaussians = tokens.gaussians[i * count..(i + 1) * count].iter();
            Part {
                gaussians: gaussians.flat_map(|gaussian| grid.gaussian_to_tile(tile, *gaussian)).collect(),
                textures: &tokens.textures[i * count * tokens.channels..][..count * tokens.channels],
                start: [tile[1] * height, tile[0] * width],
            }
        })
    }
}

/// The tokens of a part of the map.
struct Part<'a> {
    /// `[N, 5]`, in the part's coordinates.
    gaussians: Vec<f32>,
    /// `[N, C]`
    textures: &'a [f32],
    /// The part's first row and column in the whole map.
    start: [usize; 2],
}

/// The first row and column of a window in the map.
fn start([column, row]: [&Span; 2]) -> [usize; 2] {
    [row.start, column.start]
}

/// Adds a decoded window `[h, w, 3]`, multiplied by its weights, to a picture. The window may reach beyond the picture.
fn blend(decoded: &Map, [column, row]: [&Span; 2], enlargement: usize, picture: &mut Map) {
    let (width, [x, y]) = (picture.size[1], [column, row].map(|span| span.start * enlargement));
    let from = decoded.values().par_chunks_exact(decoded.size[1] * 3).zip(&row.weights);
    let lines = picture.values_mut().par_chunks_exact_mut(width * 3).skip(y);
    lines.zip(from).for_each(|(line, (values, down))| {
        let pixels = line[x * 3..].as_chunks_mut::<3>().0.iter_mut();
        for ((pixel, values), across) in pixels.zip(values.as_chunks::<3>().0).zip(&column.weights) {
            pixel.iter_mut().zip(values).for_each(|(to, value)| *to += across * down * value);
        }
    });
}

/// The gradient of a decoded window from the gradient of the picture; see [`blend`].
fn unblend(of_picture: &Map, [column, row]: [&Span; 2], enlargement: usize, of_decoded: &mut Map) {
    let (width, [x, y]) = (of_picture.size[1], [column, row].map(|span| span.start * enlargement));
    of_decoded.values_mut().fill(0.0);
    let length = of_decoded.size[1] * 3;
    let to = of_decoded.values_mut().par_chunks_exact_mut(length).zip(&row.weights);
    let lines = of_picture.values().par_chunks_exact(width * 3).skip(y);
    to.zip(lines).for_each(|((values, down), line)| {
        let pixels = line[x * 3..].as_chunks::<3>().0;
        for ((values, pixel), across) in values.as_chunks_mut::<3>().0.iter_mut().zip(pixels).zip(&column.weights) {
            *values = pixel.map(|v| across * down * v);
        }
    });
}
