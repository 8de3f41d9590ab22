//! A generator's network on a device.

use crate::{
    generator::{Block, EPSILON, Embedding, Network, frequencies},
    layers::Linear,
    on_device::{Parameter, layers::attend},
};
use burn::{
    prelude::{Device, s},
    tensor::{Int, Tensor, TensorData, activation::silu, module::layer_norm},
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
            _ => Tensor::zeros([1, 1, self.sizes.width], &self.device()),
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
        classes: Tensor<1, Int>,
        start: Tensor<3>,
        watch: &mut dyn FnMut(&str, &Tensor<3>) -> Result<()>,
    ) -> Result<Tensor<3>> {
        let tokens = self.tokens_in.forward(x.unsqueeze_dim::<4>(3)).squeeze_dim::<3>(3).swap_dims(1, 2);
        watch("tokens", &tokens)?;
        let mut h = tokens + start;
        let time = self.time.forward(self.frequencies(t));
        watch("time", &time)?;
        let class = self.classes_table.tensor::<2>().select(0, classes).unsqueeze_dim::<3>(1);
        watch("class", &class)?;
        let condition = time + class; // [B, 1, width]
        for (i, block) in self.blocks.iter().enumerate() {
            h = block.forward(h, &condition, self.sizes.heads);
            watch(&format!("block{i}.out"), &h)?;
        }
        let modulation = silu_layer(&self.final_modulation, condition); // [B, 1, 2 width]
        let part = |i: usize| modulation.clone().slice(s![.., .., i * self.sizes.width..(i + 1) * self.sizes.width]);
        let out = self.final_layer.forward(modulate(h, part(0), part(1)));
        watch("final", &out)?;
        Ok(out.slice(s![.., .., 0..self.sizes.channels]).swap_dims(1, 2))
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
        silu_layer(&self.second, self.first.forward(x))
    }
}

/// `layer(silu(x))`
fn silu_layer(layer: &Linear<Parameter>, x: Tensor<3>) -> Tensor<3> {
    layer.forward(silu(x))
}

impl Block<Parameter> {
    /// `x` `[B, N, width]`, `condition` `[B, 1, width]`
    fn forward(&self, x: Tensor<3>, condition: &Tensor<3>, heads: usize) -> Tensor<3> {
        let [batch, count, width] = x.dims();
        let modulation = silu_layer(&self.modulation, condition.clone()); // [B, 1, 6 width]
        let part = |i: usize| modulation.clone().slice(s![.., .., i * width..(i + 1) * width]);
        let joint = self.projection.forward(modulate(x.clone(), part(0), part(1))); // [B, N, 3 width]
        let head = |i: usize| {
            let part = joint.clone().slice(s![.., .., i * width..(i + 1) * width]);
            part.reshape([batch, count, heads, width / heads]).swap_dims(1, 2)
        };
        let attended = attend(head(0), head(1), head(2));
        let attended = self.out.forward(attended.swap_dims(1, 2).reshape([batch, count, width]));
        let x = x + part(2) * attended;
        let inner = tanh_gelu(self.widen.forward(modulate(x.clone(), part(3), part(4))));
        x + part(5) * self.narrow.forward(inner)
    }
}

/// `norm(x) (1 + scale) + shift`
fn modulate(x: Tensor<3>, shift: Tensor<3>, scale: Tensor<3>) -> Tensor<3> {
    let width = x.dims()[2];
    let ones = Tensor::ones([width], &x.device());
    layer_norm(x, ones, None, f64::from(EPSILON)) * (scale + 1.0) + shift
}

/// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`. Burn's function uses a power, which shaders do not define for negative numbers.
fn tanh_gelu(x: Tensor<3>) -> Tensor<3> {
    let cube = x.clone() * x.clone() * x.clone();
    let inner = (x.clone() + cube * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}
