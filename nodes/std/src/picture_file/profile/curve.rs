//! Curves of profiles, and the curve of sRGB.

use moxcms::ToneReprCurve;
use std::sync::OnceLock;

/// A curve from 0..1 to numbers, as a table with straight lines between its points.
#[derive(Clone, Debug)]
pub(crate) struct Curve(Vec<f32>);

/// The points of a curve that is given by a formula. A straight line between two points of a square differs by 2e-8.
const POINTS: usize = 4096;

/// The points of the curve of sRGB.
const FINE_POINTS: usize = 1 << 16;

impl Curve {
    /// The curve of a profile. `lightness` is whether its results are CIE lightness, which become linear light.
    ///
    /// # Errors
    /// The reason why the curve can't be used.
    pub(crate) fn new(curve: &ToneReprCurve, lightness: bool) -> Result<Self, String> {
        let mut points = match curve {
            ToneReprCurve::Lut(values) => match values[..] {
                [] => vec![0.0, 1.0],
                [gamma] => of_formula(|x| x.powf(f64::from(gamma) / 256.0)),
                _ => values.iter().map(|v| f32::from(*v) / 65535.0).collect(),
            },
            ToneReprCurve::Parametric(numbers) => parametric(numbers).ok_or("it has a curve of an unknown type")?,
        };
        if points.iter().any(|value| !value.is_finite()) {
            return Err("it has a curve without an end".to_owned());
        }
        if lightness {
            let fine = Self(points);
            points = of_formula(|x| light(f64::from(fine.at(x as f32)) * 100.0));
        }
        Ok(Self(points))
    }

    /// A table of 8 bits.
    pub(super) fn of_8_bits(values: &[u8]) -> Self {
        Self(values.iter().map(|v| f32::from(*v) / 255.0).collect())
    }

    /// A table of 16 bits.
    pub(super) fn of_16_bits(values: &[u16]) -> Self {
        Self(values.iter().map(|v| f32::from(*v) / 65535.0).collect())
    }

    /// The value at `x`; outside of 0..1 the nearest one. Not a number becomes the first one.
    pub(crate) fn at(&self, x: f32) -> f32 {
        let last = self.0.len() - 1;
        let place = if x > 0.0 { x.min(1.0) * last as f32 } else { 0.0 };
        let before = (place as usize).min(last);
        let after = (before + 1).min(last);
        self.0[before] + (self.0[after] - self.0[before]) * (place - before as f32)
    }
}

fn of_formula(formula: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..=POINTS).map(|i| formula(i as f64 / POINTS as f64) as f32).collect()
}

/// The five forms of curves that ICC defines.
fn parametric(numbers: &[f32]) -> Option<Vec<f32>> {
    let n: Vec<f64> = numbers.iter().map(|v| f64::from(*v)).collect();
    // y = (a x + b)^g + e from d on, and c x + f below.
    let (g, a, b, c, d, e, f) = match n[..] {
        [g] => (g, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        [g, a, b] => (g, a, b, 0.0, -b / a, 0.0, 0.0),
        [g, a, b, c] => (g, a, b, 0.0, -b / a, c, c),
        [g, a, b, c, d] => (g, a, b, c, d, 0.0, 0.0),
        [g, a, b, c, d, e, f] => (g, a, b, c, d, e, f),
        _ => return None,
    };
    Some(of_formula(|x| if x >= d { (a * x + b).max(0.0).powf(g) + e } else { c * x + f }))
}

/// The sRGB value of linear light; both are cut to 0..1.
pub(crate) fn encoded(light: f32) -> f32 {
    static TABLE: OnceLock<Curve> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let value = |x: f64| if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        Curve((0..=FINE_POINTS).map(|i| value(i as f64 / FINE_POINTS as f64) as f32).collect())
    });
    table.at(light)
}

/// The linear light, 0..1, of a CIE lightness of 0..100; also used for the other two axes of Lab.
pub(super) fn light(lightness: f64) -> f64 {
    cube((lightness + 16.0) / 116.0)
}

/// The inverse of the cube root of CIE Lab.
pub(super) fn cube(t: f64) -> f64 {
    if t > 24.0 / 116.0 { t * t * t } else { (t - 16.0 / 116.0) * 108.0 / 841.0 }
}
