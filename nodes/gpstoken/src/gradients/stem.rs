//! The image stem on a tape.

use super::{Tape, Value};
use crate::{layers::Statistics, tokenizer::ImageStem};

impl ImageStem {
    /// `[H, W, 3]` with values -1..1 to `[H, W, C]`.
    pub fn learn<'a>(&'a self, tape: &mut Tape<'a>, picture: &Value<'a>) -> Value<'a> {
        let x = tape.convolve(&self.conv, picture);
        self.blocks.iter().fold(x, |x, block| block.learn(tape, &x, Statistics::Picture))
    }
}
