//! RoIAlign on a device, the twin of `tokenizer::roi_align`.

use super::{learning_shader::products, roi_align_shader};
use crate::tokenizer::roi_align::{Bin, axis};
use burn::tensor::{FloatDType, Tensor, TensorData};

/// Samples a map `[C, H, W]` in boxes: `[N, C, bins * bins]`.
pub fn roi_align(map: Tensor<3>, boxes: &[[f32; 4]], bins: usize) -> Tensor<3> {
    roi_align_shader::sample(&map, boxes, bins).unwrap_or_else(|| roi_align_dense(map, boxes, bins))
}

/// RoIAlign as a product along each axis, with matrices of the bins' weights. Makes the matrices from the boxes.
pub fn roi_align_dense(map: Tensor<3>, boxes: &[[f32; 4]], bins: usize) -> Tensor<3> {
    /// Number of boxes that are sampled at once. The intermediate result contains the rows of all of them.
    const AT_ONCE: usize = 32;
    let device = map.device();
    let precision = FloatDType::from(map.dtype());
    let [channels, height, width] = map.dims();
    let matrix = |bins_of: &dyn Fn(&[f32; 4]) -> Vec<Bin>, boxes: &[[f32; 4]], side: usize| {
        let mut weights = vec![0.0; boxes.len() * bins * side];
        for (row, bin) in weights.chunks_exact_mut(side).zip(boxes.iter().flat_map(bins_of)) {
            row[bin.first..bin.first + bin.weights.len()].copy_from_slice(&bin.weights);
        }
        Tensor::<2>::from_data(TensorData::new(weights, [boxes.len() * bins, side]), &device).cast(precision)
    };
    let rows: Tensor<3> = map.reshape([1, channels * height, width]);
    let sample = |boxes: &[[f32; 4]]| -> Tensor<3> {
        let count = boxes.len();
        let across = matrix(&|&[x0, _, x1, _]| axis(x0, x1, width, bins), boxes, width); // [n bins, W]
        let down = matrix(&|&[_, y0, _, y1]| axis(y0, y1, height, bins), boxes, height); // [n bins, H]
        let reduced = products(rows.clone(), across.unsqueeze(), [false, true]);
        let reduced: Tensor<4> = reduced.reshape([channels, height, count, bins]);
        let reduced: Tensor<3> = reduced.permute([2, 1, 0, 3]).reshape([count, height, channels * bins]);
        let sampled = products(down.reshape([count, bins, height]), reduced, [false, false]);
        let sampled: Tensor<4> = sampled.reshape([count, bins, channels, bins]);
        sampled.swap_dims(1, 2).reshape([count, channels, bins * bins])
    };
    Tensor::cat(boxes.chunks(AT_ONCE).map(sample).collect(), 0)
}
