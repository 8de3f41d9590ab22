//! Convolutions with gradients on graphics cards, for trainings. The forward pass and the gradient of the map run the shaders of plain
//! convolutions. The gradient of the weights runs `shaders/convolution_gradient.wgsl` and `sum_axis.wgsl`.

use super::{
    convolution_shader,
    learning_shader::{LearningOps, learns},
    operation::Operation,
    shader::{MOST_BYTES, MOST_WORKGROUPS, Shader, as_u32},
};
use burn::{
    backend::{
        Autodiff, AutodiffBackend, Backend, Dispatch, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        ops::FloatTensorOps,
        tensor::FloatTensor,
    },
    tensor::{DType, FloatDType, Shape, Tensor},
};
use burn_cubecl::CubeBackend;

/// Number of invocations in a workgroup.
const THREADS: usize = 64;
/// Outputs of an invocation.
const OUTPUTS: usize = 4;
/// The invocations to aim at: enough to fill a card, if there are so many rows.
const INVOCATIONS: usize = 1 << 16;

/// `convolution_gradient.wgsl` for a kernel of side `side` on a map that is enlarged by `scale`.
pub fn shader([side, scale]: [usize; 2]) -> Shader {
    let text = include_str!("../../../../shaders/convolution_gradient.wgsl");
    Shader { name: "convolution_gradient", text, half: false, values: vec![("side", side), ("scale", scale)] }
}

/// [`convolve`](convolution_shader::convolve) in f32 with gradients, for kernels of side 1 or 3. Returns `None` if the shaders do not take the
/// tensors, or if their device does not differentiate.
pub fn convolve(map: &Tensor<4>, weight: &Tensor<4>, bias: &Tensor<1>, scale: usize) -> Option<Tensor<4>> {
    let ([batch, inputs, height, width], [outputs, _, side, _]) = (map.dims(), weight.dims());
    let numbers = batch * scale * height * scale * width * inputs.max(outputs);
    let workgroups = (outputs.div_ceil(OUTPUTS) * inputs).div_ceil(THREADS).max(batch * outputs.max(inputs));
    let fits = numbers <= i32::MAX as usize && workgroups <= MOST_WORKGROUPS;
    let taken = matches!(side, 1 | 3) && matches!(scale, 1 | 2);
    if !(learns(map) && learns(weight) && learns(bias) && fits && taken) {
        return None;
    }
    let [map, weight] = [map, weight].map(|tensor| tensor.clone().into_dispatch());
    let bias = bias.clone().into_dispatch();
    Some(Tensor::from_dispatch(<Dispatch as ConvolutionGradientOps>::convolution(map, weight, bias, scale)))
}

fn result_shape(map: &Shape, outputs: usize, scale: usize) -> Shape {
    Shape::new([map[0], outputs, scale * map[2], scale * map[3]])
}

#[backend_extension(Cube, Autodiff, Fusion)]
trait ConvolutionGradientOps: Backend {
    /// Convolves a map with weights `[O, I, k, k]`, and adds a bias `[O]`.
    #[fusion(dtype = map, shape = result_shape(map, bias[0], *scale))]
    fn convolution(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        scale: usize,
    ) -> FloatTensor<Self>;

    /// The gradient of weights `[O, I, side, side]`, from a map `[B, I, H, W]` and the gradient `[B, O, scale H, scale W]`.
    #[fusion(dtype = map, shape = Shape::new([gradient[1], map[1], *side, *side]))]
    fn weight_gradient(
        map: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        side: usize,
        scale: usize,
    ) -> FloatTensor<Self>;
}

impl ConvolutionGradientOps for CubeBackend {
    fn convolution(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        scale: usize,
    ) -> FloatTensor<Self> {
        convolution_shader::launch_single(map, weight, bias, scale)
    }

