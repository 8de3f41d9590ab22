//! The residual block on a tape.

use super::{Tape, Value};
use crate::{layers::Statistics, tokenizer::residual::Residual};

impl Residual {
    /// `[H, W, in] -> [H, W, out]`
    pub(super) fn learn<'a>(&'a self, tape: &mut Tape<'a>, x: &Value<'a>, statistics: Statistics) -> Value<'a> {
        let h = tape.normalise_convolve(&self.norm1, &self.conv1, x, statistics, None);
        let shortened = self.shortcut.as_ref().map(|shortcut| tape.linear([&shortcut.weight, &shortcut.bias], x));
        let sum = shortened.as_ref().unwrap_or(x);
        tape.normalise_convolve(&self.norm2, &self.conv2, &h, statistics, Some(sum))
    }
}
