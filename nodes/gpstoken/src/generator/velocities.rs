//! The velocities that a sampler follows.

use splatgraph_sdk::Result;

/// One picture of a batch to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which of the given points.
    pub point: usize,
    /// Which picture's condition.
    pub picture: usize,
    /// Its class; the number of classes stands for none.
    pub class: usize,
}

/// A network with what stays the same for some pictures through all steps: on the host, or on a device.
pub trait Velocities {
    /// Velocities `[rows, C, N]` at the time `t`, from `points` `[.., C, N]`. `step` is called after each block, where that is
    /// possible, and at the end.
    ///
    /// # Errors
    /// Those of `step`, or the device failed.
    fn velocities(
        &self,
        points: &[f32],
        t: f32,
        rows: &[Row],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>>;
}
