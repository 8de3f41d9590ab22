//! How much memory the content of a file may take.

use crate::{Error, Result, bail};

/// The environment variable that allows more memory, in GiB.
const VARIABLE: &str = "SPLATGRAPH_READ_LIMIT";

/// The number of GiB that reading a file may take beyond twice the file's size, unless the user allows more.
const USUAL_GIB: usize = 1;

/// The memory that reading may take beyond the size of the file, in bytes.
fn allowed() -> Result<usize> {
    let gib = match std::env::var(VARIABLE) {
        Err(std::env::VarError::NotPresent) => USUAL_GIB,
        found => found.ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            Error::new(format!("expected a whole number of GiB in the environment variable {VARIABLE}, such as 8"))
        })?,
    };
    Ok(gib.saturating_mul(1 << 30))
}

/// The most bytes that are read from a pipe or a device, whose size nobody knows in advance.
pub(crate) fn of_stream() -> Result<usize> {
    allowed()
}

/// The error for a pipe or a device with more than [`of_stream`] bytes.
pub(crate) fn too_long(most: usize) -> Error {
    Error::new(format!(
        "expected at most {} GiB from a pipe or a device, got more; write it to a file first, or set {VARIABLE} to more GiB, such as 8",
        most >> 30
    ))
}

/// The memory that reading a picture may take beyond twice the size of its file, in bytes. With the program and the nodes around the
/// reading it stays below 1 GB.
const PICTURE_BYTES: u64 = 980_000_000;

/// Refuses a picture that takes too much memory, before somebody takes it. A file of a few bytes can declare any size, and the
/// decoders of several formats fill the memory for it without looking at the pixels.
///
/// `pixel_bytes` is the memory for a pixel while the picture is read, and `file_bytes` the size of the file. `most` is the number of
/// pixels that the user allows, from [`settings::max_pixels`](crate::settings::max_pixels); it replaces the limit by memory.
///
/// # Errors
/// The picture has no pixels, more than `most`, or takes more than 1 GB beyond twice the size of its file.
pub fn check_picture_size(
    (width, height): (u32, u32),
    pixel_bytes: u64,
    file_bytes: u64,
    most: Option<u64>,
) -> Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        bail!("expected at least one pixel, got a picture of {width} x {height}");
    }
    let bytes = pixels.saturating_mul(pixel_bytes);
    let (expected, takes) = match most {
        Some(most) if pixels > most => (format!("at most {most} pixels"), String::new()),
        None if bytes > PICTURE_BYTES.saturating_add(file_bytes.saturating_mul(2)) => (
            "a picture that takes at most 1 GB of memory beyond twice the size of its file".to_owned(),
            format!(", which takes {} MB for a file of {file_bytes} bytes", bytes.div_ceil(1_000_000)),
        ),
        _ => return Ok(()),
    };
    bail!(
        "expected {expected}, got a picture of {width} x {height} = {pixels} pixels{takes}; make it smaller with another program first, or \
         allow it with --max-pixels {pixels}"
    );
}

/// The memory that is left for reading one file.
pub(crate) struct Budget {
    left: usize,
    file: usize,
    beyond: usize,
}

impl Budget {
    /// The budget for a file of so many bytes, which are in memory already.
    pub(crate) fn of_file(bytes: usize) -> Result<Self> {
        let beyond = allowed()?;
        Ok(Self { left: bytes.saturating_add(beyond), file: bytes, beyond })
    }

    /// Accounts for memory before somebody takes it.
    ///
    /// # Errors
    /// Nothing is left of the budget.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            Error::new(format!(
                "expected a file of {} bytes to need at most twice its size and {} GiB of memory, got one that needs more; if you trust the file, set the environment variable {VARIABLE} to more GiB, such as 8",
                self.file,
                self.beyond >> 30
            ))
        })?;
        Ok(())
    }
}
