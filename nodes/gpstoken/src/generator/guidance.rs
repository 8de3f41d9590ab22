//! Classifier-free guidance: it moves the velocity for a class away from the velocity for no class.

use super::{Row, Velocities};
use splatgraph_sdk::Result;
use std::ops::Range;

/// The strength of the guidance, and its interval of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guidance {
    /// The strength; 1 is no guidance.
    pub scale: f32,
    /// The first and the last time at which guidance works.
    pub interval: [f32; 2],
}

impl Guidance {
    /// Whether the time is in the interval. Both ends belong to it and are compared in f32, as in the authors' code.
    pub fn inside(self, t: f32) -> bool {
        self.interval[0] <= t && t <= self.interval[1]
    }

    fn mix(self, with_class: f32, without: f32) -> f32 {
        without + self.scale * (with_class - without)
    }
}

/// Velocities of pictures under guidance.
pub struct Guided<'a> {
    network: &'a dyn Velocities,
    /// The number of the network's classes, which stands for no class.
    no_class: usize,
    classes: &'a [usize],
    guidance: Guidance,
    /// Number of pictures that were evaluated so far, with and without a class.
    pub evaluated: usize,
}

impl<'a> Guided<'a> {
    /// Guidance for pictures with one class each.
    pub fn new(network: &'a dyn Velocities, no_class: usize, classes: &'a [usize], guidance: Guidance) -> Self {
        Self { network, no_class, classes, guidance, evaluated: 0 }
    }

    /// The velocities of some pictures, `[pictures, C, N]`. Outside the interval of the guidance only the velocities with the
    /// class are computed, as the result depends on nothing else.
    ///
    /// # Errors
    /// `step`, which is called after each block, fails.
    pub fn velocities(
        &mut self,
        pictures: Range<usize>,
        points: &[f32],
        t: f32,
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let with_class = |(point, picture): (usize, usize)| Row { point, picture, class: self.classes[picture] };
        let mut rows: Vec<Row> = pictures.clone().enumerate().map(with_class).collect();
        let works = self.guidance.inside(t) && self.guidance.scale != 1.0;
        if works {
            let class = self.no_class;
            rows.extend(pictures.enumerate().map(|(point, picture)| Row { point, picture, class }));
        }
        self.evaluated += rows.len();
        let velocities = self.network.velocities(points, t, &rows, step)?;
        if !works {
            return Ok(velocities);
        }
        let (with_class, without) = velocities.split_at(velocities.len() / 2);
        Ok(with_class.iter().zip(without).map(|(c, u)| self.guidance.mix(*c, *u)).collect())
    }

    /// The velocities `[2 pictures, C, N]` of a batch whose second half has the same pictures without a class, computed like
    /// in the authors' code. In the interval both halves get the guided velocity of the first; outside it each gets its own.
    /// The second half affects only the step size of dopri5.
    ///
    /// # Errors
    /// `step`, which is called after each block, fails.
    pub fn both_halves(&mut self, points: &[f32], t: f32, step: &mut dyn FnMut() -> Result<()>) -> Result<Vec<f32>> {
        let count = self.classes.len();
        if self.guidance.inside(t) {
            let guided = self.velocities(0..count, &points[..points.len() / 2], t, step)?;
            return Ok([&guided[..], &guided].concat());
        }
        let class = |row: usize| if row < count { self.classes[row] } else { self.no_class };
        let rows: Vec<Row> =
            (0..2 * count).map(|row| Row { point: row, picture: row % count, class: class(row) }).collect();
        self.evaluated += rows.len();
        self.network.velocities(points, t, &rows, step)
    }
}
