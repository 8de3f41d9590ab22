//! Tests of the gradient of the splat against its slow form and finite differences.

use crate::support::{
    distance, largest, random,
    splat::{Case, random_case},
};
use splatgraph_pack_gpstoken::{
    gradients::{Gradients, Tape},
    kernels::{cpu::Level, workspace::Workspace},
    layers::{Host, Map},
    splat::{splat_backward_in_f64, splat_pixels, splat_pixels_backward},
};

/// Odd numbers of channels and maps of one row, one column and one pixel.
const SHAPES: [(usize, [usize; 2]); 8] = [
    (1, [40, 33]),
    (17, [33, 70]),
    (32, [64, 64]),
    (16, [300, 21]),
    (3, [1, 5]),
    (7, [5, 1]),
    (2, [1, 1]),
    (71, [19, 8]),
];

fn to_pixels(planes: &[f32], channels: usize) -> Vec<f32> {
    let size = planes.len() / channels;
    (0..size).flat_map(|i| (0..channels).map(move |c| planes[c * size + i])).collect()
}

fn fast(level: Level, case: &Case, gradient: &[f32]) -> [Vec<f32>; 2] {
    let mut results = [vec![f32::NAN; case.gaussians.len()], vec![f32::NAN; case.textures.len()]];
    let [of_gaussians, of_textures] = &mut results;
    let tokens = [&case.gaussians[..], &case.textures];
    splat_pixels_backward(level, tokens, gradient, case.size, case.support, [of_gaussians, of_textures]);
    results
}

fn slow(case: &Case, gradient: &[f32]) -> [Vec<f32>; 2] {
    let size = case.size[0] * case.size[1];
    let planes: Vec<f32> =
        (0..case.channels).flat_map(|c| (0..size).map(move |i| gradient[i * case.channels + c])).collect();
    splat_backward_in_f64(&case.gaussians, &case.textures, &planes, case.size, case.support).into()
}

/// The norm of the difference of the numbers of a column, relative to the column's norm.
fn relative(a: &[f32], b: &[f32], columns: usize, column: usize) -> f64 {
    let pairs = a.iter().zip(b).skip(column).step_by(columns);
    let sums = pairs.fold([0.0f64; 2], |[difference, norm], (a, b)| {
        let [a, b] = [a, b].map(|v| f64::from(*v));
        [difference + (a - b).powi(2), norm + b * b]
    });
    (sums[0] / sums[1].max(1e-30)).sqrt()
}

#[track_caller]
fn assert_like_slow(what: &str, level: Level, case: &Case) {
    let gradient = random(case.size[0] * case.size[1] * case.channels, 7);
    let ([gaussians, textures], [slow_gaussians, slow_textures]) =
        (fast(level, case, &gradient), slow(case, &gradient));
    for column in 0..5 {
        let error = relative(&gaussians, &slow_gaussians, 5, column);
        assert!(error < 1e-4, "{what}, {level:?}: column {column} differs by {error:e} of its norm");
    }
    let error = relative(&textures, &slow_textures, 1, 0);
    assert!(error < 1e-5, "{what}, {level:?}: textures differ by {error:e} of their norm");
}

#[test]
fn the_fast_gradient_agrees_with_the_slow_one() {
    for level in Level::all() {
        for (channels, size) in SHAPES {
            for count in [1, 50] {
                assert_like_slow(
                    &format!("{count} x {channels} at {size:?}"),
                    level,
                    &random_case(count, channels, size),
                );
            }
        }
    }
}

#[test]
fn slants_near_one_and_gaussians_far_wider_or_narrower_than_the_map_agree_too() {
    let wild: [[f32; 5]; 6] = [
        [1e-30, 1e-30, 0.0, -1.0, -1.0],
        [0.3, 0.3, 0.999_999_9, 0.0, 0.0],
        [0.2, 0.4, -0.9999, 0.1, -0.3],
        [100.0, 1e-3, 0.9999, 0.5, 0.5],
        [50.0, 70.0, 0.5, 0.0, 2.0],
        [3e-3, 0.4, 0.2, -0.2, 1.1],
    ];
    for level in Level::all() {
        for (i, gaussian) in wild.into_iter().enumerate() {
            let case = Case { gaussians: gaussian.to_vec(), ..random_case(1, 20, [64, 48]) };
            // Each token by itself: the steepest would hide the others in the norm.
            assert_like_slow(&format!("{gaussian:?}"), level, &case);
            if i == 1 {
                assert_like_slow("far support", level, &Case { support: 1e20, ..case });
            }
        }
    }
}

#[test]
fn tokens_that_add_nothing_have_no_gradient() {
    let mut case = random_case(8, 5, [30, 20]);
    let bad: [[f32; 5]; 6] = [
        [f32::NAN, 0.1, 0.0, 0.0, 0.0],
        [0.1, f32::INFINITY, 0.0, 0.0, 0.0],
        [0.0, 0.1, 0.0, 0.0, 0.0],
        [0.1, 0.1, 1.0, 0.0, 0.0],
        [0.1, 0.1, 0.0, 9.0, 0.0],
        [0.1, 0.1, 0.0, 0.0, f32::NEG_INFINITY],
    ];
    let gradient = random(30 * 20 * 5, 3);
    let clean = fast(Level::best(), &case, &gradient);
    case.gaussians.extend(bad.concat());
    case.textures.extend([1.0; 6 * 5]);
    let [gaussians, textures] = fast(Level::best(), &case, &gradient);
    assert_eq!((&gaussians[..40], &textures[..40]), (&clean[0][..], &clean[1][..]));
    assert!(gaussians[40..].iter().chain(&textures[40..]).all(|v| *v == 0.0));
    let empty = fast(Level::best(), &Case { gaussians: Vec::new(), textures: Vec::new(), ..case }, &gradient);
    assert!(empty.iter().all(Vec::is_empty));
}

