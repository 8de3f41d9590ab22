//! Half-way tokens.
//!
//! Sigmas go along a straight line between their logits, and rho, x and y between the logits of `(1 + v) / 2`, which is twice
//! `atanh v`: the space in which the network moves gaussians (`tokenizer/transformer.rs`), where every point is a gaussian on
//! the canvas. Values that have no logit, such as places off the canvas, go along a straight line themselves. Textures go along
//! a straight line.

use super::{textures::part_way, token_set::TokenSet};
use crate::canvas::Gaussian;

/// Two pictures whose tokens are matched.
pub struct Morph {
    start: TokenSet,
    end: TokenSet,
    /// Tokens that both have; they come first.
    pairs: usize,
}

impl Morph {
    /// `partners` tells for each token of `a` the one of `b`, each of `b` once; only the picture with more tokens has some
    /// without a partner.
    pub fn new(a: &TokenSet, b: &TokenSet, partners: &[Option<usize>]) -> Self {
        let mut taken = vec![false; b.len()];
        let pairs: Vec<(usize, usize)> = partners.iter().enumerate().filter_map(|(i, j)| Some((i, (*j)?))).collect();
        pairs.iter().for_each(|(_, j)| taken[*j] = true);
        let alone = (0..a.len()).filter(|i| partners[*i].is_none());
        let start = a.pick(pairs.iter().map(|(i, _)| *i).chain(alone));
        let alone = (0..b.len()).filter(|j| !taken[*j]);
        let end = b.pick(pairs.iter().map(|(_, j)| *j).chain(alone));
        Self { pairs: pairs.len(), start, end }
    }

    /// The tokens at `t`. At 0 and 1 those of the ends, bit for bit. In between, tokens without a partner stay where they are,
    /// and their textures fade with `1 - t` or `t`.
    pub fn at(&self, t: f32) -> TokenSet {
        let Self { start, end, pairs } = self;
        if t <= 0.0 {
            return start.clone();
        }
        if t >= 1.0 {
            return end.clone();
        }
        let mut set = TokenSet { channels: start.channels, ..TokenSet::default() };
        for i in 0..*pairs {
            let textures = start.texture(i).iter().zip(end.texture(i));
            set.push(between(start.gaussians[i], end.gaussians[i], t), textures.map(|(a, b)| part_way(*a, *b, t)));
        }
        for (alone, amount) in [(start, 1.0 - t), (end, t)] {
            for i in *pairs..alone.len() {
                set.push(alone.gaussians[i], alone.texture(i).iter().map(|v| v * amount));
            }
        }
        set
    }
}

/// The gaussian at `t` between two.
pub fn between(a: Gaussian, b: Gaussian, t: f32) -> Gaussian {
    std::array::from_fn(|i| {
        if a[i] == b[i] {
            return a[i];
        }
        let low = if i < 2 { 0.0 } else { -1.0 };
        let unit = |v: f32| (f64::from(v) - low) / (1.0 - low); // 0..1
        let (from, to) = (unit(a[i]), unit(b[i]));
        let open = |v: f64| v > 0.0 && v < 1.0;
        if !open(from) || !open(to) {
            return part_way(a[i], b[i], t);
        }
        let logit = |v: f64| (v / (1.0 - v)).ln();
        let line = logit(from) + (logit(to) - logit(from)) * f64::from(t);
        (low + (1.0 - low) / (1.0 + (-line).exp())) as f32
    })
}
