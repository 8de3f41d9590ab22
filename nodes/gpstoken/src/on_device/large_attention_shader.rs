//! Attention between many places of a map on graphics cards, with all weights of some queries in memory at a time: `shaders/products.wgsl`
//! and `softmax.wgsl`.
//!
//! `attention.wgsl` keeps the weights out of memory, so its invocations load two numbers for each that they multiply by them. Between 4,096 places
//! of 128 channels it takes 5.4 s of a core on lavapipe, and this form 2.1 s.

use super::{
    layers::{cast, transpose},
    products_shader::{FOUR, Products},
    shader::{MOST_BYTES, MOST_WORKGROUPS, Shader, as_u32, launch, runs_on, upload},
};
use burn::{
    backend::{Backend, Dispatch, TensorMetadata, backend_extension, tensor::FloatTensor},
    tensor::{DType, FloatDType, Shape, Tensor},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype};

/// Number of invocations in a workgroup of the softmax, and the fours of queries that it computes.
const THREADS: u32 = 256;
const FOURS: usize = 8;
/// The fewest places. A workgroup of the products computes 128 queries of 128 keys, and fewer would not fill a card.
const FEWEST_PLACES: usize = 1024;

/// `softmax.wgsl`.
pub fn softmax_shader() -> Shader {
    let text = include_str!("../../../../shaders/softmax.wgsl");
    Shader { name: "softmax", text, half: false, values: Vec::new() }
}

/// `softmax(q k^T / sqrt(C)) v` between the places of maps `[B, C, places]`. Returns `None` if the shaders do not take the tensors, or if there
/// are few places. The result has no gradients.
pub fn attend(query: &Tensor<3>, key: &Tensor<3>, value: &Tensor<3>) -> Option<Tensor<3>> {
    let [_, _, places] = query.dims();
    if places < FEWEST_PLACES {
        return None;
    }
    attend_in_bands(query, key, value, usize::MAX)
}

/// Computes attention, between many places or few, for at most `band` fours of queries at a time, and no more than fit into a buffer. The
/// numbers of channels and of places are multiples of 4. Numbers between the shaders are in f32 for any precision of the maps.
pub fn attend_in_bands(query: &Tensor<3>, key: &Tensor<3>, value: &Tensor<3>, band: usize) -> Option<Tensor<3>> {
    let [batch, channels, places] = query.dims();
    let maps = [query, key, value];
    let numbers = batch * channels * places;
    let fits = (1..=i32::MAX as usize).contains(&numbers) && places / FOUR <= MOST_WORKGROUPS;
    let taken = channels.is_multiple_of(FOUR) && places.is_multiple_of(FOUR);
    if !runs_on(query.device().as_dispatch(), &maps.map(Tensor::dtype)) || !fits || !taken {
        return None;
    }
    // The weights of four queries fit, because there are fewer than 2^18 keys.
    let band = band.min(MOST_BYTES / size_of::<f32>() / FOUR / places);
    if band == 0 {
        return None;
    }
    let [query, key, value] = maps.map(|map| cast(map.clone(), FloatDType::F32));
    let [query, key, value] = [query, key, transpose(value)].map(Tensor::into_dispatch);
    let attended = Tensor::from_dispatch(<Dispatch as LargeAttentionOps>::attend(query, key, value, band));
    Some(cast(attended, FloatDType::from(maps[0].dtype())))
}

#[backend_extension(Cube, Fusion)]
trait LargeAttentionOps: Backend {
    /// Attends between places. `query` and `key` are `[B, C, places]`, `values` are `[B, places, C]`.
    #[fusion(dtype = query, shape = query)]
    fn attend(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        values: FloatTensor<Self>,
        band: usize,
    ) -> FloatTensor<Self>;
}

impl LargeAttentionOps for CubeBackend {
    fn attend(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        values: FloatTensor<Self>,
        band: usize,
    ) -> FloatTensor<Self> {
        let [query, key, values] = [query, key, values].map(into_contiguous);
        let shape = query.shape();
        let [batch, channels, places] = [shape[0], shape[1], shape[2]];
        let client = query.client.clone();
        let empty = |shape| empty_device_contiguous_dtype(client.clone(), query.device.clone(), shape, DType::F32);
        let result = empty(shape);
        let fours = places / FOUR;
        let band = band.min(fours);
        let weights = empty(Shape::new([places, FOUR * band])).handle; // [keys, 4 F]
        for picture in 0..batch {
            let map = picture * channels * fours;
            for first in (0..fours).step_by(band) {
                let count = band.min(fours - first);
                let scores = Products {
                    count: 1,
                    depth: channels,
                    rows: fours,
                    columns: count,
                    strides: [fours, fours, count],
                    first: [map, map + first, 0],
                };
                scores.launch(&client, [&key.handle, &query.handle, &weights]);

                let sizes = upload(&client, as_u32([places, count, channels]));
                let workgroups = [count.div_ceil(FOURS) as u32, 1, 1];
                launch(&client, softmax_shader(), THREADS, workgroups, [&weights, &sizes]);

                let sums = Products {
                    count: 1,
                    depth: places,
                    rows: channels / FOUR,
                    columns: count,
                    strides: [channels / FOUR, count, fours],
                    first: [map, 0, map + first],
                };
                sums.launch(&client, [&values.handle, &weights, &result.handle]);
            }
        }
        result
    }
}
