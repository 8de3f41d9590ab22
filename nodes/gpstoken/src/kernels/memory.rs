//! Fresh memory. Each page of it costs a fault and its clearing when it is first touched, which takes longer than filling it.

/// Bytes from which memory is asked for in large pages.
const LARGE: usize = 8 << 20;

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
