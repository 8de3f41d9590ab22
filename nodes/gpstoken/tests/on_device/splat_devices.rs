//! Tests of the splat and its gradients on every device, against a plain sum in f64, finite differences of the sum, and each other.

use super::{Golden, Numbers, assert_near, devices, largest, processor};
use burn::{
    prelude::Device,
    tensor::{Tensor, TensorData},
};
use splatgraph_pack_gpstoken::on_device::splat_tensor;

/// Tokens of a batch, and the map's size.
struct Case {
    batch: usize,
    gaussians: Vec<f32>,
    textures: Vec<f32>,
    channels: usize,
    size: [usize; 2],
    support: f32,
}

impl Case {
    fn count(&self) -> usize {
        self.gaussians.len() / 5 / self.batch
    }

    fn tensors(&self, device: &Device) -> (Tensor<3>, Tensor<3>) {
        let tensor = |values: &[f32], width| {
            Tensor::from_data(TensorData::new(values.to_vec(), [self.batch, self.count(), width]), device)
        };
        (tensor(&self.gaussians, 5), tensor(&self.textures, self.channels))
    }

    fn splat(&self, device: &Device) -> Vec<f32> {
        let (gaussians, textures) = self.tensors(device);
        splat_tensor(gaussians, textures, self.size, self.support).into_data().try_into_vec().unwrap()
    }

    /// The gradients of `sum(splat * weight)` by gaussians and textures.
    fn gradients(&self, device: &Device, weight: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let device = device.clone().autodiff();
        let (gaussians, textures) = self.tensors(&device);
        let (gaussians, textures) = (gaussians.require_grad(), textures.require_grad());
        let map = splat_tensor(gaussians.clone(), textures.clone(), self.size, self.support);
        let weight = Tensor::<4>::from_data(TensorData::new(weight.to_vec(), map.dims()), &device);
        let gradients = (map * weight).sum().backward();
        let of = |tensor: Tensor<3>| tensor.grad(&gradients).unwrap().into_data().try_into_vec().unwrap();
        (of(gaussians), of(textures))
    }

    /// The map in f64. The borders of boxes are computed in f32 from the unchanged gaussians, as in all forms of the splat.
    fn exact(&self, gaussians: &[f64], textures: &[f64]) -> Vec<f64> {
        let [width, height] = self.size;
        let place = |i: usize, size: usize| if size == 1 { 0.0 } else { 2.0 * i as f64 / (size - 1) as f64 - 1.0 };
        let mut map = vec![0.0; self.batch * self.channels * height * width];
        for token in 0..self.batch * self.count() {
            let cut: [f32; 5] = std::array::from_fn(|i| self.gaussians[token * 5 + i]);
            let [sigma_x, sigma_y, rho, x, y] = std::array::from_fn(|i| gaussians[token * 5 + i]);
            for (row, v) in (0..height).map(|i| (i, place(i, height))) {
                for (column, u) in (0..width).map(|i| (i, place(i, width))) {
                    let outside =
                        |place: f64, centre: f32, sigma: f32| (place as f32 - centre).abs() > self.support * sigma;
                    if outside(u, cut[3], cut[0]) || outside(v, cut[4], cut[1]) {
                        continue;
                    }
                    let (dx, dy) = ((u - x) / sigma_x, (v - y) / sigma_y);
                    let weight = (-(dx * dx - 2.0 * rho * dx * dy + dy * dy) / (2.0 * (1.0 - rho * rho))).exp();
                    for c in 0..self.channels {
                        let at = ((token / self.count() * self.channels + c) * height + row) * width + column;
                        map[at] += weight * textures[token * self.channels + c];
                    }
                }
            }
        }
        map
    }

    fn in_f64(&self) -> (Vec<f64>, Vec<f64>) {
        let wide = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect();
        (wide(&self.gaussians), wide(&self.textures))
    }
}

fn random_case(seed: u64, [batch, count, channels]: [usize; 3], size: [usize; 2]) -> Case {
    let mut numbers = Numbers::new(seed);
    let mut gaussian = |_| {
        let mut between = |low, high| numbers.between(low, high);
        [between(0.02, 0.3), between(0.02, 0.3), between(-0.95, 0.95), between(-1.2, 1.2), between(-1.2, 1.2)]
    };
    let gaussians = (0..batch * count).flat_map(&mut gaussian).collect();
    let textures = (0..batch * count * channels).map(|_| numbers.between(-1.0, 1.0)).collect();
    Case { batch, gaussians, textures, channels, size, support: 3.0 }
}