#[test]
fn both_forms_of_the_splat_agree() {
    for level in Level::all() {
        for (channels, size) in SHAPES {
            let case = random_case(50, channels, size);
            let mut pixels = vec![f32::NAN; channels * size[0] * size[1]];
            splat_pixels(level, &case.gaussians, &case.textures, size, case.support, &mut pixels);
            let planes = to_pixels(&case.direct(), channels);
            assert!(distance(&pixels, &planes) <= 2e-6 * largest(&planes), "{channels} at {size:?}, {level:?}");
        }
    }
}

/// The sum of `gradient` times the map `[height, width, C]` in f64. The box of each token stays in its place: its border has no gradient.
fn sum_slowly(case: &Case, boxes: &[f32], gaussians: &[f64], textures: &[f64], gradient: &[f32]) -> f64 {
    let ([width, height], channels) = (case.size, case.channels);
    let place = |i: usize, size: usize| if size == 1 { 0.0 } else { 2.0 * i as f64 / (size - 1) as f64 - 1.0 };
    let mut sum = 0.0;
    for ((g, reach), texture) in
        gaussians.chunks_exact(5).zip(boxes.chunks_exact(5)).zip(textures.chunks_exact(channels))
    {
        for (i, gradient) in gradient.chunks_exact(channels).enumerate() {
            let (u, v) = (place(i % width, width), place(i / width, height));
            let inside = |place: f64, centre: f32, sigma: f32| (place as f32 - centre).abs() <= case.support * sigma;
            if inside(u, reach[3], reach[0]) && inside(v, reach[4], reach[1]) {
                let (x, y) = ((u - g[3]) / g[0], (v - g[4]) / g[1]);
                let weight = (-(x * x - 2.0 * g[2] * x * y + y * y) / (2.0 * (1.0 - g[2] * g[2]))).exp();
                sum += weight * gradient.iter().zip(texture).map(|(g, t)| f64::from(*g) * t).sum::<f64>();
            }
        }
    }
    sum
}

#[test]
fn the_tapes_gradient_agrees_with_finite_differences() {
    let workspace = Workspace::default();
    for level in Level::all() {
        let host = Host { level, workspace: &workspace };
        for (count, channels, size) in [(1, 3, [7, 5]), (4, 5, [18, 13]), (3, 1, [1, 9])] {
            let case = random_case(count, channels, size);
            let gradient = random(size[0] * size[1] * channels, 11);
            let of_tape = gradients_of_tape(host, &case, &gradient);
            let numbers =
                [&case.gaussians, &case.textures].map(|v| v.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>());
            for (which, of_tape) in of_tape.iter().enumerate() {
                let differences: Vec<f32> = (0..of_tape.len())
                    .map(|i| {
                        const STEP: f64 = 1e-5;
                        let at = |step: f64| {
                            let mut moved = numbers.clone();
                            moved[which][i] += step;
                            sum_slowly(&case, &case.gaussians, &moved[0], &moved[1], &gradient)
                        };
                        ((at(STEP) - at(-STEP)) / (2.0 * STEP)) as f32
                    })
                    .collect();
                let error = relative(of_tape, &differences, 1, 0);
                assert!(error < 1e-4, "{level:?}, {count} x {channels} at {size:?}, {which}: {error:e}");
            }
        }
    }
}

/// The gradients of gaussians and textures on a tape.
fn gradients_of_tape(host: Host<'_>, case: &Case, gradient: &[f32]) -> [Vec<f32>; 2] {
    let mut tape = Tape::frozen(host);
    let count = case.gaussians.len() / 5;
    let gaussians = tape.leaf(map_of(host, [1, count], &case.gaussians));
    let textures = tape.leaf(map_of(host, [1, count], &case.textures));
    let map = tape.splat(&gaussians, &textures, case.size, case.support);
    assert_eq!((map.size(), map.channels()), ([case.size[1], case.size[0]], case.channels));
    let mut gradients = Gradients::new(host);
    let end = map_of(host, map.size(), gradient);
    tape.backward(vec![(map, end)], &mut gradients);
    [&gaussians, &textures].map(|leaf| gradients.take(leaf).unwrap().values().to_vec())
}

fn map_of(host: Host<'_>, size: [usize; 2], values: &[f32]) -> Map {
    let mut map = host.map(size, values.len() / (size[0] * size[1]));
    map.values_mut().copy_from_slice(values);
    map
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = random_case(200, 32, [190, 130]);
    let gradient = random(190 * 130 * 32, 5);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut pixels = vec![0.0; gradient.len()];
            splat_pixels(Level::best(), &case.gaussians, &case.textures, case.size, case.support, &mut pixels);
            (pixels, fast(Level::best(), &case, &gradient))
        })
    };
    assert_eq!(with(1), with(3));
}
