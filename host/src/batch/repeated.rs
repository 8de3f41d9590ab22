//! Finds what is there twice among many things, with 8 bytes for each: by hashes, and things with equal hashes are compared exactly.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

/// A hash of 64 bits, the same in every run.
pub(super) fn hash_of(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The hashes that occur more than once, sorted.
pub(super) fn repeated_hashes(hashes: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut all: Vec<u64> = hashes.collect();
    all.sort_unstable();
    let mut twice: Vec<u64> = all.array_windows().filter(|[one, other]| one == other).map(|[one, _]| *one).collect();
    twice.dedup();
    twice
}

/// The first of `count` things that is equal to an earlier one, as the positions of both.
pub(super) fn first_repeated<T: Hash + Eq>(count: usize, thing: impl Fn(usize) -> T) -> Option<(usize, usize)> {
    let twice: HashSet<u64> = repeated_hashes((0..count).map(|at| hash_of(&thing(at)))).into_iter().collect();
    if twice.is_empty() {
        return None;
    }
    let mut seen: HashMap<T, usize> = HashMap::new();
    (0..count).find_map(|at| {
        let value = thing(at);
        if !twice.contains(&hash_of(&value)) {
            return None;
        }
        let earlier = *seen.entry(value).or_insert(at);
        (earlier != at).then_some((earlier, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All values have the same hash.
    #[derive(PartialEq, Eq)]
    struct Colliding(u32);
    impl Hash for Colliding {
        fn hash<H: Hasher>(&self, state: &mut H) {
            0.hash(state);
        }
    }

    #[test]
    fn the_first_that_is_there_twice_is_found() {
        let of = |list: &[u32]| first_repeated(list.len(), |at| list[at]);
        assert_eq!(of(&[1, 2, 3]), None);
        assert_eq!(of(&[5, 1, 2, 1, 5]), Some((1, 3)));
        assert_eq!(repeated_hashes([3, 1, 3, 2, 3, 1].into_iter()), [1, 3]);
    }

    #[test]
    fn things_with_equal_hashes_are_compared() {
        let of = |list: &[u32]| first_repeated(list.len(), |at| Colliding(list[at]));
        assert_eq!(of(&[1, 2, 3]), None);
        assert_eq!(of(&[1, 2, 3, 2]), Some((1, 3)));
    }
}
