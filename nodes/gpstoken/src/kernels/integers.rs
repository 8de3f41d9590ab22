//! Exact products of whole numbers.

use super::cpu::for_each_level;

for_each_level! {
    /// Adds to `sums[j]` the product of the first column with column j, of columns of `rows` numbers each. The product of two columns stays
    /// below 2^63.
    pub fn add_products(columns: &[i32], rows: usize, sums: &mut [i128]) => add_products_at
}

#[inline(always)]
fn add_products_at<const L: u8>(columns: &[i32], rows: usize, sums: &mut [i128]) {
    let first = &columns[..rows];
    for (column, sum) in columns.chunks_exact(rows).zip(sums) {
        let mut product = 0_i64;
        for (a, b) in first.iter().zip(column) {
            product += i64::from(*a) * i64::from(*b);
        }
        *sum += i128::from(product);
    }
}
