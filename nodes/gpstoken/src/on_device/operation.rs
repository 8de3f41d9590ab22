//! A shader as an operation of burn that turns tensors into one tensor.

use super::shader::{MOST_WORKGROUPS, Shader, launch, upload, workgroups};
use burn::{
    backend::{Backend, Dispatch, DispatchTensor, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype};

/// A launch without its tensors. The shader's bindings are the tensors, the result, and the numbers.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) shader: Shader,
    /// Invocations of a workgroup.
    pub(super) threads: u32,
    /// Workgroups along x, y and z.
    pub(super) workgroups: [u32; 3],
    /// Shape and type of the result.
    pub(super) shape: Shape,
    pub(super) dtype: DType,
    /// A buffer for each list: tables, then the sizes.
    pub(super) numbers: Vec<Vec<u32>>,
}

/// Invocations of a workgroup of [`Operation::for_each`].
const THREADS: usize = 256;

impl Operation {
    /// A launch with an invocation for each of `count` numbers.
    pub(super) fn for_each(count: usize, shader: Shader, shape: Shape, dtype: DType, numbers: Vec<Vec<u32>>) -> Self {
        let [x, y] = workgroups(count.div_ceil(THREADS));
        Self { shader, threads: THREADS as u32, workgroups: [x, y, 1], shape, dtype, numbers }
    }

    /// Queues the launch for one to six tensors. Returns `None` if there is nothing to compute, or if a tensor or a number of workgroups
    /// is too large for a shader. The result has no gradients.
    pub(super) fn run<const D: usize>(self, tensors: Vec<DispatchTensor>) -> Option<Tensor<D>> {
        if !fits(tensors.iter().map(TensorMetadata::shape).chain([self.shape.clone()]), self.workgroups) {
            return None;
        }
        let count = tensors.len();
        let mut tensors = tensors.into_iter();
        let a = tensors.next()?;
        let mut next = || tensors.next().unwrap_or_else(|| a.clone());
        let (b, c, d, e, f) = (next(), next(), next(), next(), next());
        Some(Tensor::from_dispatch(<Dispatch as Operations>::launch_shader(a, b, c, d, e, f, count, self)))
    }

    /// [`run`](Self::run) for one to six tensors that the launch takes, as a part of another operation.
    pub(super) fn launch(self, tensors: Vec<FloatTensor<CubeBackend>>) -> FloatTensor<CubeBackend> {
        let (client, device) = (tensors[0].client.clone(), tensors[0].device.clone());
        let Operation { shader, threads, workgroups, shape, dtype, numbers } = self;
        let mut buffers: Vec<_> = tensors.into_iter().map(|tensor| into_contiguous(tensor).handle).collect();
        let result = empty_device_contiguous_dtype(client.clone(), device, shape, dtype);
        buffers.push(result.handle.clone());
        buffers.extend(numbers.into_iter().map(|numbers| upload(&client, numbers)));
        launch(&client, shader, threads, workgroups, &buffers);
        result
    }

    /// Queues a launch that writes a part of `target`, from one tensor. Returns the target as it is where [`run`](Self::run) returns
    /// `None`.
    pub(super) fn write<const D: usize>(
        self,
        target: Tensor<D>,
        tensor: DispatchTensor,
    ) -> Result<Tensor<D>, Tensor<D>> {
        if !fits([tensor.shape(), target.shape()], self.workgroups) {
            return Err(target);
        }
        Ok(Tensor::from_dispatch(<Dispatch as Operations>::write_by_shader(target.into_dispatch(), tensor, self)))
    }
}

/// Whether shaders can index the tensors, none of which is empty, and WebGPU allows the numbers of workgroups.
fn fits(shapes: impl IntoIterator<Item = Shape>, workgroups: [u32; 3]) -> bool {
    shapes.into_iter().all(|shape| (1..=i32::MAX as usize).contains(&shape.num_elements()))
        && workgroups.iter().all(|count| (1..=MOST_WORKGROUPS).contains(&(*count as usize)))
}

#[backend_extension(Cube, Fusion)]
trait Operations: Backend {
    /// Reads the first `count` tensors. A method of this trait has a fixed number of tensors, so the others are repetitions.
    #[allow(
        clippy::too_many_arguments,
        reason = "burn's macro takes no list of tensors, and copies this to where it is not needed"
    )]
    #[fusion(dtype = operation.dtype, shape = operation.shape.clone())]
    fn launch_shader(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        count: usize,
        operation: Operation,
    ) -> FloatTensor<Self>;

    /// Writes into the memory of `target` if nothing else reads it, else into a copy.
    #[fusion(dtype = target, shape = target)]
    fn write_by_shader(target: FloatTensor<Self>, source: FloatTensor<Self>, operation: Operation)
    -> FloatTensor<Self>;
}

impl Operations for CubeBackend {
    fn launch_shader(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        count: usize,
        operation: Operation,
    ) -> FloatTensor<Self> {
        operation.launch([a, b, c, d, e, f].into_iter().take(count).collect())
    }

    fn write_by_shader(
        target: FloatTensor<Self>,
        source: FloatTensor<Self>,
        operation: Operation,
    ) -> FloatTensor<Self> {
        let Operation { shader, threads, workgroups, numbers, .. } = operation;
        let target = into_contiguous(target);
        let target = if target.can_mut() { target } else { target.copy() };
        let client = target.client.clone();
        let mut buffers = vec![into_contiguous(source).handle, target.handle.clone()];
        buffers.extend(numbers.into_iter().map(|numbers| upload(&client, numbers)));
        launch(&client, shader, threads, workgroups, &buffers);
        target
    }
}