#[test]
fn every_device_agrees_with_a_sum_in_f64() {
    let shapes = [
        ([1, 128, 16], [64, 64]),
        ([2, 300, 16], [70, 33]),
        ([1, 40, 1], [9, 8]),
        ([1, 40, 17], [16, 31]),
        ([1, 40, 32], [24, 24]),
        ([2, 20, 33], [17, 12]),
        ([1, 20, 64], [12, 17]),
        ([1, 20, 70], [12, 12]),
        ([1, 10, 3], [1, 20]),
        ([1, 10, 3], [20, 1]),
        ([1, 10, 3], [1, 1]),
        ([1, 1, 2], [8, 8]),
    ];
    for (seed, (shape, size)) in shapes.into_iter().enumerate() {
        let case = random_case(seed as u64 + 1, shape, size);
        let (gaussians, textures) = case.in_f64();
        let exact: Vec<f32> = case.exact(&gaussians, &textures).into_iter().map(|v| v as f32).collect();
        for (name, device) in devices() {
            let map = case.splat(&device);
            assert_near(&format!("{name} {shape:?} on {size:?}"), &map, &exact, largest(&exact).max(1.0) * 2e-5);
            assert_eq!(map, case.splat(&device), "{name} gives other bits the second time");
        }
    }
}

#[test]
fn no_tokens_give_an_empty_map() {
    let case = Case { batch: 1, gaussians: vec![], textures: vec![], channels: 3, size: [5, 4], support: 3.0 };
    for (name, device) in devices() {
        assert_eq!(case.splat(&device), [0.0; 3 * 5 * 4], "{name}");
    }
}

/// The difference of two gradients: by norm, by direction, and on average.
#[track_caller]
fn assert_gradient(what: &str, actual: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    let dot = |a: &mut dyn Iterator<Item = (f64, f64)>| a.map(|(a, b)| a * b).sum::<f64>();
    let wide = || actual.iter().map(|v| f64::from(*v));
    let norm = dot(&mut expected.iter().map(|v| (*v, *v))).sqrt();
    let error = dot(&mut wide().zip(expected).map(|(a, e)| (a - e, a - e))).sqrt() / norm;
    let cosine = dot(&mut wide().zip(expected.iter().copied())) / (norm * dot(&mut wide().map(|v| (v, v))).sqrt());
    let size = expected.iter().map(|v| v.abs()).sum::<f64>();
    let bias = wide().zip(expected).map(|(a, e)| a - e).sum::<f64>().abs() / size;
    println!("{what}: error {error:.1e}, cosine 1 - {:.1e}, bias {bias:.1e}", 1.0 - cosine);
    assert!(
        error <= tolerance && 1.0 - cosine <= tolerance && bias <= tolerance,
        "{what}: {error:e}, {cosine}, {bias:e}"
    );
}

#[test]
fn gradients_agree_with_finite_differences() {
    for (seed, shape, size) in [(5, [2, 12, 3], [24, 20]), (6, [1, 9, 16], [16, 16]), (7, [1, 5, 1], [9, 40])] {
        let mut case = random_case(seed, shape, size);
        // The gaussians are wide enough that the average over pixels is smooth.
        case.gaussians.chunks_exact_mut(5).for_each(|g| g[2] *= 0.8);
        let mut numbers = Numbers::new(99);
        let weight: Vec<f32> =
            (0..shape[0] * shape[2] * size[0] * size[1]).map(|_| numbers.between(-1.0, 1.0)).collect();
        let (gaussians, textures) = case.in_f64();
        let loss = |gaussians: &[f64], textures: &[f64]| {
            case.exact(gaussians, textures).iter().zip(&weight).map(|(m, w)| m * f64::from(*w)).sum::<f64>()
        };
        let step = 1e-5;
        let central = |i: usize, of_textures: bool| {
            let at = |by: f64| {
                let (mut gaussians, mut textures) = (gaussians.clone(), textures.clone());
                if of_textures {
                    textures[i] += by
                } else {
                    gaussians[i] += by
                }
                loss(&gaussians, &textures)
            };
            (at(step) - at(-step)) / (2.0 * step)
        };
        let of_gaussians: Vec<f64> = (0..gaussians.len()).map(|i| central(i, false)).collect();
        let of_textures: Vec<f64> = (0..textures.len()).map(|i| central(i, true)).collect();
        for (name, device) in devices() {
            let (g, t) = case.gradients(&device, &weight);
            assert_gradient(&format!("{name} gaussians {shape:?}"), &g, &of_gaussians, 2e-5);
            assert_gradient(&format!("{name} textures {shape:?}"), &t, &of_textures, 2e-5);
        }
    }
}

