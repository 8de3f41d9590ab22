//! A generator's network on a device.

use crate::{
    generator::{Block, EPSILON, Embedding, Network, frequencies},
    on_device::{
        Parameter,
        arrange_shader::{Arrangement, arrange},
        elementwise_shader,
        layers::{Follows, add, add_silu, attend_between, linear, modulate, transpose},
        linear_shader::Activation,
    },
};
use burn::{
    prelude::{Device, s},
    tensor::{FloatDType, Int, Tensor, TensorData},
};
use splatgraph_sdk::Result;

impl Network<Parameter> {
    /// The device that holds the network.
    pub fn device(&self) -> Device {
        self.classes_table.tensor::<2>().device()
    }

    /// The numbers `[B or 1, N, width]` that are added to the embedded tokens and are equal in all steps: the embedding of the condition
    /// `[B, N, 5]`, or the position embedding.
    pub fn start(&self, condition: Option<Tensor<3>>) -> Tensor<3> {
        match (&self.condition, condition, &self.position) {
            (Some(embedding), Some(condition), _) => embedding.forward(condition),
            (_, _, Some(position)) => position.tensor(),
            _ => Tensor::from_data(TensorData::zeros::<f32, _>([1, 1, self.sizes.width]), &self.device()),
        }
    }

    /// The velocities `[B, C, N]` for `x` `[B, C, N]` at the times `t`, one for each picture, for classes `[B]`, with the result of
    /// [`start`](Self::start). Calls `watch` with each stage's result.
    ///
    /// # Errors
    /// `watch` fails.
    pub fn forward(
        &self,
        x: Tensor<3>,
        t: &[f32],
        classes: &[usize],
        start: Tensor<3>,
        watch: &mut dyn FnMut(&str, &Tensor<3>) -> Result<()>,
    ) -> Result<Tensor<3>> {
        let (weight, width) = (self.tokens_in.weight.tensor::<4>(), self.sizes.width);
        let weight: Tensor<2> = weight.reshape([width, self.sizes.channels]);
        let tokens = linear(transpose(x), weight, self.tokens_in.bias.tensor(), Follows::default()); // [B, N, width]
        watch("tokens", &tokens)?;
        let mut h = add(tokens, start);
        let time = self.time.forward(self.frequencies(t));
        watch("time", &time)?;
        let class = select_rows(&self.classes_table.tensor::<2>(), classes).reshape([classes.len(), 1, width]);
        watch("class", &class)?;
        let condition = add_silu(time, class); // [B, 1, width]
        for (i, block) in self.blocks.iter().enumerate() {
            h = block.forward(h, &condition, self.sizes.heads);
            watch(&format!("block{i}.out"), &h)?;
        }
        let modulation = self.final_modulation.forward(condition); // [B, 1, 2 width]
        let out = self.final_layer.forward(modulate(&h, &modulation, [0, 1], EPSILON));
        watch("final", &out)?;
        Ok(first_channels_transposed(&out, self.sizes.channels))
    }

    /// `[B, 1, frequencies]`
    fn frequencies(&self, t: &[f32]) -> Tensor<3> {
        let count = self.sizes.frequencies;
        let values: Vec<f32> = t.iter().flat_map(|t| frequencies(*t, count)).collect();
        let data = TensorData::new(values, [t.len(), 1, count]);
        Tensor::from_data(data, &self.device())
    }
}

impl Embedding<Parameter> {
    /// `[..., inputs] -> [..., width]`
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.second.forward(self.first.forward_activated(x, Activation::Silu))
    }
}

impl Block<Parameter> {
    /// `x` `[B, N, width]`, and `condition` `[B, 1, width]` after its SiLU.
    fn forward(&self, x: Tensor<3>, condition: &Tensor<3>, heads: usize) -> Tensor<3> {
        let modulation = self.modulation.forward(condition.clone()); // [B, 1, 6 width]
        let joint = self.projection.forward(modulate(&x, &modulation, [0, 1], EPSILON)); // [B, N, 3 width]
        let attended = attend_between(&joint, heads);
        let gated =
            |part: usize, residual| Follows { activation: Activation::None, gate: Some((&modulation, part)), residual };
        let x = self.out.forward_then(attended, gated(2, Some(&x)));
        let inner = self.widen.forward_activated(modulate(&x, &modulation, [3, 4], EPSILON), Activation::TanhGelu);
        self.narrow.forward_then(inner, gated(5, Some(&x)))
    }
}

/// The rows of `table` `[R, K]` with these numbers: `[N, K]`.
pub(super) fn select_rows(table: &Tensor<2>, rows: &[usize]) -> Tensor<2> {
    elementwise_shader::select(table, rows).unwrap_or_else(|| {
        let numbers: Vec<i32> = rows.iter().map(|row| *row as i32).collect();
        let data = TensorData::new(numbers, [rows.len()]);
        table.clone().select(0, Tensor::<1, Int>::from_data(data, &table.device()))
    })
}

/// The first `channels` numbers of each token, `[B, N, K] -> [B, channels, N]`.
fn first_channels_transposed(x: &Tensor<3>, channels: usize) -> Tensor<3> {
    let [batch, count, width] = x.dims();
    let arrangement = Arrangement {
        lengths: [1, 1, 1, batch, channels, count],
        strides: [[0, 0, 0, count * width, 1, width], [0, 0, 0, channels * count, count, 1]],
        first: [0, 0],
    };
    arrange(x, [batch, channels, count], FloatDType::from(x.dtype()), &arrangement)
        .unwrap_or_else(|| x.clone().slice(s![.., .., 0..channels]).swap_dims(1, 2))
}
