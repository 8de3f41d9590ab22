//! Sums, products and softmax with gradients on graphics cards, for trainings: `shaders/sum_axis.wgsl`, `matrix_product.wgsl` and
//! `softmax_rows.wgsl`.
//!
//! Burn tries kernels for these in each process, and sums in another order with each. With these shaders a training has the same bytes in
//! every process. Its elementwise operations stay burn's. Burn also sums where it goes back through a broadcast, so the layers of trainings
//! use [`expand`] for those.

use super::{
    operation::Operation,
    shader::{MOST_WORKGROUPS, Shader, as_u32, runs_wgsl, workgroups},
};
use burn::{
    backend::{
        Autodiff, Backend, Dispatch, DispatchDevice, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        ops::FloatTensorOps,
        tensor::FloatTensor,
    },
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::CubeBackend;

/// The most numbers that an invocation sums.
const SUMMED: usize = 64;
/// Rows and columns of a workgroup's product.
const SIDE: usize = 64;
/// Invocations of a workgroup of the product, and of the softmax.
const THREADS: u32 = 256;
const SOFTMAX_THREADS: u32 = 64;
/// The workgroups to aim at by splitting the depth of a product, and the least depth of a part.
const WORKGROUPS: usize = 128;
const LEAST_DEPTH: usize = 256;

/// `sum_axis.wgsl`.
pub fn sum_shader() -> Shader {
    let text = include_str!("../../../../shaders/sum_axis.wgsl");
    Shader { name: "sum_axis", text, half: false, values: Vec::new() }
}

/// `matrix_product.wgsl`.
pub fn product_shader() -> Shader {
    let text = include_str!("../../../../shaders/matrix_product.wgsl");
    Shader { name: "matrix_product", text, half: false, values: Vec::new() }
}

/// `softmax_rows.wgsl`.
pub fn softmax_shader() -> Shader {
    let text = include_str!("../../../../shaders/softmax_rows.wgsl");
    Shader { name: "softmax_rows", text, half: false, values: Vec::new() }
}

/// Whether the shaders compute tensors of these shapes and types on a device, with gradients or without.
fn taken(device: &DispatchDevice, tensors: &[(Shape, DType)]) -> bool {
    let device = match device {
        DispatchDevice::Autodiff(device) => device,
        device => device,
    };
    let fits = |shape: &Shape| (1..=i32::MAX as usize).contains(&shape.num_elements());
    runs_wgsl(device) && tensors.iter().all(|(shape, dtype)| *dtype == DType::F32 && fits(shape))
}

/// Whether the shaders compute a tensor, with gradients or without.
pub fn takes<const D: usize>(x: &Tensor<D>) -> bool {
    taken(x.device().as_dispatch(), &[(x.shape(), x.dtype())])
}

/// Whether the shaders compute a tensor on a device that differentiates.
pub fn learns<const D: usize>(x: &Tensor<D>) -> bool {
    matches!(x.device().as_dispatch(), DispatchDevice::Autodiff(_)) && takes(x)
}

/// The lengths before an axis, of it, and behind it.
fn around<const D: usize>(shape: [usize; D], axis: usize) -> [usize; 3] {
    [shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product()]
}

/// The sum along an axis, whose length becomes 1.
pub fn sum_axis<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    if !takes(&x) {
        return x.sum_dim(axis);
    }
    let mut shape = x.dims();
    let sizes = around(shape, axis);
    shape[axis] = 1;
    Tensor::<3>::from_dispatch(<Dispatch as LearningOps>::sum_axis(x.into_dispatch(), sizes)).reshape(shape)
}

/// The mean along an axis, whose length becomes 1.
pub fn mean_axis<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    let length = x.dims()[axis] as f64;
    sum_axis(x, axis) / length
}

/// The sum of all numbers.
pub fn sum<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.shape().num_elements();
    sum_axis(x.reshape([count]), 0)
}

/// The mean of all numbers.
pub fn mean<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let count = x.shape().num_elements() as f64;
    sum(x) / count
}

/// Repeats a tensor along the axes where its length is 1 and that of the shape is not.
pub fn expand<const D: usize>(mut x: Tensor<D>, shape: [usize; D]) -> Tensor<D> {
    if !taken(x.device().as_dispatch(), &[(x.shape(), x.dtype()), (Shape::new(shape), DType::F32)]) {
        return x.expand(shape);
    }
    for (axis, length) in shape.into_iter().enumerate() {
        let mut longer = x.dims();
        if longer[axis] != length {
            let [before, _, behind] = around(longer, axis);
            longer[axis] = length;
            let longer_x = <Dispatch as LearningOps>::expand_axis(x.into_dispatch(), [before, length, behind]);
            x = Tensor::<3>::from_dispatch(longer_x).reshape(longer);
        }
    }
    x
}

