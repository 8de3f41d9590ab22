//! Compares partitions and entropies with recorded ones.

use super::{Golden, assert_near, unit_picture};
use splatgraph_pack_gpstoken::{
    canvas::picture::{grey, tile_input},
    canvas::plane::Plane,
    partition::{
        OverCapacity, Region, Rules, WeightMode, Weights, capacity, complexity, corners, entropy, gaussian, partition,
    },
};

const PICTURES: [&str; 5] = ["astronaut", "chelsea", "china", "page", "synthetic"];

fn grey_of(name: &str) -> Plane {
    let (picture, width) = unit_picture(&format!("{name}_256.png"));
    grey(&tile_input(&picture, [width, width], [0, 0]))
}

fn pixels(regions: &[Region]) -> Vec<i32> {
    regions.iter().flat_map(|r| [r.x0, r.y0, r.x1, r.y1].map(|v| v as i32)).collect()
}

fn codes(regions: &[Region], width: usize, height: usize) -> (Vec<f32>, Vec<f32>) {
    let gaussians = regions.iter().flat_map(|r| gaussian(*r, width, height)).collect();
    (gaussians, regions.iter().flat_map(|r| corners(*r, width, height)).collect())
}

#[test]
fn every_recorded_partition_is_repeated_in_order() {
    let golden = Golden::open("init.safetensors");
    let added = Plane { width: 256, height: 256, values: golden.f32("cdbias").to_vec() };
    let mut runs = 0;
    for name in PICTURES {
        let grey = grey_of(name);
        for key in golden.0.keys().filter(|k| k.starts_with(name) && k.ends_with(".pixels")) {
            let run = key.strip_suffix(".pixels").unwrap();
            // `china_256.n64.w2.5.bias`: the number of tokens, then the exponent
            let settings = run.strip_prefix(&format!("{name}_256.n")).unwrap();
            let biased = settings.ends_with(".bias");
            let (tokens, exponent) = settings.trim_end_matches(".bias").split_once(".w").unwrap();
            let rules = Rules { tokens: tokens.parse().unwrap(), exponent: exponent.parse().unwrap(), min_region: 8 };
            let weights = biased.then_some(Weights { map: &added, mode: WeightMode::Add });
            let regions = partition(&grey, [256, 256], weights, &rules).unwrap();
            assert_eq!(pixels(&regions), golden.tensor(key).as_slice::<i32>().unwrap(), "{run}");
            let (gaussians, corners) = codes(&regions, 256, 256);
            assert_eq!(gaussians, golden.f32(&format!("{run}.codes")), "{run}");
            assert_eq!(corners, golden.f32(&format!("{run}.regions")), "{run}");
            let recorded = golden.tensor(&format!("{run}.values")).as_slice::<f64>().unwrap();
            for (region, recorded) in regions.iter().zip(recorded) {
                let value = complexity(&grey, [256, 256], weights, *region, rules.exponent);
                let tolerance = if biased { 1e-6 } else { 1e-12 };
                assert!(
                    (value - recorded).abs() <= tolerance * recorded.abs().max(1e-9),
                    "{run} {region:?}: {value} {recorded}"
                );
            }
            runs += 1;
        }
    }
    assert_eq!(runs, 120);
}

#[test]
fn other_smallest_regions_and_odd_sizes_are_repeated() {
    let golden = Golden::open("init.safetensors");
    let mut runs = 0;
    for name in PICTURES {
        let grey = grey_of(name);
        for key in golden.0.keys().filter(|k| k.starts_with(name) && k.ends_with(".codes")) {
            let run = key.strip_suffix(".codes").unwrap();
            let parts: Vec<&str> = run.split('.').collect();
            let (plane, tokens, min_region, exponent) = match parts[1..] {
                [tokens, min_region] if min_region.starts_with("minhw") => {
                    (grey.clone(), tokens, &min_region[5..], 2.5)
                }
                [size, tokens] if size.starts_with("crop") => {
                    let (width, height) = size[4..].split_once('x').unwrap();
                    (crop(&grey, height.parse().unwrap(), width.parse().unwrap()), tokens, "8", 2.5)
                }
                _ => continue,
            };
            let rules =
                Rules { tokens: tokens[1..].parse().unwrap(), exponent, min_region: min_region.parse().unwrap() };
            let capacity = capacity(plane.width, plane.height, rules.min_region);
            if rules.tokens > capacity {
                // Here the authors' code repeats regions; ours returns an error.
                assert_eq!(
                    partition(&plane, [plane.width, plane.height], None, &rules),
                    Err(OverCapacity { tokens: rules.tokens, capacity })
                );
                continue;
            }
            let (gaussians, corners) = codes(
                &partition(&plane, [plane.width, plane.height], None, &rules).unwrap(),
                plane.width,
                plane.height,
            );
            assert_near(run, &gaussians, golden.f32(key), 0.0);
            assert_near(run, &corners, golden.f32(&format!("{run}.regions")), 0.0);
            runs += 1;
        }
    }
    assert_eq!(runs, 6);
}

