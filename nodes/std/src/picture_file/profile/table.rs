//! Profiles with tables of colours, as printers and scanners have them.

use super::{
    WHITE,
    curve::{Curve, cube},
};
use moxcms::{DataColorSpace, LutDataType, LutMultidimensionalType, LutStore, LutType, LutWarehouse};

/// The black of perceptual tables in profiles of version 4, in XYZ.
const BLACK_OF_VERSION_4: [f64; 3] = [0.003_36, 0.003_473_1, 0.002_87];

/// From device colours to XYZ with white D50.
#[derive(Debug)]
pub(crate) struct Table {
    /// One for each device colour.
    first: Vec<Curve>,
    grid: Option<Grid>,
    /// Curves, then rows of a matrix whose last column is added.
    middle: Option<([Curve; 3], [[f32; 4]; 3])>,
    last: [Curve; 3],
    meaning: Meaning,
    /// What to multiply XYZ by and to add then, so that black becomes 0.
    black: [(f64, f64); 3],
}

/// What the three numbers of a table mean.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// Lab, where 1 stands for this lightness, and a and b are `scale * value - 128`.
    Lab { lightness: f64, scale: f64 },
    /// XYZ, where 1 stands for 1 + 32767 / 32768.
    Xyz,
}

impl Table {
    /// The table of a profile.
    ///
    /// # Errors
    /// The reason why the table can't be used.
    pub(super) fn new(
        lut: &LutWarehouse,
        connection: DataColorSpace,
        inputs: usize,
        version_4: bool,
    ) -> Result<Self, String> {
        let lab = Meaning::Lab { lightness: 100.0, scale: 255.0 };
        let mut table = match lut {
            LutWarehouse::Lut(lut) => Self::simple(lut, inputs)?,
            LutWarehouse::Multidimensional(lut) => Self::general(lut, inputs)?,
        };
        table.meaning = match (connection, lut) {
            (DataColorSpace::Xyz, _) => Meaning::Xyz,
            // 16 bits have the old form, in which 0xff00 is the lightness 100.
            (DataColorSpace::Lab, LutWarehouse::Lut(lut)) if lut.lut_type == LutType::Lut16 => {
                Meaning::Lab { lightness: 100.0 * 65535.0 / 65280.0, scale: 65535.0 / 256.0 }
            }
            (DataColorSpace::Lab, _) => lab,
            _ => return Err("its table does not lead to Lab or XYZ".to_owned()),
        };
        let black =
            if version_4 { BLACK_OF_VERSION_4 } else { table.xyz(if inputs == 4 { [1.0; 4] } else { [0.0; 4] }) };
        table.black = [0, 1, 2].map(|c| {
            let factor = WHITE[c] / (WHITE[c] - black[c]);
            (factor, -factor * black[c])
        });
        Ok(table)
    }

    fn simple(lut: &LutDataType, inputs: usize) -> Result<Self, String> {
        if usize::from(lut.num_input_channels) != inputs || lut.num_output_channels != 3 {
            return Err("its table has other colours than the profile".to_owned());
        }
        let first = curves(&lut.input_table, inputs)?;
        let last = curves(&lut.output_table, 3)?.try_into().map_err(|_| "its table has no curves")?;
        let grid = Grid::new(vec![usize::from(lut.num_clut_grid_points); inputs], &lut.clut_table)?;
        Ok(Self { first, grid: Some(grid), middle: None, last, meaning: Meaning::Xyz, black: [(1.0, 0.0); 3] })
    }

    fn general(lut: &LutMultidimensionalType, inputs: usize) -> Result<Self, String> {
        if usize::from(lut.num_input_channels) != inputs || lut.num_output_channels != 3 {
            return Err("its table has other colours than the profile".to_owned());
        }
        let all = |curves: &[_]| curves.iter().map(|curve| Curve::new(curve, false)).collect::<Result<Vec<_>, _>>();
        let three = |curves: &[_]| -> Result<[Curve; 3], String> {
            all(curves)?.try_into().map_err(|_| "its table does not have three curves".to_owned())
        };
        let grid = match &lut.clut {
            Some(values) => {
                let points = lut.grid_points[..inputs].iter().map(|points| usize::from(*points)).collect();
                Some(Grid::new(points, values)?)
            }
            None if inputs == 3 => None,
            None => return Err("its table has no colours".to_owned()),
        };
        let first = if grid.is_some() { all(&lut.a_curves)? } else { Vec::new() };
        if grid.is_some() && first.len() != inputs {
            return Err("its table does not have a curve for each colour".to_owned());
        }
        let middle = if lut.m_curves.is_empty() {
            None
        } else {
            let rows = [0, 1, 2].map(|row| {
                let [a, b, c] = lut.matrix.v[row];
                [a as f32, b as f32, c as f32, lut.bias.v[row] as f32]
            });
            Some((three(&lut.m_curves)?, rows))
        };
        let last = three(&lut.b_curves)?;
        Ok(Self { first, grid, middle, last, meaning: Meaning::Xyz, black: [(1.0, 0.0); 3] })
    }

