//! How much memory the content of a file may take.

use crate::{Error, Result};

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
