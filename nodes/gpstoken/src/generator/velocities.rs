//! The velocities that a sampler follows.

use splatgraph_sdk::Result;

/// One picture of a batch to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The index of its point.
    pub point: usize,
    /// The index of the picture whose condition it has.
    pub picture: usize,
    /// Its class; the number of classes stands for no class.
    pub class: usize,
}

/// A network on the host or on a device, prepared for some pictures: it has computed the numbers that are constant in all
/// steps.
pub trait Velocities {
    /// Velocities `[rows, C, N]` at the time `t`, from `points` `[.., C, N]`. `step` is called after each block if possible,
    /// and at the end.
    ///
    /// # Errors
    /// `step` or the device fails.
    fn velocities(
        &self,
        points: &[f32],
        t: f32,
        rows: &[Row],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>>;
}
