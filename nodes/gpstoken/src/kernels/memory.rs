//! Large memory. The first access to a fresh page costs a fault and the clearing of the page, which takes longer than filling it. An
//! ordinary write to memory outside the cache reads the memory first, which takes as long again.

/// The least size in bytes for which large pages and writes past the cache pay off.
pub(crate) const LARGE: usize = 8 << 20;

/// Numbers in a line of the cache.
pub(crate) const LINE: usize = 16;

/// Numbers in one write past the cache.
pub(crate) const PART: usize = 4;

/// A vector of zeros. On Linux, a long vector uses pages of 2 MiB instead of 4 KiB: a map of 64 MiB then causes 32 faults instead of
/// 16,384.
pub(crate) fn zeroed(length: usize) -> Vec<f32> {
    let memory = vec![0.0; length];
    prefer_large_pages(&memory);
    memory
}

/// Numbers that begin at a line of the cache. A system's allocator gives addresses between lines to long vectors, so that each register of
/// AVX-512 would read or write parts of two lines: Winograd's transforms take twice as long then.
#[derive(Default)]
pub struct Buffer {
    memory: Vec<f32>,
    start: usize,
}

impl Buffer {
    /// Zeros.
    pub fn zeroed(length: usize) -> Self {
        let mut memory = zeroed(length + LINE);
        let start = before_line(&memory).min(LINE);
        memory.truncate(start + length);
        Self { memory, start }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.start..]
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.start..]
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("length", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
fn prefer_large_pages(memory: &[f32]) {
    const PAGE: usize = 4096;
    let (start, bytes) = (memory.as_ptr(), size_of_val(memory));
    if bytes < LARGE {
        return;
    }
    let before = start.addr().next_multiple_of(PAGE) - start.addr();
    let inside = (bytes - before) / PAGE * PAGE;
    #[expect(unsafe_code, reason = "advice about memory, for measured kernels")]
    // SAFETY: the range consists of whole pages inside a live allocation, and this advice changes neither its content nor its rights. If
    // the system refuses the advice, nothing changes.
    unsafe {
        libc::madvise(start.cast_mut().byte_add(before).cast(), inside, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages(_: &[f32]) {}

/// The count of numbers before the first whole line of the cache.
pub(crate) fn before_line(memory: &[f32]) -> usize {
    memory.as_ptr().align_offset(LINE * size_of::<f32>()).min(memory.len())
}

/// Writes numbers past the cache. Their count is a multiple of [`PART`]. Call [`finish_streaming`] before another thread reads them.
#[inline(always)]
pub(crate) fn stream<const COUNT: usize>(to: &mut [f32; COUNT], from: &[f32; COUNT]) {
    const { assert!(COUNT.is_multiple_of(PART)) };
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};
        if to.as_ptr().addr().is_multiple_of(PART * size_of::<f32>()) {
            for (to, from) in to.as_chunks_mut::<PART>().0.iter_mut().zip(from.as_chunks::<PART>().0) {
                #[expect(unsafe_code, reason = "writes past the cache, for measured kernels")]
                // SAFETY: both slices have four numbers, the condition above checks that `to` is aligned to four numbers, and every x86-64
                // has SSE.
                unsafe {
                    _mm_stream_ps(to.as_mut_ptr(), _mm_loadu_ps(from.as_ptr()));
                }
            }
            return;
        }
    }
    *to = *from;
}

/// Completes the writes of [`stream`], so that other threads see them.
pub(crate) fn finish_streaming() {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: every x86-64 has SSE.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_memory_is_zero_and_can_be_written() {
        for length in [0, 1, LARGE / 4 - 1, LARGE / 4 + 1025] {
            let mut memory = zeroed(length);
            assert!(memory.len() == length && memory.iter().all(|v| *v == 0.0));
            memory.fill(1.0);
            assert_eq!(memory.iter().sum::<f32>(), length as f32);
        }
    }

    #[test]
    fn buffers_begin_at_a_line_of_the_cache() {
        for length in [0, 1, 15, 16, 17, 1000, LARGE / 4 + 3] {
            let mut buffer = Buffer::zeroed(length);
            assert!(buffer.len() == length && buffer.iter().all(|v| *v == 0.0));
            assert_eq!(buffer.as_ptr().addr() % (LINE * size_of::<f32>()), 0, "{length}");
            buffer.fill(1.0);
            let moved = buffer;
            assert_eq!(moved.as_ptr().addr() % (LINE * size_of::<f32>()), 0, "{length}, moved");
        }
    }
}