/// Products of matrices `[Z, M, K]` and `[Z, K, N]`: `[Z, M, N]`. If a factor is `turned`, its last two axes are the other way round.
pub fn products(a: Tensor<3>, b: Tensor<3>, turned: [bool; 2]) -> Tensor<3> {
    let ([count, rows, _], [_, _, columns]) = (sides(a.dims(), turned[0]), sides(b.dims(), turned[1]));
    let result = (Shape::new([count, rows, columns]), DType::F32);
    let tensors = [(a.shape(), a.dtype()), (b.shape(), b.dtype()), result];
    let workgroups = [rows.div_ceil(SIDE), columns.div_ceil(SIDE), count];
    if !taken(a.device().as_dispatch(), &tensors) || workgroups.iter().any(|count| *count > MOST_WORKGROUPS) {
        let [a, b] = [(a, turned[0]), (b, turned[1])].map(|(x, turned)| if turned { x.swap_dims(1, 2) } else { x });
        return a.matmul(b);
    }
    Tensor::from_dispatch(<Dispatch as LearningOps>::products(a.into_dispatch(), b.into_dispatch(), turned))
}

/// The softmax along the last axis.
pub fn softmax<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if !takes(&x) {
        return burn::tensor::activation::softmax(x, D - 1);
    }
    Tensor::from_dispatch(<Dispatch as LearningOps>::softmax_rows(x.into_dispatch()))
}

/// The shape of a factor as it is multiplied.
fn sides([count, a, b]: [usize; 3], turned: bool) -> [usize; 3] {
    if turned { [count, b, a] } else { [count, a, b] }
}

fn product_shape(a: &Shape, b: &Shape, turned: [bool; 2]) -> Shape {
    let [count, rows, _] = sides([a[0], a[1], a[2]], turned[0]);
    let [_, _, columns] = sides([b[0], b[1], b[2]], turned[1]);
    Shape::new([count, rows, columns])
}

