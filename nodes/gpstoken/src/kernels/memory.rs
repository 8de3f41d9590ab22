//! Large memory. Each fresh page of it costs a fault and its clearing when it is first touched, which takes longer than filling it.
//! What is not in the cache is read before an ordinary write changes it, which takes as long again.

/// Bytes from which memory is asked for in large pages, and from which writing past the cache pays.
pub(crate) const LARGE: usize = 8 << 20;

/// Numbers of a line of the cache.
pub(crate) const LINE: usize = 16;

/// Numbers that are written past the cache together.
pub(crate) const PART: usize = 4;

/// Zeros. On Linux, where there are many of them, in pages of 2 MiB instead of 4 KiB: a map of 64 MiB then comes with 32 faults
/// instead of 16,384.
pub(crate) fn zeroed(length: usize) -> Vec<f32> {
    let memory = vec![0.0; length];
    prefer_large_pages(&memory);
    memory
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
    // SAFETY: the range is whole pages inside a live allocation, and this advice changes neither its content nor its rights. Where
    // it is refused nothing changes.
    unsafe {
        libc::madvise(start.cast_mut().byte_add(before).cast(), inside, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages(_: &[f32]) {}

/// How many numbers come before the first whole line of the cache.
pub(crate) fn before_line(memory: &[f32]) -> usize {
    memory.as_ptr().align_offset(LINE * size_of::<f32>()).min(memory.len())
}

/// Writes a multiple of [`PART`] past the cache. Before another thread reads them, [`finish_streaming`].
#[inline(always)]
pub(crate) fn stream<const COUNT: usize>(to: &mut [f32; COUNT], from: &[f32; COUNT]) {
    const { assert!(COUNT.is_multiple_of(PART)) };
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};
        if to.as_ptr().addr().is_multiple_of(PART * size_of::<f32>()) {
            for (to, from) in to.as_chunks_mut::<PART>().0.iter_mut().zip(from.as_chunks::<PART>().0) {
                #[expect(unsafe_code, reason = "writes past the cache, for measured kernels")]
                // SAFETY: both are four numbers, `to` is aligned to four numbers as was just checked, and every x86-64 has SSE.
                unsafe {
                    _mm_stream_ps(to.as_mut_ptr(), _mm_loadu_ps(from.as_ptr()));
                }
            }
            return;
        }
    }
    *to = *from;
}

/// Ends [`stream`]: other threads see what this one wrote.
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
}
