//! Copies of parts of tensors on graphics cards: `shaders/arrange.wgsl` and `add_window.wgsl`.

use super::{
    operation::Operation,
    shader::{Shader, as_u32, runs_wgsl},
};
use burn::tensor::{DType, FloatDType, Shape, Tensor};

/// `arrange.wgsl` from numbers to numbers that may be in half precision.
pub fn shader(from_half: bool, to_half: bool) -> Shader {
    let text = include_str!("../../../../shaders/arrange.wgsl");
    let bits = |half| if half { 16 } else { 32 };
    let values = vec![("from", bits(from_half)), ("to", bits(to_half))];
    Shader { name: "arrange", text, half: from_half || to_half, values }
}

/// `add_window.wgsl`.
pub fn window_shader() -> Shader {
    let text = include_str!("../../../../shaders/add_window.wgsl");
    Shader { name: "add_window", text, half: false, values: Vec::new() }
}

/// A box of numbers in two tensors.
#[derive(Clone, Copy, Debug)]
pub struct Arrangement {
    /// The box's lengths.
    pub lengths: [usize; 6],
    /// The strides of the source and of the result along the box's axes.
    pub strides: [[usize; 6]; 2],
    /// The first number in the source and in the result.
    pub first: [usize; 2],
}

impl Arrangement {
    /// All `count` numbers of a source side by side, from the number `first` of the result on.
    pub fn side_by_side(count: usize, first: usize) -> Self {
        Self { lengths: [1, 1, 1, 1, 1, count], strides: [[0, 0, 0, 0, 0, 1]; 2], first: [0, first] }
    }

    fn numbers(&self) -> Vec<Vec<u32>> {
        let Self { lengths, strides: [here, there], first } = *self;
        vec![[as_u32(lengths), as_u32(here), as_u32(there), as_u32(first)].concat()]
    }

    fn operation(&self, shape: Shape, from: DType, to: DType) -> Operation {
        let shader = shader(from == DType::F16, to == DType::F16);
        Operation::for_each(self.lengths.iter().product(), shader, shape, to, self.numbers())
    }
}

/// Whether the shader copies between tensors of these types on the tensor's device.
fn copies<const D: usize>(source: &Tensor<D>, to: DType) -> bool {
    let floats = [source.dtype(), to].iter().all(|dtype| [DType::F32, DType::F16].contains(dtype));
    floats && runs_wgsl(source.device().as_dispatch())
}

/// A new tensor of a shape and type, whose numbers all come from `source`. Returns `None` if the shader does not take the tensors. The
/// result has no gradients.
pub fn arrange<const D: usize, const E: usize>(
    source: &Tensor<D>,
    shape: [usize; E],
    to: FloatDType,
    arrangement: &Arrangement,
) -> Option<Tensor<E>> {
    let to = DType::from(to);
    if !copies(source, to) {
        return None;
    }
    arrangement.operation(Shape::new(shape), source.dtype(), to).run(vec![source.clone().into_dispatch()])
}

/// Writes numbers of `source` into a part of `target`. The result has no gradients.
///
/// # Errors
/// The shader does not take the tensors; this is the target as it was.
pub fn write<const D: usize, const E: usize>(
    target: Tensor<E>,
    source: &Tensor<D>,
    arrangement: &Arrangement,
) -> Result<Tensor<E>, Tensor<E>> {
    if !copies(source, target.dtype()) {
        return Err(target);
    }
    let operation = arrangement.operation(target.shape(), source.dtype(), target.dtype());
    operation.write(target, source.clone().into_dispatch())
}

/// Where [`add_window`] adds a window to pictures.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The number of the picture.
    pub picture: usize,
    /// The window's left column and top row in the picture.
    pub corner: [usize; 2],
    /// A weight for each column and for each row of the window.
    pub weights: [&'a [f32]; 2],
    /// Whether the window replaces what is there.
    pub replaces: bool,
}

/// Adds a window `[1, 3, h, w]` with values -1..1 to `pictures` `[B, H, W, 3]` with values 0..1, multiplied by its weights. The window may
/// reach beyond the picture. The result has no gradients.
///
/// # Errors
/// The shader does not take the tensors; this is the pictures as they were.
pub fn add_window(pictures: Tensor<4>, window: &Tensor<4>, place: &Place<'_>) -> Result<Tensor<4>, Tensor<4>> {
    let ([_, _, h, w], [_, height, width, _]) = (window.dims(), pictures.dims());
    if window.dtype() != DType::F32 || pictures.dtype() != DType::F32 || !runs_wgsl(window.device().as_dispatch()) {
        return Err(pictures);
    }
    let [left, top] = place.corner;
    let weights = place.weights.concat().into_iter().map(f32::to_bits).collect();
    let numbers = vec![weights, as_u32([h, w, height, width, place.picture, top, left, usize::from(place.replaces)])];
    let operation = Operation::for_each(3 * h * w, window_shader(), pictures.shape(), DType::F32, numbers);
    operation.write(pictures, window.clone().into_dispatch())
}