#[backend_extension(Cube, Autodiff, Fusion)]
pub(super) trait LearningOps: Backend {
    /// Sums along the middle one of three axes with these lengths.
    #[fusion(dtype = x, shape = Shape::new([sizes[0], 1, sizes[2]]))]
    fn sum_axis(x: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self>;

    /// Repeats numbers along the middle one of three axes with these lengths.
    #[fusion(dtype = x, shape = Shape::new(*sizes))]
    fn expand_axis(x: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self>;

    /// Multiplies matrices `[Z, M, K]` and `[Z, K, N]`, or turned ones.
    #[fusion(dtype = a, shape = product_shape(a, b, *turned))]
    fn products(a: FloatTensor<Self>, b: FloatTensor<Self>, turned: [bool; 2]) -> FloatTensor<Self>;

    /// Computes the softmax along the last axis.
    #[fusion(dtype = x, shape = x)]
    fn softmax_rows(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl LearningOps for CubeBackend {
    fn sum_axis(x: FloatTensor<Self>, [before, length, behind]: [usize; 3]) -> FloatTensor<Self> {
        let (mut x, mut length) = (x, length);
        loop {
            let parts = length.div_ceil(SUMMED);
            let shape = Shape::new([before, parts, behind]);
            let numbers = vec![as_u32([before, length, behind, parts])];
            x = Operation::for_each(shape.num_elements(), sum_shader(), shape, DType::F32, numbers).launch(vec![x]);
            length = parts;
            if parts == 1 {
                return x;
            }
        }
    }

    fn expand_axis(x: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self> {
        repeat::<Self>(x, sizes)
    }

    fn products(a: FloatTensor<Self>, b: FloatTensor<Self>, turned: [bool; 2]) -> FloatTensor<Self> {
        let (from, shape) = (a.shape(), product_shape(&a.shape(), &b.shape(), turned));
        let [count, rows, columns] = [shape[0], shape[1], shape[2]];
        let depth = from[if turned[0] { 1 } else { 2 }];
        let tiles = rows.div_ceil(SIDE) * columns.div_ceil(SIDE) * count;
        let parts = (WORKGROUPS / tiles).clamp(1, depth.div_ceil(LEAST_DEPTH));
        let of_part = depth.div_ceil(parts);
        let parts = depth.div_ceil(of_part);
        let strides_a = if turned[0] { [1, rows] } else { [depth, 1] };
        let strides_b = if turned[1] { [1, depth] } else { [columns, 1] };
        let sizes = [as_u32([count, rows, columns, depth, of_part]), as_u32(strides_a), as_u32(strides_b)].concat();
        let workgroups = [columns.div_ceil(SIDE), rows.div_ceil(SIDE), count * parts].map(|count| count as u32);
        let operation = Operation {
            shader: product_shader(),
            threads: THREADS,
            workgroups,
            shape: Shape::new([parts, count, rows * columns]),
            dtype: DType::F32,
            numbers: vec![sizes],
        };
        let in_parts = operation.launch(vec![a, b]);
        let summed = if parts == 1 { in_parts } else { Self::sum_axis(in_parts, [1, parts, shape.num_elements()]) };
        Self::float_reshape(summed, shape)
    }

    fn softmax_rows(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = x.shape();
        let length = shape[shape.num_dims() - 1];
        let rows = shape.num_elements() / length;
        let [across, down] = workgroups(rows);
        let operation = Operation {
            shader: softmax_shader(),
            threads: SOFTMAX_THREADS,
            workgroups: [across, down, 1],
            shape,
            dtype: DType::F32,
            numbers: vec![as_u32([rows, length])],
        };
        operation.launch(vec![x])
    }
}

/// The way back of an operation on one tensor.
#[derive(Clone, Copy, Debug)]
enum Single {
    Sum([usize; 3]),
    Expand([usize; 3]),
    Softmax,
}

impl<B: LearningOps> Backward<B, 1> for Single {
    /// The operation's shape of what it took, and the softmax that it returned.
    type State = (Shape, Option<FloatTensor<B>>);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let ([Some(node)], (shape, softmax)) = (ops.parents, ops.state) else { return };
        let back = match (self, softmax) {
            (Self::Sum(sizes), _) => B::float_reshape(repeat::<B>(gradient, sizes), shape),
            (Self::Expand(sizes), _) => B::float_reshape(B::sum_axis(gradient, sizes), shape),
            (Self::Softmax, Some(softmax)) => {
                // y (dy - sum of y dy)
                let length = shape[shape.num_dims() - 1];
                let rows = shape.num_elements() / length;
                let weighted = B::float_mul(softmax.clone(), gradient.clone());
                let sums = repeat::<B>(B::sum_axis(weighted, [rows, length, 1]), [rows, length, 1]);
                B::float_mul(softmax, B::float_sub(gradient, B::float_reshape(sums, shape)))
            }
            (Self::Softmax, None) => return,
        };
        gradients.register::<B>(node.id, back);
    }
}

/// Repeats numbers along the middle one of three axes, by operations of burn, which can join them with others.
fn repeat<B: Backend>(x: FloatTensor<B>, sizes: [usize; 3]) -> FloatTensor<B> {
    B::float_expand(B::float_reshape(x, Shape::new([sizes[0], 1, sizes[2]])), Shape::new(sizes))
}

#[derive(Debug)]
struct ProductsBackward {
    turned: [bool; 2],
}

impl<B: LearningOps> Backward<B, 2> for ProductsBackward {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [node_a, node_b] = ops.parents;
        let gradient = gradients.consume::<B>(&ops.node);
        let (a, b) = ops.state;
        let [turned_a, turned_b] = self.turned;
        // For C = A B: dA = dC B^T and dB = A^T dC.
        if let Some(node) = node_a {
            let (b, gradient) = (b, gradient.clone());
            let back = match turned_a {
                false => B::products(gradient, b, [false, !turned_b]),
                true => B::products(b, gradient, [turned_b, true]),
            };
            gradients.register::<B>(node.id, back);
        }
        if let Some(node) = node_b {
            let back = match turned_b {
                false => B::products(a, gradient, [!turned_a, false]),
                true => B::products(gradient, a, [true, turned_a]),
            };
            gradients.register::<B>(node.id, back);
        }
    }
}

impl<B: LearningOps, C: CheckpointStrategy> LearningOps for Autodiff<B, C> {
    fn sum_axis(x: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self> {
        let shape = x.shape();
        match Single::Sum(sizes).prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let sum = B::sum_axis(x.into_primitive(), sizes);
                prepared.finish((shape, None), sum)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::sum_axis(x.into_primitive(), sizes)),
        }
    }

    fn expand_axis(x: FloatTensor<Self>, sizes: [usize; 3]) -> FloatTensor<Self> {
        let shape = x.shape();
        match Single::Expand(sizes).prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let longer = repeat::<B>(x.into_primitive(), sizes);
                prepared.finish((shape, None), longer)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(repeat::<B>(x.into_primitive(), sizes)),
        }
    }

    fn products(a: FloatTensor<Self>, b: FloatTensor<Self>, turned: [bool; 2]) -> FloatTensor<Self> {
        match (ProductsBackward { turned }).prepare::<C>([a.node(), b.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (a, b) = (a.into_primitive(), b.into_primitive());
                let result = B::products(a.clone(), b.clone(), turned);
                prepared.finish((a, b), result)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::products(a.into_primitive(), b.into_primitive(), turned))
            }
        }
    }

    fn softmax_rows(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = x.shape();
        match Single::Softmax.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let result = B::softmax_rows(x.into_primitive());
                prepared.finish((shape, Some(result.clone())), result)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::softmax_rows(x.into_primitive())),
        }
    }
}
