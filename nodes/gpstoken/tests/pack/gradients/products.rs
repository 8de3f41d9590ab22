//! Products with bias, and sums over rows, against direct sums in f64.

use super::random;
use crate::support::{assert_near, largest};
use splatgraph_pack_gpstoken::kernels::{
    cpu::Level,
    outer_product::{add_column_sums, add_outer_product},
    product::{Rows, linear, pack, pack_transposed, panels_length},
    workspace::Workspace,
};

/// The most that sums of a few thousand f32 numbers differ from exact ones, as a part of the largest.
const TOLERANCE: f32 = 1e-5;

fn dot(count: usize, of: impl Fn(usize) -> [f32; 2]) -> f64 {
    (0..count).map(|i| of(i).map(f64::from)).map(|[a, b]| a * b).sum()
}

#[test]
fn linear_layers_agree_with_direct_sums() {
    // Neither rows nor outputs fill the last block, or all do.
    for (count, inputs, outputs) in [(1, 1, 1), (13, 7, 33), (24, 32, 64), (50, 5, 31), (99, 70, 100)] {
        let (x, weight, bias) = (random(count * inputs, 1), random(outputs * inputs, 2), random(outputs, 3));
        let at = |i: usize| {
            let (row, output) = (i / outputs, i % outputs);
            let sum = dot(inputs, |k| [x[row * inputs + k], weight[output * inputs + k]]);
            (f64::from(bias[output]) + sum) as f32
        };
        let expected: Vec<f32> = (0..count * outputs).map(at).collect();
        let across: Vec<f32> = (0..inputs * outputs).map(|i| weight[i % outputs * inputs + i / outputs]).collect();
        for level in Level::all() {
            let mut panels = vec![f32::NAN; panels_length(outputs, inputs)];
            pack(&weight, outputs, inputs, &mut panels);
            let mut transposed = vec![f32::NAN; panels.len()];
            pack_transposed(&across, outputs, inputs, &mut transposed);
            assert_eq!(panels, transposed);
            let rows = Rows { values: &x, stride: inputs, count, inputs };
            let mut out = vec![f32::NAN; count * outputs];
            let what = format!("{level:?}, {count} rows, {inputs} to {outputs}");
            linear(level, rows, &panels, &bias, &mut out, false);
            assert_near(&what, &out, &expected, largest(&expected) * TOLERANCE);
            linear(level, rows, &panels, &bias, &mut out, true);
            let twice: Vec<f32> = expected.iter().map(|v| 2.0 * v).collect();
            assert_near(&format!("{what}, added"), &out, &twice, largest(&twice) * TOLERANCE);
        }
    }
}

#[test]
fn sums_over_rows_agree_with_direct_sums_and_do_not_depend_on_the_threads() {
    // One row, a whole part, one row more, and several parts of which the last is short.
    for (rows, a, b) in [(1, 5, 3), (256, 12, 32), (257, 20, 33), (1030, 7, 40), (2500, 13, 5), (5000, 3, 2)] {
        let (left, right) = (random(rows * a, 1), random(rows * b, 2));
        // The sums begin with what is there.
        let (start, column_start) = (random(a * b, 3), random(b, 4));
        let sum = |i: usize| dot(rows, |row| [left[row * a + i / b], right[row * b + i % b]]) + f64::from(start[i]);
        let expected: Vec<f32> = (0..a * b).map(|i| sum(i) as f32).collect();
        let column = |i: usize| dot(rows, |row| [right[row * b + i], 1.0]) + f64::from(column_start[i]);
        let of_columns: Vec<f32> = (0..b).map(|i| column(i) as f32).collect();
        for level in Level::all() {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let workspace = Workspace::default();
                    // Whatever a buffer held before must not reach a result.
                    for length in [1 << 12, 1 << 16] {
                        let mut buffer = workspace.take(length);
                        buffer.fill(f32::NAN);
                        workspace.put(buffer);
                    }
                    let (mut sums, mut columns) = (start.clone(), column_start.clone());
                    add_outer_product(level, [&left, &right], [a, b], &mut sums, &workspace);
                    add_column_sums(&right, &mut columns);
                    (sums, columns)
                })
            };
            let (sums, columns) = run(1);
            let what = format!("{level:?}, {rows} rows, {a} x {b}");
            assert_near(&what, &sums, &expected, largest(&expected) * TOLERANCE);
            assert_near(&format!("{what}, columns"), &columns, &of_columns, largest(&of_columns) * TOLERANCE);
            assert_eq!(run(3), (sums, columns), "{what}: other bits with three threads than with one");
        }
    }
}
