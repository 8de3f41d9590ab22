//! The token transformer on a device.

use super::{
    Parameter, elementwise_shader,
    layers::{self, Follows},
    learning_shader::{expand, products, sum},
    linear_shader::Activation,
    region_condition_shader,
};
use crate::{
    layers::{Convolution, Linear},
    tokenizer::transformer::{Block, HEADS, TokenTransformer},
};
use burn::{
    prelude::s,
    tensor::{FloatDType, Tensor, activation::sigmoid},
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
        let [batch, count, stem, samples] = regions.dims();
        let regions: Tensor<3> = layers::cast(regions, precision).reshape([batch * count, stem, samples]);
        let inner = self.gaussian_in.forward_activated(layers::cast(gaussians.clone(), precision), Activation::Gelu);
        let embedded = self.gaussian_out.forward(inner);
        watch("embedding", &embedded)?;
        let mut x = layers::add(embedded, self.embedding.tensor::<2>().unsqueeze::<3>());
        for (i, block) in self.blocks.iter().enumerate() {
            x = add_condition(x, &regions, &block.region, &self.region_projection);
            watch(&format!("block{i}.conditioned"), &x)?;
            x = block.forward(x);
            watch(&format!("block{i}.out"), &x)?;
        }
        let delta = self.geometry.forward(x.clone());
        watch("delta", &delta)?;
        Ok((shift(gaussians, delta), layers::cast(self.textures.forward(x), FloatDType::F32)))
    }
}

/// Adds to `x` `[B, N, width]` the numbers that a block adds for the regions, `[B N, stem, samples]`.
///
/// The authors project every sample to the full width, then reduce the samples in each block. Both operations are linear. So this code
/// reduces first, and gets the same result with a fraction of the work.
fn add_condition(
    x: Tensor<3>,
    regions: &Tensor<3>,
    reduction: &Linear<Parameter>,
    projection: &Convolution<Parameter>,
) -> Tensor<3> {
    let shape = x.dims();
    let ([batch, count, width], [_, stem, samples]) = (shape, regions.dims());
    let (weights, bias) = (reduction.weight.tensor::<2>(), reduction.bias.tensor::<1>()); // [1, samples], [1]
    let projection_weight: Tensor<2> = projection.weight.tensor::<4>().reshape([width, stem]);
    let projection_bias = projection.bias.tensor::<1>();
    let tokens = x.clone().reshape([batch * count, width]);
    let (reduce, project) = ((&weights, &bias), (&projection_weight, &projection_bias));
    if let Some(x) = region_condition_shader::add_condition(&tokens, regions, reduce, project) {
        return x.reshape(shape);
    }
    let reduced: Tensor<3> = regions.clone().reshape([1, batch * count * stem, samples]);
    let reduced = products(reduced, weights.clone().unsqueeze(), [false, true]);
    let constant = projection_bias * expand(sum(weights), [width]) + expand(bias, [width]);
    let reduced = reduced.reshape([batch, count, stem]);
    x + layers::linear(reduced, projection_weight, constant, Follows::default())
}

/// Adds `delta` to gaussians in unbounded space, where each sigma is a logit, and rho, x, y are logits of `(1 + v) / 2`.
fn shift(gaussians: Tensor<3>, delta: Tensor<3>) -> Tensor<3> {
    elementwise_shader::shift(&gaussians, &delta)
        .unwrap_or_else(|| shift_by_burn(&gaussians, &delta.cast(FloatDType::F32)))
}

fn shift_by_burn(gaussians: &Tensor<3>, delta: &Tensor<3>) -> Tensor<3> {
    let sigma = |t: &Tensor<3>| t.clone().slice(s![.., .., 0..2]);
    let rest = |t: &Tensor<3>| t.clone().slice(s![.., .., 2..5]);
    let sigma_logit = (sigma(gaussians).recip() - 1.0).log().neg();
    let rest_logit = ((rest(gaussians) + 1.0).recip() * 2.0 - 1.0).log().neg();
    let sigmas = sigmoid(sigma_logit + sigma(delta));
    let others = sigmoid(rest_logit + rest(delta)) * 2.0 - 1.0;
    Tensor::cat(vec![sigmas, others], 2)
}

impl Block<Parameter> {
    /// `[B, N, width] -> [B, N, width]`
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let (weight, bias) = (self.projection_weight.tensor(), self.projection_bias.tensor());
        let joint = layers::linear(self.norm1.forward(x.clone()), weight, bias, Follows::default()); // [B, N, 3 width]
        let attended = layers::attend_between(&joint, HEADS);
        let x = self.out.forward_then(attended, Follows { residual: Some(&x), ..Follows::default() });
        let inner = self.widen.forward_activated(self.norm2.forward(x.clone()), Activation::Gelu);
        self.narrow.forward_then(inner, Follows { residual: Some(&x), ..Follows::default() })
    }
}
