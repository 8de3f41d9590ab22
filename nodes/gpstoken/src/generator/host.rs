//! The network of a generator on the host's kernels; the tensor form in `on_device` is its twin.
//!
//! Numbers that depend only on time and class are computed once for each class in a batch. No result depends on the size of
//! the batch: the numbers of a token are summed in the same order in any batch.

use super::{Block, EPSILON, Network, Row, Velocities, frequencies};
use crate::{
    kernels::{
        cpu::Level,
        memory::Buffer,
        product::PANEL,
        rows::{linear_rows, silu_rows},
        tokens::{Then, attend, linear, normalise, to_panels},
        workspace::Workspace,
    },
    layers::Linear,
};
use rayon::prelude::*;
use splatgraph_sdk::Result;

/// A network prepared for some pictures: it has computed the numbers that are constant in all steps.
#[derive(Debug)]
pub struct Prepared<'a> {
    network: &'a Network,
    level: Level,
    /// Tokens of a picture.
    count: usize,
    /// Panels `[panels, width, 32]` for each picture, or for all pictures.
    start: Vec<Buffer>,
    workspace: Workspace,
}

/// Shifts, scales and weights for each class of a batch, `[6 width]` or `[2 width]`.
struct Modulation {
    rows: Vec<f32>,
    length: usize,
    width: usize,
}

impl Modulation {
    /// The output of a linear layer for the rows.
    fn of(level: Level, parameters: [&[f32]; 2], rows: &[f32], width: usize) -> Self {
        let length = parameters[1].len();
        let mut rows = linear_rows(level, parameters, rows);
        // Scales are differences from 1: the second and fifth part.
        for row in rows.chunks_exact_mut(length) {
            for scale in row.chunks_exact_mut(width).skip(1).step_by(3) {
                scale.iter_mut().for_each(|value| *value += 1.0);
            }
        }
        Self { rows, length, width }
    }

    fn part(&self, class: usize, part: usize) -> &[f32] {
        &self.rows[class * self.length + part * self.width..][..self.width]
    }
}

impl<'a> Prepared<'a> {
    /// Prepares a network for pictures of `count` tokens; `condition` is `[B, N, 5]`, or empty for a network without a
    /// condition.
    pub fn new(network: &'a Network, level: Level, count: usize, condition: &[f32]) -> Self {
        let start = match (&network.condition, &network.position) {
            (Some(embedding), _) => {
                let pictures = condition.chunks_exact(count * embedding.first.inputs());
                pictures.map(|picture| to_panels(&embedding.forward(level, picture), network.sizes.width)).collect()
            }
            (None, Some(position)) => vec![to_panels(position, network.sizes.width)],
            (None, None) => Vec::new(),
        };
        Self { network, level, count, start, workspace: Workspace::default() }
    }

    /// Panels of a picture.
    fn panels(&self) -> usize {
        self.count.div_ceil(PANEL)
    }

    /// The condition of time and class for the layers: `silu(time + class)`, `[classes, width]`.
    fn condition(&self, t: f32, classes: &[usize]) -> Vec<f32> {
        let Self { network, level, .. } = *self;
        let time = network.time.forward(level, &frequencies(t, network.sizes.frequencies));
        let (table, width) = (&network.classes_table, network.sizes.width);
        let sum = |class: &usize| {
            let row = &table[class * width..][..width];
            row.iter().zip(&time).map(|(class, time)| time + class).collect::<Vec<f32>>()
        };
        let mut condition: Vec<f32> = classes.iter().flat_map(sum).collect();
        silu_rows(level, &mut condition);
        condition
    }

    fn block(
        &self,
        block: &Block,
        condition: &[f32],
        class_of: &[usize],
        x: &mut [f32],
        normal: &mut [f32],
        hidden: &mut [f32],
    ) {
        let Self { network, level, .. } = *self;
        let (width, panels) = (network.sizes.width, self.panels());
        let modulation = Modulation::of(level, block.modulation.numbers(), condition, width);
        let norm = |first: usize, x: &[f32], out: &mut [f32]| {
            let parameters =
                |panel: usize| [first + 1, first].map(|part| modulation.part(class_of[panel / panels], part));
            normalise(level, EPSILON, width, parameters, x, out);
        };
        let weights = |part: usize| class_of.iter().map(|class| modulation.part(*class, part)).collect::<Vec<_>>();
        let run = |layer: &Linear, x: &[f32], then: Then<'_>, out: &mut [f32]| {
            linear(level, layer.numbers(), x, then, out);
        };
        norm(0, x, normal);
        let joint = &mut hidden[..3 * x.len()];
        run(&block.projection, normal, Then::Write, joint);
        let length = panels * width * PANEL;
        joint.par_chunks_exact(3 * length).zip(normal.par_chunks_exact_mut(length)).for_each(|(joint, out)| {
            attend(level, network.sizes.heads, self.count, width, joint, out);
        });
        run(&block.out, normal, Then::AddTimes { factors: &weights(2), panels }, x);
        norm(3, x, normal);
        let inner = &mut hidden[..x.len() / width * block.widen.outputs()];
        run(&block.widen, normal, Then::TanhGelu, inner);
        run(&block.narrow, inner, Then::AddTimes { factors: &weights(5), panels }, x);
    }
}

