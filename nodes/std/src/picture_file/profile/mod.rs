//! Colour profiles (ICC): from the colours of a file to sRGB.
//!
//! The crate `moxcms` reads profiles. The arithmetic is here, as its transforms would take a minute to compile and work with 8 bits.
//! It is the perceptual intent with black point compensation for profiles with tables, as LittleCMS has it.

mod curve;
mod table;

use super::stored::Colours;
use curve::{Curve, encoded};
use moxcms::{ColorProfile, DataColorSpace, ProfileClass, ProfileVersion};
use table::{Grid, Table};

/// How a picture becomes sRGB.
#[derive(Debug)]
pub(crate) enum Conversion {
    /// A curve to linear light.
    Grey(Curve),
    /// Curves to linear light, then a matrix to linear sRGB.
    Matrix {
        /// For red, green and blue.
        curves: [Curve; 3],
        /// A row for each colour of sRGB.
        matrix: [[f32; 3]; 3],
    },
    /// A table of colours.
    Table(Box<Table>),
    /// sRGB at the points of a grid.
    Grid(Grid),
}

/// From XYZ with white D50 to linear sRGB: the inverse of the colours in the usual profile of sRGB.
const TO_SRGB: [[f64; 3]; 3] =
    [[3.134_096, -1.617_400, -0.490_638], [-0.978_793, 1.916_295, 0.033_454], [0.071_971, -0.228_987, 1.405_380]];

/// The white D50 in XYZ.
const WHITE: [f64; 3] = [0.964_2, 1.0, 0.824_9];

/// The conversion for a profile; `None` if it changes no colour by more than 1.5 levels of 8 bits. Profiles of sRGB differ by as much
/// from each other, and none changes a picture.
///
/// # Errors
/// The reason why the profile can't be used.
pub(crate) fn conversion(profile: &[u8], colours: Colours) -> Result<Option<Conversion>, String> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|error| format!("it is damaged: {error}"))?;
    let space = match profile.color_space {
        DataColorSpace::Rgb => Some(Colours::Rgb),
        DataColorSpace::Gray => Some(Colours::Grey),
        DataColorSpace::Cmyk => Some(Colours::Cmyk),
        _ => None,
    };
    if space != Some(colours) {
        return Err(format!("it is for colours of type {:?}, and the picture has {colours:?}", profile.color_space));
    }
    if matches!(profile.profile_class, ProfileClass::DeviceLink | ProfileClass::Abstract | ProfileClass::Named) {
        return Err("it does not describe the colours of a picture".to_owned());
    }
    // Curves and a matrix come before the tables for other intents.
    let others = [&profile.lut_a_to_b_colorimetric, &profile.lut_a_to_b_saturation];
    let others = others.into_iter().find_map(Option::as_ref).filter(|_| profile.red_trc.is_none());
    let lut = profile.lut_a_to_b_perceptual.as_ref().or(others);
    let conversion = match (colours, lut) {
        (Colours::Rgb | Colours::Cmyk, Some(lut)) => {
            let version_4 = profile.version() >= ProfileVersion::V4_0;
            let table = Table::new(lut, profile.pcs, colours.count(), version_4)?;
            if colours == Colours::Cmyk {
                Conversion::Grid(Grid::of(|colour| linear_srgb(table.xyz(colour)).map(encoded)))
            } else {
                Conversion::Table(Box::new(table))
            }
        }
        (Colours::Grey, _) => {
            let curve = profile.gray_trc.as_ref().ok_or("it has no curve")?;
            Conversion::Grey(Curve::new(curve, profile.pcs == DataColorSpace::Lab)?)
        }
        (Colours::Rgb, None) => matrix(&profile)?,
        (Colours::Cmyk, None) => return Err("it has no table of colours".to_owned()),
    };
    Ok((colours == Colours::Cmyk || !conversion.changes_nothing(colours)).then_some(conversion))
}

fn matrix(profile: &ColorProfile) -> Result<Conversion, String> {
    let curve = |curve: &Option<_>| Curve::new(curve.as_ref().ok_or("it has no curves")?, false);
    let curves = [curve(&profile.red_trc)?, curve(&profile.green_trc)?, curve(&profile.blue_trc)?];
    let colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
    if colorants.iter().all(|xyz| xyz.x == 0.0 && xyz.y == 0.0 && xyz.z == 0.0) {
        return Err("it has no colours".to_owned());
    }
    let matrix = TO_SRGB.map(|row| colorants.map(|xyz| (row[0] * xyz.x + row[1] * xyz.y + row[2] * xyz.z) as f32));
    Ok(Conversion::Matrix { curves, matrix })
}

impl Conversion {
    /// The colour in sRGB, 0..1. Grey is the first value; RGB are the first three.
    pub(crate) fn srgb(&self, colour: [f32; 4]) -> [f32; 3] {
        match self {
            Self::Grey(curve) => [encoded(curve.at(colour[0])); 3],
            Self::Matrix { curves, matrix } => {
                let [r, g, b] = [0, 1, 2].map(|c| curves[c].at(colour[c]));
                matrix.map(|row| encoded(row[0] * r + row[1] * g + row[2] * b))
            }
            Self::Grid(grid) => grid.at(colour),
            Self::Table(table) => linear_srgb(table.xyz(colour)).map(encoded),
        }
    }

    /// Whether all colours of a grid stay within 1.5 levels of 8 bits.
    fn changes_nothing(&self, colours: Colours) -> bool {
        const STEPS: usize = 16;
        let level = |step: usize| step as f32 / STEPS as f32;
        let stays = |colour: [f32; 3]| {
            let [r, g, b] = colour;
            self.srgb([r, g, b, 0.0]).iter().zip(colour).all(|(new, old)| (new - old).abs() < 1.5 / 255.0)
        };
        let greys = (0..=255).all(|v| stays([v as f32 / 255.0; 3]));
        greys
            && (colours == Colours::Grey
                || (0..(STEPS + 1).pow(3)).all(|i| {
                    stays([level(i % (STEPS + 1)), level(i / (STEPS + 1) % (STEPS + 1)), level(i / (STEPS + 1).pow(2))])
                }))
    }
}

fn linear_srgb(xyz: [f64; 3]) -> [f32; 3] {
    TO_SRGB.map(|row| (row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]) as f32)
}
