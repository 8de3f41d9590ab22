//! The splat as an operation of burn with gradients. Each backend may have a separate kernel.

use super::{shader::runs_wgsl, splat_dense, splat_shader};
use crate::{
    kernels::memory::zeroed,
    splat::{splat, splat_backward},
};
use burn::{
    backend::{
        Autodiff, AutodiffBackend, Backend, Dispatch, DispatchDevice, Flex, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Shape, Tensor, TensorData},
};
use burn_cubecl::CubeBackend;

/// Splats tokens on their device: turns `gaussians` `[B, N, 5]` and `textures` `[B, N, C]`, both in f32, into a map
/// `[B, C, height, width]`. The operation is differentiable.
pub fn splat_tensor(gaussians: Tensor<3>, textures: Tensor<3>, [width, height]: [usize; 2], support: f32) -> Tensor<4> {
    let [batch, count, channels] = textures.dims();
    if batch * count * channels * width * height == 0 {
        // In burn 0.22.1, a product over no tokens does not write its result on graphics cards.
        return Tensor::zeros([batch, channels, height, width], &textures.device());
    }
    if !has_kernel(textures.device().as_dispatch(), channels) {
        return splat_dense(gaussians, textures, [width, height], support);
    }
    Tensor::from_dispatch(<Dispatch as SplatOps>::splat_forward(
        gaussians.into_dispatch(),
        textures.into_dispatch(),
        width,
        height,
        support,
    ))
}

/// Whether the device runs one of the kernels. Other devices run the dense form.
fn has_kernel(device: &DispatchDevice, channels: usize) -> bool {
    match device {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Cube(_) => runs_wgsl(device) && channels <= splat_shader::MOST_CHANNELS,
        DispatchDevice::Autodiff(device) => has_kernel(device, channels),
        #[allow(unreachable_patterns, reason = "more backends come with the feature libtorch")]
        _ => false,
    }
}

fn map_shape(textures: &Shape, width: usize, height: usize) -> Shape {
    Shape::new([textures[0], textures[2], height, width])
}

/// The operations of a backend with a kernel.
#[backend_extension(Flex, Cube, Autodiff, Fusion)]
pub(super) trait SplatOps: Backend {
    /// `[B, N, 5]` and `[B, N, C]` to `[B, C, height, width]`
    #[fusion(dtype = textures, shape = map_shape(textures, *width, *height))]
    fn splat_forward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        width: usize,
        height: usize,
        support: f32,
    ) -> FloatTensor<Self>;

    /// The gradients of gaussians and textures, in their shapes, from the gradient of the map.
    #[fusion(meta = |gaussians, textures, _gradient, _support| (gaussians.clone(), textures.clone()))]
    fn splat_backward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        support: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl SplatOps for Flex {
    fn splat_forward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        width: usize,
        height: usize,
        support: f32,
    ) -> FloatTensor<Self> {
        let (gaussians, textures) = (gaussians.to_contiguous(), textures.to_contiguous());
        let shape = textures.shape();
        let [batch, count, channels] = [shape[0], shape[1], shape[2]];
        let size = channels * height * width;
        let mut maps = zeroed(batch * size);
        for (i, map) in maps.chunks_exact_mut(size).enumerate() {
            let gaussians = &gaussians.storage::<f32>()[i * count * 5..][..count * 5];
            let textures = &textures.storage::<f32>()[i * count * channels..][..count * channels];
            splat(gaussians, textures, [width, height], support, map);
        }
        FloatTensor::<Self>::from_data(TensorData::new(maps, [batch, channels, height, width]))
    }

    fn splat_backward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        support: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (gaussians, textures) = (gaussians.to_contiguous(), textures.to_contiguous());
        let gradient = gradient.to_contiguous();
        let (shape, map) = (textures.shape(), gradient.shape());
        let [batch, count, channels] = [shape[0], shape[1], shape[2]];
        let [height, width] = [map[2], map[3]];
        let (mut of_gaussians, mut of_textures) = (Vec::new(), Vec::new());
        for i in 0..batch {
            let gaussians = &gaussians.storage::<f32>()[i * count * 5..][..count * 5];
            let textures = &textures.storage::<f32>()[i * count * channels..][..count * channels];
            let plane = channels * height * width;
            let gradient = &gradient.storage::<f32>()[i * plane..][..plane];
            let (g, t) = splat_backward(gaussians, textures, gradient, [width, height], support);
            of_gaussians.extend(g);
            of_textures.extend(t);
        }
        let tensor = |values: Vec<f32>, width: usize| {
            FloatTensor::<Self>::from_data(TensorData::new(values, [batch, count, width]))
        };
        (tensor(of_gaussians, 5), tensor(of_textures, channels))
    }
}

impl SplatOps for CubeBackend {
    fn splat_forward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        width: usize,
        height: usize,
        support: f32,
    ) -> FloatTensor<Self> {
        splat_shader::forward(gaussians, textures, [width, height], support)
    }

    fn splat_backward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        support: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        splat_shader::backward(gaussians, textures, gradient, support)
    }
}

#[derive(Debug)]
struct SplatBackward {
    support: f32,
}

impl<B: SplatOps> Backward<B, 2> for SplatBackward {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [gaussian_node, texture_node] = ops.parents;
        let gradient = gradients.consume::<B>(&ops.node);
        let (gaussians, textures) = ops.state;
        let (of_gaussians, of_textures) = B::splat_backward(gaussians, textures, gradient, self.support);
        if let Some(node) = gaussian_node {
            gradients.register::<B>(node.id, of_gaussians);
        }
        if let Some(node) = texture_node {
            gradients.register::<B>(node.id, of_textures);
        }
    }
}

impl<B: SplatOps, C: CheckpointStrategy> SplatOps for Autodiff<B, C> {
    fn splat_forward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        width: usize,
        height: usize,
        support: f32,
    ) -> FloatTensor<Self> {
        let nodes = [gaussians.node(), textures.node()];
        match (SplatBackward { support }).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (gaussians, textures) = (gaussians.primitive().clone(), textures.primitive().clone());
                let map = B::splat_forward(gaussians.clone(), textures.clone(), width, height, support);
                prepared.finish((gaussians, textures), map)
            }
            OpsKind::UnTracked(prepared) => {
                let (gaussians, textures) = (gaussians.into_primitive(), textures.into_primitive());
                prepared.finish(B::splat_forward(gaussians, textures, width, height, support))
            }
        }
    }

    fn splat_backward(
        gaussians: FloatTensor<Self>,
        textures: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        support: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        // There are no gradients of gradients, because burn differentiates once.
        let (g, t) = B::splat_backward(
            gaussians.into_primitive(),
            textures.into_primitive(),
            gradient.into_primitive(),
            support,
        );
        (Self::from_inner(g), Self::from_inner(t))
    }
}
