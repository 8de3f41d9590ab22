//! The token transformer on a device.

use super::{Parameter, convolution_shader::multiply, layers};
use crate::tokenizer::transformer::{Block, HEADS, TokenTransformer};
use burn::{
    prelude::s,
    tensor::{
        FloatDType, Tensor,
        activation::{gelu, sigmoid},
    },
};
use splatgraph_sdk::Result;

impl TokenTransformer<Parameter> {
    /// Turns `gaussians` `[B, N, 5]` and `regions` `[B, N, stem, samples]` into gaussians `[B, N, 5]` and textures `[B, N, C]`, both in
    /// f32. Calls `watch` with each stage's result.
    ///
    /// # Errors
    /// `watch` fails.
    pub fn forward(
        &self,
        gaussians: Tensor<3>,
        regions: Tensor<4>,
        watch: &mut dyn FnMut(&str, &Tensor<3>) -> Result<()>,
    ) -> Result<(Tensor<3>, Tensor<3>)> {
        let precision = FloatDType::from(self.embedding.tensor::<2>().dtype());
        let conditions = self.conditions(regions.cast(precision));
        let embedded = self.gaussian_out.forward(gelu(self.gaussian_in.forward(gaussians.clone().cast(precision))));
        watch("embedding", &embedded)?;
        let mut x = embedded + self.embedding.tensor::<2>().unsqueeze::<3>();
        for (i, (block, condition)) in self.blocks.iter().zip(conditions).enumerate() {
            watch(&format!("block{i}.condition"), &condition)?;
            x = x + condition;
            let attended = block.attend(x.clone());
            watch(&format!("block{i}.attention"), &attended)?;
            x = block.feed_forward(x + attended);
            watch(&format!("block{i}.out"), &x)?;
        }
        let delta = self.geometry.forward(x.clone()).cast(FloatDType::F32);
        watch("delta", &delta)?;
        Ok((shift(gaussians, delta), self.textures.forward(x).cast(FloatDType::F32)))
    }

    /// The numbers `[B, N, width]` that each block adds for the regions.
    ///
    /// The authors project every sample to the full width, then reduce the samples in each block. Both operations are linear. So this code
    /// reduces the samples for all blocks at once, at the stem's width, and gets the same result with a fraction of the work.
    fn conditions(&self, regions: Tensor<4>) -> Vec<Tensor<3>> {
        let [batch, count, stem, samples] = regions.dims();
        let weights: Vec<Tensor<2>> = self.blocks.iter().map(|block| block.region.weight.tensor()).collect(); // [1, samples] each
        if weights.is_empty() {
            return Vec::new();
        }
        let (weights, samples): (_, Tensor<2>) =
            (Tensor::cat(weights, 0), regions.reshape([batch * count * stem, samples]));
        let samples = samples.transpose();
        // [blocks, B N stem]
        let reduced = multiply(weights.clone(), samples.clone()).unwrap_or_else(|| weights.matmul(samples));
        let projection: Tensor<2> = self.region_projection.weight.tensor::<4>().reshape([-1, stem as i32]); // [width, stem]
        let project = |(i, block): (usize, &Block<Parameter>)| {
            let features: Tensor<3> = reduced.clone().slice(s![i..i + 1]).reshape([batch, count, stem]);
            let constant = self.region_projection.bias.tensor::<1>() * block.region.weight.tensor::<2>().sum()
                + block.region.bias.tensor::<1>();
            layers::linear(features, projection.clone(), constant)
        };
        self.blocks.iter().enumerate().map(project).collect()
    }
}

/// Adds `delta` to gaussians in unbounded space, where each sigma is a logit, and rho, x, y are logits of `(1 + v) / 2`.
fn shift(gaussians: Tensor<3>, delta: Tensor<3>) -> Tensor<3> {
    let sigma = |t: &Tensor<3>| t.clone().slice(s![.., .., 0..2]);
    let rest = |t: &Tensor<3>| t.clone().slice(s![.., .., 2..5]);
    let sigma_logit = (sigma(&gaussians).recip() - 1.0).log().neg();
    let rest_logit = ((rest(&gaussians) + 1.0).recip() * 2.0 - 1.0).log().neg();
    let sigmas = sigmoid(sigma_logit + sigma(&delta));
    let others = sigmoid(rest_logit + rest(&delta)) * 2.0 - 1.0;
    Tensor::cat(vec![sigmas, others], 2)
}

impl Block<Parameter> {
    fn attend(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, count, width] = x.dims();
        let (weight, bias) = (self.projection_weight.tensor(), self.projection_bias.tensor());
        let x = layers::linear(self.norm1.forward(x), weight, bias); // [B, N, 3 width]
        let heads = |i: usize| {
            let part = x.clone().slice(s![.., .., i * width..(i + 1) * width]);
            part.reshape([batch, count, HEADS, width / HEADS]).swap_dims(1, 2)
        };
        let attended = layers::attend(heads(0), heads(1), heads(2));
        self.out.forward(attended.swap_dims(1, 2).reshape([batch, count, width]))
    }

    fn feed_forward(&self, x: Tensor<3>) -> Tensor<3> {
        let inner = gelu(self.widen.forward(self.norm2.forward(x.clone())));
        x + self.narrow.forward(inner)
    }
}