impl Velocities for Prepared<'_> {
    fn velocities(
        &self,
        points: &[f32],
        t: f32,
        rows: &[Row],
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let Self { network, level, .. } = *self;
        let (width, channels, panels) = (network.sizes.width, network.sizes.channels, self.panels());
        let mut classes: Vec<usize> = rows.iter().map(|row| row.class).collect();
        classes.sort_unstable();
        classes.dedup();
        // The index of each row's class among the distinct classes.
        let class_of: Vec<usize> = rows.iter().map(|row| classes.partition_point(|class| *class < row.class)).collect();
        let condition = self.condition(t, &classes);
        let length = rows.len() * panels * width * PANEL;
        let hidden_width = network.blocks.iter().map(|block| block.widen.outputs()).max().unwrap_or(0);
        let mut x = self.workspace.take(length);
        let mut normal = self.workspace.take(length);
        let mut hidden = self.workspace.take(rows.len() * panels * PANEL * hidden_width.max(3 * width));
        let (x_all, normal_all) = (&mut x[..length], &mut normal[..length]);

        let size = channels * self.count;
        let tokens = rows.iter().flat_map(|row| channels_to_panels(&points[row.point * size..][..size], self.count));
        let tokens: Vec<f32> = tokens.collect(); // [rows, panels, C, 32]
        for (row, x) in rows.iter().zip(x_all.chunks_exact_mut(panels * width * PANEL)) {
            x.copy_from_slice(&self.start[row.picture % self.start.len()]);
        }
        linear(level, network.tokens_in.numbers(), &tokens, Then::Add, x_all);
        for block in &network.blocks {
            self.block(block, &condition, &class_of, x_all, normal_all, &mut hidden);
            step()?;
        }
        let modulation = Modulation::of(level, network.final_modulation.numbers(), &condition, width);
        let parameters = |panel: usize| [1, 0].map(|part| modulation.part(class_of[panel / panels], part));
        normalise(level, EPSILON, width, parameters, x_all, normal_all);
        let [weight, bias] = network.final_layer.numbers();
        let mut out = Buffer::zeroed(rows.len() * panels * channels * PANEL);
        // Sampling does not use the learned sigmas, which follow these.
        linear(level, [&weight[..channels * width], &bias[..channels]], normal_all, Then::Write, &mut out);
        let velocities =
            out.chunks_exact(panels * channels * PANEL).flat_map(|out| panels_to_channels(out, channels, self.count));
        let velocities = velocities.collect();
        for buffer in [x, normal, hidden] {
            self.workspace.put(buffer);
        }
        Ok(velocities)
    }
}

/// Converts the numbers `[C, N]` of a picture to panels `[panels, C, 32]`; zeros fill the last one.
fn channels_to_panels(picture: &[f32], count: usize) -> Vec<f32> {
    let mut panels = Vec::with_capacity(picture.len() / count * count.div_ceil(PANEL) * PANEL);
    for first in (0..count).step_by(PANEL) {
        let used = PANEL.min(count - first);
        for channel in picture.chunks_exact(count) {
            panels.extend_from_slice(&channel[first..first + used]);
            panels.resize(panels.len() + PANEL - used, 0.0);
        }
    }
    panels
}

/// Converts panels `[panels, C, 32]` to the numbers `[C, N]` of a picture.
fn panels_to_channels(panels: &[f32], channels: usize, count: usize) -> Vec<f32> {
    let at = |channel: usize, token: usize| panels[(token / PANEL * channels + channel) * PANEL + token % PANEL];
    (0..channels).flat_map(|channel| (0..count).map(move |token| at(channel, token))).collect()
}