fn crop(plane: &Plane, width: usize, height: usize) -> Plane {
    let values = (0..height).flat_map(|y| plane.row(y, 0, width - 1).to_vec()).collect();
    Plane { width, height, values }
}

#[test]
fn entropies_agree() {
    let golden = Golden::open("init.safetensors");
    let rects: Vec<i32> = golden.tensor("rects").as_slice::<i32>().unwrap().to_vec();
    for name in PICTURES {
        let grey = grey_of(name);
        let recorded = golden.tensor(&format!("{name}_256.entropy")).as_slice::<f64>().unwrap();
        for (rect, recorded) in rects.chunks_exact(4).zip(recorded) {
            let [y0, y1, x0, x1] = <[i32; 4]>::try_from(rect).unwrap().map(|v| v as usize);
            let value = entropy(&grey, Region { x0, y0, x1, y1 });
            assert!((value - recorded).abs() <= 1e-12 * recorded.max(1e-3), "{name} {rect:?}: {value} {recorded}");
        }
    }
}

#[test]
fn capacity_is_the_largest_number_of_regions() {
    assert_eq!(capacity(256, 256, 8), 1024);
    assert_eq!(capacity(256, 256, 32), 64);
    assert_eq!(capacity(8, 8, 8), 1);
    let grey = grey_of("chelsea");
    for (width, height, min_region) in [(256, 256, 32), (100, 60, 8), (33, 33, 8), (17, 9, 3), (61, 250, 5)] {
        let plane = crop(&grey, width, height);
        let capacity = capacity(width, height, min_region);
        let rules = |tokens| Rules { tokens, exponent: 2.5, min_region };
        let full = partition(&plane, [plane.width, plane.height], None, &rules(capacity)).unwrap();
        assert_eq!(full.len(), capacity);
        assert!(full.iter().all(|r| r.width() <= min_region + 1 && r.height() <= min_region + 1));
        assert_eq!(full.iter().map(|r| r.width() * r.height()).sum::<usize>(), width * height);
        assert_eq!(
            partition(&plane, [plane.width, plane.height], None, &rules(capacity + 1)),
            Err(OverCapacity { tokens: capacity + 1, capacity })
        );
    }
}

#[test]
fn invisible_parts_cost_few_tokens_and_the_tile_stays_covered() {
    let (values, side) = unit_picture("china_256.png");
    for visible in [[256, 256], [100, 256], [256, 9], [30, 200], [4, 256], [250, 17], [16, 16]] {
        let grey = grey(&tile_input(&values, [side, side], [0, 0]));
        for tokens in [1, 2, 3, 4, 64, 128] {
            let rules = Rules { tokens, exponent: 2.5, min_region: 8 };
            let regions = partition(&grey, visible, None, &rules).unwrap();
            assert_eq!(regions.len(), tokens);
            assert_eq!(regions.iter().map(|r| r.width() * r.height()).sum::<usize>(), 256 * 256, "{visible:?}");
            let beyond = regions.iter().filter(|r| r.visible(visible).contains(&0)).count();
            let full = regions.len() - beyond == capacity(visible[0], visible[1], 8);
            assert!(beyond <= 8 || full || visible[0] < 8, "{visible:?}: {beyond} of {tokens} show nothing");
        }
    }
}
