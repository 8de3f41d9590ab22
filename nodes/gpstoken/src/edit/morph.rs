//! Tokens between two pictures.
//!
//! Sigmas are interpolated linearly between their logits, and rho, x and y between the logits of `(1 + v) / 2`, which are
//! twice `atanh v`. In this space the network moves gaussians (`tokenizer/transformer.rs`), and every point of it is a
//! gaussian on the canvas. Values without a logit, such as places off the canvas, and textures are interpolated linearly
//! themselves.

use super::{textures::part_way, token_set::TokenSet};
use crate::canvas::Gaussian;

/// Two pictures whose tokens are matched.
pub struct Morph {
    start: TokenSet,
    end: TokenSet,
    /// Number of tokens that both pictures have; they come first.
    pairs: usize,
}

impl Morph {
    /// `partners` has for each token of `a` its token of `b`, each token of `b` once. Only the picture with more tokens has
    /// tokens without a partner.
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

    /// The tokens at `t`. At 0 and 1 they equal the tokens of `a` and `b` bit for bit. In between, tokens without a partner
    /// stay in place, and their textures fade with `1 - t` or `t`.
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

/// The gaussian at `t` between `a` and `b`.
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