#[test]
fn hostile_tokens_corrupt_nothing_and_every_device_agrees() {
    let mut numbers = Numbers::new(2026);
    let odd = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-45,
        1e-38,
        f32::MIN_POSITIVE,
        1e-20,
        1e-7,
        0.999_999_9,
        -0.999_999_9,
        1e30,
        -1e30,
        f32::MAX,
        f32::MIN,
        3.0,
        -0.3,
    ];
    for round in 0..20 {
        let mut case = random_case(round + 50, [2, 60, 8], [40, 25]);
        for value in &mut case.gaussians {
            if numbers.between(0.0, 1.0) < 0.25 {
                *value = odd[(numbers.between(0.0, odd.len() as f32) as usize).min(odd.len() - 1)];
            }
        }
        let expected = case.splat(&processor());
        assert!(expected.iter().all(|v| v.is_finite()), "round {round}");
        let weight = vec![1.0; expected.len()];
        let (of_gaussians, of_textures) = case.gradients(&processor(), &weight);
        for (name, device) in devices().into_iter().filter(|(name, _)| name.starts_with("gpu")) {
            assert_near(&format!("{name}, round {round}"), &case.splat(&device), &expected, 1e-4);
            let (g, t) = case.gradients(&device, &weight);
            assert_near(&format!("{name} textures, round {round}"), &t, &of_textures, 1e-3);
            // A tiny sigma has gradients of any size, even infinite. The test compares the others by their size.
            let tame = g.chunks_exact(5).zip(of_gaussians.chunks_exact(5)).filter(|(_, e)| largest(e) < 1e6);
            let (g, e): (Vec<f32>, Vec<f32>) = tame
                .flat_map(|(g, e)| {
                    g.iter().zip(e).map(|(g, v)| (g / largest(e).max(1.0), v / largest(e).max(1.0))).collect::<Vec<_>>()
                })
                .unzip();
            assert_near(&format!("{name} gaussians, round {round}"), &g, &e, 1e-3);
        }
    }
}

#[test]
fn every_device_reproduces_the_recorded_gradients() {
    let golden = Golden::open("splat_grads_A.safetensors");
    let tokens = golden.rows::<21>("tokens");
    let case = Case {
        batch: 1,
        gaussians: tokens.iter().flat_map(|t| t[..5].to_vec()).collect(),
        textures: tokens.iter().flat_map(|t| t[5..].to_vec()).collect(),
        channels: 16,
        size: [64, 64],
        support: 3.0,
    };
    let of_map = golden.rows::<16>("grad_out"); // [H W, C]
    let weight: Vec<f32> = (0..16).flat_map(|c| of_map.iter().map(move |pixel| pixel[c])).collect();
    let f64s = |key: &str| golden.tensor(key).as_slice::<f64>().unwrap().to_vec();
    let (sigmas, coordinates) = (f64s("grad_sigmas_f64"), f64s("grad_coords_f64"));
    let recorded = sigmas.chunks_exact(3).zip(coordinates.chunks_exact(2)).flat_map(|(s, c)| [s, c].concat());
    let recorded: Vec<f64> = recorded.collect();
    for (name, device) in devices() {
        let (g, t) = case.gradients(&device, &weight);
        assert_gradient(&format!("{name} gaussians"), &g, &recorded, 1e-5);
        assert_gradient(&format!("{name} textures"), &t, &f64s("grad_colors_f64"), 1e-5);
    }
}
