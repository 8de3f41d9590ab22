//! Tests of the splat on the host.

use super::{
    Golden, assert_near, distance, largest,
    support::random,
    support::splat::{channels_first, random_case, recorded_case, splat_map, unit},
};

#[test]
fn the_recorded_cases_agree() {
    let golden = Golden::open("splat_unit.safetensors");
    for name in ["c0", "c1", "c2", "c3", "c4"] {
        let case = unit(&golden, name);
        let exact = channels_first(golden.tensor(&format!("{name}.out_f64")).as_slice().unwrap(), case.channels);
        let single: Vec<f64> = golden.f32(&format!("{name}.out")).iter().map(|v| f64::from(*v)).collect();
        let single = channels_first(&single, case.channels);
        // The authors' form in f32 differs from f64 by this much; ours uses f64 up to the sum.
        assert_near(&format!("{name} direct, f64"), &case.direct(), &exact, largest(&exact) * 1e-6);
        let tolerance = largest(&exact) * 1e-5;
        assert_near(&format!("{name} direct, f32"), &case.direct(), &single, tolerance);
    }
}

#[test]
fn recorded_tokens_give_the_recorded_map() {
    for (file, size, support) in [("tokA_full", [64, 64], 3.0), ("tokB_full", [64, 48], 1.75)] {
        let golden = Golden::open(&format!("{file}.safetensors"));
        let case = recorded_case(&golden, size, support);
        assert_near(&format!("{file} direct"), &case.direct(), golden.f32("rendered"), 5e-4);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let case = random_case(300, 16, [200, 130]);
    let with =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| case.direct());
    assert_eq!(with(1), with(3));
}

/// On a map of few places, the weight of a token that is almost a line changes from one end of the numbers to the other between
/// neighbouring places.
#[test]
fn lines_on_coarse_maps_have_the_weights_of_their_formula() {
    let mut worst: f64 = 0.0;
    // Each from -1 to 1.
    for (round, &[a, b, c, d, e, x, y]) in random(7 * 4000, 7).as_chunks::<7>().0.iter().enumerate() {
        let [width, height] = [a, b].map(|number| (12.0 + 10.0 * number) as usize);
        let thin = 10f32.powf(-3.5 - 2.5 * c);
        let rho = if round % 2 == 0 { 1.0 - thin } else { thin - 1.0 };
        let ([sigma_x, sigma_y], [x, y]) = ([d, e].map(|number| 0.52 + 0.5 * number), [2.0 * x, 2.0 * y]);
        let map = splat_map(&[sigma_x, sigma_y, rho, x, y], &[1.0], 1, [width, height], 3.0);
        let rho = f64::from(rho);
        for (at, weight) in map.iter().enumerate() {
            let place = |i: usize, size: usize| 2.0 * i as f64 / (size - 1) as f64 - 1.0;
            let u = (place(at % width, width) - f64::from(x)) / f64::from(sigma_x);
            let v = (place(at / width, height) - f64::from(y)) / f64::from(sigma_y);
            // At the border of the box, rounding decides.
            if (u.abs() - 3.0).abs() < 1e-4 || (v.abs() - 3.0).abs() < 1e-4 {
                continue;
            }
            let inside = u.abs() < 3.0 && v.abs() < 3.0;
            let exponent = -(u * u - 2.0 * rho * u * v + v * v) / (2.0 * (1.0 - rho * rho));
            let expected = if inside { exponent.exp() } else { 0.0 };
            assert!(weight.is_finite(), "{weight} with rho {rho} on {width} x {height} places");
            worst = worst.max((f64::from(*weight) - expected).abs());
        }
    }
    println!("the worst weight differs by {worst:.1e}");
    assert!(worst < 1e-6, "{worst}");
}

#[test]
fn degenerate_tokens_contribute_nothing() {
    let mut case = random_case(12, 4, [30, 20]);
    let clean = case.direct();
    let bad: [[f32; 5]; 8] = [
        [f32::NAN, 0.1, 0.0, 0.0, 0.0],
        [0.1, f32::INFINITY, 0.0, 0.0, 0.0],
        [0.1, 0.1, f32::NAN, 0.0, 0.0],
        [0.1, 0.1, 0.0, f32::NEG_INFINITY, 0.0],
        [0.0, 0.1, 0.0, 0.0, 0.0],
        [0.1, -0.1, 0.0, 0.0, 0.0],
        [0.1, 0.1, 1.0, 0.0, 0.0],
        [0.1, 0.1, -1.5, 0.0, 0.0],
    ];
    case.gaussians.extend(bad.concat());
    case.textures.extend([1.0; 8 * 4]);
    assert_eq!(case.direct(), clean);
    // Gaussians far narrower than a pixel, and almost a line, give finite numbers.
    case.gaussians.extend([
        1e-30,
        1e-30,
        0.0,
        -1.0,
        -1.0,
        0.3,
        0.3,
        0.999_999_9,
        0.0,
        0.0,
        100.0,
        1e-3,
        0.9999,
        0.5,
        0.5,
    ]);
    case.textures.extend([1.0; 3 * 4]);
    let map = case.direct();
    assert!(map.iter().all(|v| v.is_finite()));
    assert!(distance(&map, &clean) > 0.5);
    assert!(splat_map(&[], &[], 4, [3, 2], 3.0).iter().all(|v| *v == 0.0));
}
