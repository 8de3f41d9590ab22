//! The largest number of regions that a tile can be cut into.

use std::collections::HashMap;

/// The number of regions when no region can be cut further. It depends only on the sizes: a cut goes across the longer side,
/// and both cuts of a square give the same two sizes, rotated.
pub fn capacity(width: usize, height: usize, min_region: usize) -> usize {
    count(width, height, min_region, &mut HashMap::new())
}

fn count(width: usize, height: usize, min_region: usize, known: &mut HashMap<(usize, usize), usize>) -> usize {
    let (long, short) = (width.max(height), width.min(height));
    if long <= min_region + 1 {
        return 1;
    }
    if let Some(&count) = known.get(&(long, short)) {
        return count;
    }
    let half = long / 2;
    let total = count(half, short, min_region, known) + count(long - half, short, min_region, known);
    known.insert((long, short), total);
    total
}
