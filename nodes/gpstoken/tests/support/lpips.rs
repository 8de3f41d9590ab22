//! Small LPIPS networks, and pictures for them.

use super::Numbers;
use splatgraph_pack_gpstoken::lpips::Backbone;
use splatgraph_sdk::{DType, Image, Input, Output, Record, Tensor, Value};

/// A file with a network of very few channels.
pub(crate) fn tiny_network(backbone: Backbone) -> tempfile::NamedTempFile {
    let mut numbers = Numbers::new(11);
    let layers: &[(usize, usize)] = match backbone {
        Backbone::Alex => &[(0, 11), (3, 5), (6, 3), (8, 3), (10, 3)],
        Backbone::Vgg => &[0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28].map(|layer| (layer, 3)),
    };
    let last_of_stage: &[usize] = match backbone {
        Backbone::Alex => &[0, 3, 6, 8, 10],
        Backbone::Vgg => &[2, 7, 14, 21, 28],
    };
    let mut fields = Vec::new();
    let mut input = 3;
    for (i, &(layer, side)) in layers.iter().enumerate() {
        let output = 9 + i; // more than eight outputs take Winograd's way
        let size = (6.0 / (input * side * side) as f32).sqrt();
        let weight = (0..output * input * side * side).map(|_| numbers.between(-size, size)).collect();
        let bias = (0..output).map(|_| numbers.between(-0.1, 0.1)).collect();
        fields
            .push((format!("features.{layer}.weight"), Tensor::from_vec([output, input, side, side], weight).unwrap()));
        fields.push((format!("features.{layer}.bias"), Tensor::from_vec([output], bias).unwrap()));
        if let Some(stage) = last_of_stage.iter().position(|last| *last == layer) {
            let head = (0..output).map(|_| numbers.between(0.0, 0.2)).collect();
            fields.push((format!("lin{stage}.weight"), Tensor::from_vec([1, output, 1, 1], head).unwrap()));
        }
        input = output;
    }
    let file = tempfile::Builder::new().suffix(".safetensors").tempfile().unwrap();
    Record { fields, ..Record::default() }.save(file.path(), DType::F32).unwrap();
    file
}

pub(crate) fn picture(batch: usize, height: usize, width: usize, value: impl Fn(usize) -> f32) -> Value {
    let values = (0..batch * height * width * 3).map(value).collect();
    Image::new(Tensor::from_vec([batch, height, width, 3], values).unwrap()).unwrap().into_value().unwrap()
}

/// A pseudorandom picture for a seed.
pub(crate) fn noise(batch: usize, height: usize, width: usize, seed: usize) -> Value {
    let mut numbers = Numbers::new(seed as u64);
    let values: Vec<f32> = (0..batch * height * width * 3).map(|_| numbers.between(0.0, 1.0)).collect();
    picture(batch, height, width, |i| values[i])
}

pub(crate) struct Measured {
    pub(crate) lpips: f64,
    pub(crate) each: Vec<f64>,
    pub(crate) map: Image,
}

pub(crate) fn measured(outputs: &[Value]) -> Measured {
    let each = outputs[1].to_json().unwrap();
    Measured {
        lpips: outputs[0].as_float().unwrap(),
        each: each.as_array().unwrap().iter().map(|row| row["lpips"].as_f64().unwrap()).collect(),
        map: Image::from_value(&outputs[2]).unwrap(),
    }
}
