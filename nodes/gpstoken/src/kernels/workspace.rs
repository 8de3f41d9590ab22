//! Reuse of memory. A fresh page of the system costs as much as filling it several times.

use super::memory::Buffer;
use std::sync::{Mutex, PoisonError};

/// The most numbers that the workspace keeps between runs: 256 MiB, enough for pictures of 256 pixels.
const KEPT: usize = 1 << 26;

/// A pool of free buffers.
#[derive(Default)]
pub struct Workspace {
    free: Mutex<Vec<Buffer>>,
}

impl Workspace {
    /// Takes a buffer of at least this length, with any content: the smallest free buffer that is long enough, or a new one.
    pub fn take(&self, length: usize) -> Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.sort_unstable_by_key(|buffer| buffer.len());
        let fitting = free.partition_point(|buffer| buffer.len() < length);
        if fitting < free.len() {
            return free.remove(fitting);
        }
        // The new buffer replaces the largest of the free buffers, which are all too small.
        let small = free.pop();
        drop(free);
        drop(small);
        Buffer::zeroed(length)
    }

    /// Frees the largest buffers until at most `KEPT` numbers remain for the next run.
    pub fn trim(&self) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.sort_unstable_by_key(|buffer| buffer.len());
        while free.iter().map(|buffer| buffer.len()).sum::<usize>() > KEPT {
            free.pop();
        }
    }

    /// Gives a buffer back.
    pub fn put(&self, buffer: Buffer) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").finish_non_exhaustive()
    }
}