    /// The colour in XYZ with white D50 and black 0.
    pub(super) fn xyz(&self, colour: [f32; 4]) -> [f64; 3] {
        let mut values = [colour[0], colour[1], colour[2]];
        if let Some(grid) = &self.grid {
            let mut device = [0.0; 4];
            for ((device, curve), value) in device.iter_mut().zip(&self.first).zip(colour) {
                *device = curve.at(value);
            }
            values = grid.at(device);
        }
        if let Some((curves, rows)) = &self.middle {
            let [x, y, z] = [0, 1, 2].map(|c| curves[c].at(values[c]));
            values = rows.map(|row| row[0] * x + row[1] * y + row[2] * z + row[3]);
        }
        let [p, q, r] = [0, 1, 2].map(|c| f64::from(self.last[c].at(values[c])));
        let xyz = match self.meaning {
            Meaning::Xyz => [p, q, r].map(|value| value * 65535.0 / 32768.0),
            Meaning::Lab { lightness, scale } => {
                let y = (p * lightness + 16.0) / 116.0;
                let (a, b) = (q * scale - 128.0, r * scale - 128.0);
                [WHITE[0] * cube(y + a / 500.0), cube(y), WHITE[2] * cube(y - b / 200.0)]
            }
        };
        [0, 1, 2].map(|c| xyz[c] * self.black[c].0 + self.black[c].1)
    }
}

/// As many curves of equal length, one after the other.
fn curves(table: &LutStore, count: usize) -> Result<Vec<Curve>, String> {
    let length = match table {
        LutStore::Store8(values) => values.len() / count,
        LutStore::Store16(values) => values.len() / count,
    };
    if length < 2 {
        return Err("its table has no curves".to_owned());
    }
    Ok(match table {
        LutStore::Store8(values) => values.chunks_exact(length).map(Curve::of_8_bits).collect(),
        LutStore::Store16(values) => values.chunks_exact(length).map(Curve::of_16_bits).collect(),
    })
}

/// Colours at the points of a grid in three or four dimensions.
#[derive(Debug)]
pub(crate) struct Grid {
    points: Vec<usize>,
    values: Vec<[f32; 3]>,
}

impl Grid {
    fn new(points: Vec<usize>, values: &LutStore) -> Result<Self, String> {
        let values: Vec<f32> = match values {
            LutStore::Store8(values) => values.iter().map(|v| f32::from(*v) / 255.0).collect(),
            LutStore::Store16(values) => values.iter().map(|v| f32::from(*v) / 65535.0).collect(),
        };
        let values = values.as_chunks::<3>().0.to_vec();
        if points.contains(&0) || values.len() < points.iter().product() {
            return Err("its table is too short".to_owned());
        }
        Ok(Self { points, values })
    }

    /// Between the points: by tetrahedra in the last three dimensions, and by a straight line in the first of four.
    pub(super) fn at(&self, colour: [f32; 4]) -> [f32; 3] {
        let place = |dimension: usize| {
            let last = self.points[dimension] - 1;
            let place = colour[dimension].clamp(0.0, 1.0) * last as f32;
            let before = (place as usize).min(last);
            (before, (before + 1).min(last), place - before as f32)
        };
        if self.points.len() == 3 {
            return self.tetrahedron(0, [place(0), place(1), place(2)]);
        }
        let (before, after, part) = place(0);
        let rest = [place(1), place(2), place(3)];
        let stride: usize = self.points[1..].iter().product();
        let (low, high) = (self.tetrahedron(before * stride, rest), self.tetrahedron(after * stride, rest));
        [0, 1, 2].map(|c| low[c] + (high[c] - low[c]) * part)
    }

    /// The results of a function at 17 points in each of four dimensions, as LittleCMS takes them unless it is told otherwise. No ink
    /// is white, whatever the paper is.
    pub(super) fn of(function: impl Fn([f32; 4]) -> [f32; 3]) -> Self {
        let points = 17_usize;
        let level = |index: usize| (index % points) as f32 / (points - 1) as f32;
        let colour = |i: usize| [level(i / points.pow(3)), level(i / points.pow(2)), level(i / points), level(i)];
        let mut values: Vec<[f32; 3]> = (0..points.pow(4)).map(|i| function(colour(i))).collect();
        values[0] = [1.0; 3];
        Self { points: vec![points; 4], values }
    }

    fn tetrahedron(&self, start: usize, places: [(usize, usize, f32); 3]) -> [f32; 3] {
        let dimensions = &self.points[self.points.len() - 3..];
        let strides = [dimensions[1] * dimensions[2], dimensions[2], 1];
        let mut order = [0, 1, 2];
        order.sort_by(|a, b| places[*b].2.total_cmp(&places[*a].2));
        let mut at = start + (0..3).map(|d| places[d].0 * strides[d]).sum::<usize>();
        let mut result = self.values[at];
        for d in order {
            let (before, after, part) = places[d];
            let next = at + (after - before) * strides[d];
            result = [0, 1, 2].map(|c| result[c] + (self.values[next][c] - self.values[at][c]) * part);
            at = next;
        }
        result
    }
}