    fn weight_gradient(
        map: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        side: usize,
        scale: usize,
    ) -> FloatTensor<Self> {
        let (from, to) = (map.shape(), gradient.shape());
        let [batch, inputs] = [from[0], from[1]];
        let [outputs, height, width] = [to[1], to[2], to[3]];
        let numbers = outputs * inputs * side * side;
        let invocations = outputs.div_ceil(OUTPUTS) * inputs;
        let most = (MOST_BYTES / size_of::<f32>() / numbers).clamp(1, MOST_WORKGROUPS);
        let rows = (batch * height).div_ceil((INVOCATIONS / invocations).clamp(1, most));
        let parts = (batch * height).div_ceil(rows);
        let operation = Operation {
            shader: shader([side, scale]),
            threads: THREADS as u32,
            workgroups: [invocations.div_ceil(THREADS) as u32, parts as u32, 1],
            shape: Shape::new([parts, numbers]),
            dtype: DType::F32,
            numbers: vec![as_u32([batch, inputs, outputs, height, width, rows])],
        };
        let in_parts = operation.launch(vec![map, gradient]);
        let summed = <Self as LearningOps>::sum_axis(in_parts, [1, parts, numbers]);
        Self::float_reshape(summed, Shape::new([outputs, inputs, side, side]))
    }
}

#[derive(Debug)]
struct ConvolutionBackward {
    scale: usize,
}

impl<B: ConvolutionGradientOps> Backward<B, 3> for ConvolutionBackward {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [map_node, weight_node, bias_node] = ops.parents;
        let gradient = gradients.consume::<B>(&ops.node);
        let (map, weight) = ops.state;
        let Self { scale } = self;
        let (shape, weight_shape) = (gradient.shape(), weight.shape());
        let device = gradient.device();
        if let Some(node) = map_node {
            // A convolution with each kernel turned by half a turn, from outputs to inputs.
            let turned = B::float_flip(B::float_swap_dims(weight, 0, 1), &[2, 3]);
            let none = B::float_zeros(Shape::new([weight_shape[1]]), &device, FloatDType::F32);
            let mut of_map = B::convolution(gradient.clone(), turned, none, 1);
            if scale == 2 {
                let means = B::avg_pool2d(of_map, [2, 2], [2, 2], [0, 0], true, false);
                of_map = B::float_mul_scalar(means, 4.0.into());
            }
            gradients.register::<B>(node.id, of_map);
        }
        if let Some(node) = bias_node {
            // The weights of a map of ones.
            let ones = B::float_ones(Shape::new([shape[0], 1, shape[2], shape[3]]), &device, FloatDType::F32);
            let of_bias = B::weight_gradient(ones, gradient.clone(), 1, 1);
            gradients.register::<B>(node.id, B::float_reshape(of_bias, Shape::new([shape[1]])));
        }
        if let Some(node) = weight_node {
            gradients.register::<B>(node.id, B::weight_gradient(map, gradient, weight_shape[2], scale));
        }
    }
}

impl<B: ConvolutionGradientOps, C: CheckpointStrategy> ConvolutionGradientOps for Autodiff<B, C> {
    fn convolution(
        map: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        scale: usize,
    ) -> FloatTensor<Self> {
        let nodes = [map.node(), weight.node(), bias.node()];
        match (ConvolutionBackward { scale }).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let [map, weight, bias] = [map, weight, bias].map(|tensor| tensor.primitive().clone());
                let result = B::convolution(map.clone(), weight.clone(), bias, scale);
                prepared.finish((map, weight), result)
            }
            OpsKind::UnTracked(prepared) => {
                let [map, weight, bias] = [map, weight, bias].map(|tensor| tensor.into_primitive());
                prepared.finish(B::convolution(map, weight, bias, scale))
            }
        }
    }

    fn weight_gradient(
        map: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        side: usize,
        scale: usize,
    ) -> FloatTensor<Self> {
        // There are no gradients of gradients, because burn differentiates once.
        Self::from_inner(B::weight_gradient(map.into_primitive(), gradient.into_primitive(), side, scale))
    }
}
