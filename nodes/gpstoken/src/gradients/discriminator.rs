//! The discriminator on a tape, and its losses: hinge losses (Lim and Ye 2017; Miyato et al. 2018), as means over the scores of all
//! pictures of a batch.

use super::{Gradients, Tape, Value};
use crate::{
    discriminator::{Discriminator, Layer, SLOPE},
    kernels::group_norm_backward::Activation,
    layers::{Host, Map, Statistics},
};

impl Discriminator {
    /// Scores each patch of a picture `[H, W, 3]` with values -1..1: `[h, w, 1]`. A high score means that the patch looks like part of a
    /// picture of the folder.
    pub fn learn<'a>(&'a self, tape: &mut Tape<'a>, picture: &Value<'a>) -> Value<'a> {
        let mut x = picture.clone();
        for (index, Layer { convolution, kernel, norm }) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            let slope = if norm.is_some() || is_last { 1.0 } else { SLOPE };
            x = tape.convolve_patches(convolution, *kernel, slope, &x);
            if let Some(norm) = norm {
                x = tape.normalise_map(norm, &x, Statistics::Picture, Activation::Leaky(SLOPE));
            }
        }
        x
    }

    /// A picture's part in the discriminator's loss, whose gradients it adds to `gradients`. The loss of a batch of `pictures` real and
    /// `pictures` made pictures is the sum of all parts: 1 if the discriminator can't tell the two kinds apart, 0 if it is sure of every
    /// patch.
    pub fn judge<'a>(&'a self, picture: Map, is_real: bool, pictures: usize, gradients: &mut Gradients<'a>) -> f64 {
        let mut tape = Tape::new(gradients.host());
        let picture = tape.constant(picture);
        let scores = self.learn(&mut tape, &picture);
        let (sign, factor) = (if is_real { -1.0 } else { 1.0 }, 0.5 / count(&scores, pictures));
        let mut loss = 0.0;
        let gradient = of_scores(gradients.host(), &scores, |score| {
            let hinge = 1.0 + sign * score;
            loss += f64::from(hinge.max(0.0)) * factor;
            if hinge > 0.0 { sign * factor as f32 } else { 0.0 }
        });
        tape.backward(vec![(scores, gradient)], gradients);
        loss
    }

    /// A made picture's part in the tokenizer's loss, the negative mean of all scores, and its gradient with respect to the picture.
    pub fn adversarial(&self, picture: Map, pictures: usize, host: Host<'_>) -> (f64, Map) {
        let mut tape = Tape::frozen(host);
        let picture = tape.leaf(picture);
        let scores = self.learn(&mut tape, &picture);
        let factor = 1.0 / count(&scores, pictures);
        let loss = scores.values().iter().map(|score| f64::from(-score) * factor).sum();
        let gradient = of_scores(host, &scores, |_| -factor as f32);
        let mut gradients = Gradients::new(host);
        tape.backward(vec![(scores, gradient)], &mut gradients);
        (loss, gradients.take(&picture).unwrap_or_else(|| host.map(picture.size(), 3)))
    }
}

/// The number of scores of all pictures.
fn count(scores: &Value<'_>, pictures: usize) -> f64 {
    (scores.values().len() * pictures) as f64
}

/// The gradient of a loss with respect to scores, `[h, w, 1]`, which are few.
fn of_scores(host: Host<'_>, scores: &Value<'_>, mut f: impl FnMut(f32) -> f32) -> Map {
    let mut gradient = host.map(scores.size(), 1);
    gradient.values_mut().iter_mut().zip(scores.values()).for_each(|(to, score)| *to = f(*score));
    gradient
}
