//! Calibration makes a legal partition of any gaussians and does not change a legal one.

use splatgraph_pack_gpstoken::{
    canvas::TILE,
    partition::calibration::{MAX_TOKENS, STEP, calibrate, calibrated_regions},
    partition::{Region, corners, gaussian},
};

/// splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }

    /// A number in -1..1.
    fn number(&mut self) -> f32 {
        self.next(1 << 24) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Gaussians at these places; the sizes do not matter.
fn at(means: impl IntoIterator<Item = [f32; 2]>) -> Vec<[f32; 5]> {
    means.into_iter().map(|[x, y]| [0.1, 0.2, 0.3, x, y]).collect()
}

/// Every pixel belongs to one region, and all sides and corners are on the grid.
fn assert_legal(regions: &[Region], what: &str) {
    let mut covered = vec![0u8; TILE * TILE];
    for region in regions {
        let (width, height) = (region.width(), region.height());
        assert!(width == height || width == 2 * height || height == 2 * width, "{what}: {region:?}");
        for side in [width, height, region.x0, region.y0] {
            assert!(side.is_multiple_of(STEP), "{what}: {region:?}");
        }
        for y in region.y0..=region.y1 {
            covered[y * TILE + region.x0..=y * TILE + region.x1].iter_mut().for_each(|pixel| *pixel += 1);
        }
    }
    assert!(covered.iter().all(|count| *count == 1), "{what}: the tile is not covered once");
}

fn sorted(regions: &[Region]) -> Vec<[usize; 4]> {
    let mut all: Vec<_> = regions.iter().map(|r| [r.y0, r.x0, r.y1, r.x1]).collect();
    all.sort_unstable();
    all
}

/// Cuts the whole tile by chance, the longer side first, down to sides of `smallest`.
fn random_partition(random: &mut Random, count: usize, smallest: usize) -> Vec<Region> {
    let mut regions = vec![Region { x0: 0, y0: 0, x1: TILE - 1, y1: TILE - 1 }];
    while regions.len() < count {
        // Mostly cut the latest regions, so that some places become fine and others stay coarse.
        let newest = 1 + random.next(regions.len());
        let from = regions.len() - 1 - random.next(newest);
        let region = regions[from];
        if region.width().max(region.height()) <= smallest {
            continue;
        }
        regions.remove(from);
        let across_x = match region.width().cmp(&region.height()) {
            std::cmp::Ordering::Equal => random.next(2) == 0,
            longer => longer.is_gt(),
        };
        regions.extend(if across_x { region.cut_across_x() } else { region.cut_across_y() });
    }
    regions
}

#[test]
fn a_legal_partition_comes_back() {
    let mut random = Random(5);
    for turn in 0..1000 {
        let count = 1 + random.next(if turn % 10 == 0 { 1024 } else { 200 });
        let regions = random_partition(&mut random, count, 8);
        let mut gaussians: Vec<_> = regions.iter().map(|region| gaussian(*region, TILE, TILE)).collect();
        // The order of the gaussians does not matter.
        for i in (1..gaussians.len()).rev() {
            gaussians.swap(i, random.next(i + 1));
        }
        let calibrated = calibrated_regions(&gaussians).unwrap();
        assert_eq!(sorted(&calibrated), sorted(&regions), "{count} regions, turn {turn}");
    }
}

#[test]
fn anything_becomes_a_legal_partition() {
    let mut random = Random(11);
    for turn in 0..1000 {
        let count = 1 + random.next(if turn % 50 == 0 { MAX_TOKENS } else { 256 });
        let centre = [random.number(), random.number()];
        let spread = 10f32.powf(random.number() * 2.0 - 1.0);
        let mut mean = || match turn % 5 {
            // Means anywhere, also off the tile.
            0 => [random.number() * 1.2, random.number() * 1.2],
            // Means around one place.
            1 => [centre[0] + random.number() * spread, centre[1] + random.number() * spread],
            // Means on a line of the grid, or half-way between two.
            2 => [random.next(129), random.next(129)].map(|line| (line as f32 * 2.0 - 0.5) / 255.0 * 2.0 - 1.0),
            // Means on borders.
            3 => [[-1.0, 0.0, 1.0, 0.5][random.next(4)], [-1.0, 0.0, 1.0, -0.5][random.next(4)]],
            // All means at one place.
            _ => centre,
        };
        let gaussians = at((0..count).map(|_| mean()));
        let regions = calibrated_regions(&gaussians).unwrap();
        assert_eq!(regions.len(), count);
        assert_legal(&regions, &format!("turn {turn}, {count} gaussians"));
        assert_eq!(regions, calibrated_regions(&gaussians).unwrap());
    }
}

#[test]
fn extreme_inputs_become_legal_partitions() {
    let far = [f32::MAX, f32::MIN, -1.0, 1.0, 0.0, f32::MIN_POSITIVE, -0.0, 1e9];
    for count in [1, 2, 3, 63, 64, 128, 1000, MAX_TOKENS] {
        for x in far {
            for y in [-1.0, 0.0, f32::MAX] {
                let regions = calibrated_regions(&at(vec![[x, y]; count])).unwrap();
                assert_eq!(regions.len(), count);
                assert_legal(&regions, &format!("{count} at {x}, {y}"));
            }
        }
    }
}

#[test]
fn a_crowded_corner_is_cut_first_and_then_the_largest_regions() {
    // Twelve cuts lead from the tile to 4 x 4 pixels in its corner, which hold all means. Then the first region is cut.
    let regions = calibrated_regions(&at(vec![[-1.0, -1.0]; 13])).unwrap();
    let smallest = regions.iter().find(|r| r.x0 == 0 && r.y0 == 0).unwrap();
    assert_eq!((smallest.width(), smallest.height()), (4, 4));
    let regions = calibrated_regions(&at(vec![[-1.0, -1.0]; 14])).unwrap();
    let largest = regions.iter().map(|r| r.width() * r.height()).max().unwrap();
    assert_eq!(largest, TILE * TILE / 4, "the half of the tile that held no mean was cut");
    assert_eq!(sorted(&regions[12..]), [[0, 128, 127, 255], [128, 128, 255, 255]], "the regions made last stand last");
}

#[test]
fn the_line_of_a_cut_decides_along_which_axis_a_square_is_cut() {
    let regions = |means: &[[f32; 2]]| sorted(&calibrated_regions(&at(means.iter().copied())).unwrap());
    let (left_right, top_bottom) = ([[0, 0, 255, 127], [0, 128, 255, 255]], [[0, 0, 127, 255], [128, 0, 255, 255]]);
    assert_eq!(regions(&[[-0.5, 0.0], [0.5, 0.0]]), left_right);
    assert_eq!(regions(&[[0.0, -0.5], [0.0, 0.5]]), top_bottom);
    assert_eq!(regions(&[[-0.5, -0.5], [0.5, 0.5]]), left_right);
    // Within two pixels of the line it snaps there, the tie included on the far side only.
    let x = |pixels: f32| (pixels - 0.5) / 255.0 * 2.0 - 1.0;
    assert_eq!(regions(&[[x(126.1), 0.5], [0.9, 0.5]]), top_bottom);
    assert_eq!(regions(&[[x(126.0), 0.5], [0.9, 0.5]]), left_right);
    assert_eq!(regions(&[[x(130.0), 0.5], [0.9, 0.5]]), top_bottom);
    assert_eq!(regions(&[[x(130.1), 0.5], [0.9, 0.5]]), left_right);
}

#[test]
fn gaussians_and_corners_follow_the_formulas_of_the_partition() {
    let mut random = Random(3);
    let given = at((0..64).map(|_| [random.number(), random.number()]));
    let regions = calibrated_regions(&given).unwrap();
    let (gaussians, boxes) = calibrate(&given).unwrap();
    for ((region, calibrated), corner) in regions.iter().zip(&gaussians).zip(&boxes) {
        assert_eq!(*calibrated, gaussian(*region, TILE, TILE));
        assert_eq!(*corner, corners(*region, TILE, TILE));
    }
}

#[test]
fn gaussians_that_cannot_be_calibrated_are_an_error() {
    let error = |gaussians: &[[f32; 5]]| calibrate(gaussians).unwrap_err();
    insta::assert_snapshot!(error(&[]), @"expected 1 to 4096 gaussians for a tile of 256 x 256 pixels, at most one for each square of 4 pixels, got 0");
    insta::assert_snapshot!(error(&at(vec![[0.0, 0.0]; 4097])), @"expected 1 to 4096 gaussians for a tile of 256 x 256 pixels, at most one for each square of 4 pixels, got 4097");
    insta::assert_snapshot!(error(&at([[0.0, 0.0], [f32::NAN, 0.5]])), @"expected finite means, got (NaN, 0.5) for gaussian 1");
    insta::assert_snapshot!(error(&at([[0.0, f32::INFINITY]])), @"expected finite means, got (0, inf) for gaussian 0");
}
