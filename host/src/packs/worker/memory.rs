//! Memory that processes share: buffers that this process fills, and buffers that the other end filled.

use memmap2::{MmapMut, MmapOptions};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::lock::lock;

/// Tensors begin at multiples of this number of bytes, as DLPack advises for vector instructions.
pub(super) const ALIGNMENT: usize = 64;
/// Buffers have whole pages.
const PAGE: usize = 4096;
/// The most bytes of buffers that wait for their next use.
const MOST_FREE: usize = 256 << 20;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// A buffer of this process. The other end maps its file.
pub(super) struct Region {
    pub(super) id: u64,
    pub(super) file: File,
    memory: MmapMut,
}

impl Region {
    /// # Errors
    /// There is not enough memory.
    pub(super) fn new(bytes: usize) -> Result<Self> {
        let size = bytes.checked_next_multiple_of(PAGE).ok_or(ErrorKind::OutOfMemory)?;
        let file = anonymous_file(size)?;
        // SAFETY: nobody else writes to the file, as the other end maps it to read. Its size can't change, so that no access
        // leaves it.
        #[expect(unsafe_code, reason = "memory that processes share")]
        let memory = unsafe { MmapOptions::new().len(size).map_mut(&file) }?;
        Ok(Self { id: NUMBERS.fetch_add(1, Ordering::Relaxed), file, memory })
    }

    pub(super) fn size(&self) -> usize {
        self.memory.len()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}

/// A file in memory without a name. Its size can't change. Its pages are there, so that a write can't fail later.
#[cfg(target_os = "linux")]
fn anonymous_file(size: usize) -> Result<File> {
    use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, memfd_create};
    let file = memfd_create("splatgraph", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    fallocate(&file, FallocateFlags::empty(), 0, size as u64)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW)?;
    Ok(file.into())
}

#[cfg(not(target_os = "linux"))]
fn anonymous_file(size: usize) -> Result<File> {
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("splatgraph-{}-{number}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    file.set_len(size as u64)?;
    Ok(file)
}

/// Whether the owner of a file can't make it smaller while it is mapped.
#[cfg(target_os = "linux")]
fn keeps_its_size(file: &File) -> bool {
    use rustix::fs::{SealFlags, fcntl_get_seals};
    fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK))
}

#[cfg(not(target_os = "linux"))]
fn keeps_its_size(_: &File) -> bool {
    false
}

/// The buffers of this process that no other end reads now.
#[derive(Default)]
pub(super) struct Pool {
    free: Vec<Region>,
    bytes: usize,
}

impl Pool {
    /// Takes a buffer of at least `bytes`, but none that is much larger.
    pub(super) fn take(&mut self, bytes: usize) -> Option<Region> {
        let fits = |region: &&(usize, usize)| (bytes..=2 * bytes + (1 << 20)).contains(&region.1);
        let sizes: Vec<(usize, usize)> = self.free.iter().map(Region::size).enumerate().collect();
        let (position, size) = *sizes.iter().filter(fits).min_by_key(|region| region.1)?;
        self.bytes -= size;
        Some(self.free.swap_remove(position))
    }

    /// Keeps a buffer for the next use. Returns the numbers of those that are given up for it, the oldest ones.
    pub(super) fn put(&mut self, region: Region) -> Vec<u64> {
        self.bytes += region.size();
        self.free.push(region);
        let mut gone = Vec::new();
        while self.bytes > MOST_FREE && !self.free.is_empty() {
            let oldest = self.free.remove(0);
            self.bytes -= oldest.size();
            gone.push(oldest.id);
        }
        gone
    }
}

/// A buffer of the other end, which it fills again after each use.
pub(super) struct Lent {
    /// The number of its owner.
    pub(super) id: u64,
    /// The number under which this process passes it on.
    pub(super) own_id: u64,
    pub(super) file: File,
    pub(super) size: usize,
}

impl Lent {
    /// # Errors
    /// The file is smaller than its owner says.
    pub(super) fn new(id: u64, size: u64, file: File) -> Result<Self> {
        let about = file.metadata()?;
        let size = usize::try_from(size).map_err(|_| ErrorKind::OutOfMemory)?;
        let wrong = |message: String| Err(Error::new(ErrorKind::InvalidData, message));
        if about.len() < size as u64 {
            return wrong(format!("expected a buffer of {size} bytes, got {}", about.len()));
        }
        if !about.is_file() {
            return wrong("expected a file for a buffer, got a folder or device".to_owned());
        }
        Ok(Self { id, own_id: NUMBERS.fetch_add(1, Ordering::Relaxed), file, size })
    }

    /// Its memory for one use, private to this process and not read-only: Python libraries such as PyTorch ignore that an array is
    /// read-only, and a write to memory that can't be written would end this process. Such a write changes a copy of the page, which the
    /// owner and the next use never see.
    fn map(&self) -> Result<MmapMut> {
        use std::os::unix::fs::FileExt;
        if keeps_its_size(&self.file) {
            // SAFETY: the file can't become smaller. Its owner fills it before it sends it, and does not write to it until the
            // buffer is released. A worker that breaks this rule changes pictures, but not the safety of other memory: all values
            // of the element types of tensors are valid, and the host checks no length twice.
            #[expect(unsafe_code, reason = "memory that processes share")]
            return unsafe { MmapOptions::new().len(self.size).map_copy(&self.file) };
        }
        // The owner could make the file smaller, and then reading it would end this process.
        let mut copy = MmapMut::map_anon(self.size)?;
        self.file.read_exact_at(&mut copy, 0)?;
        Ok(copy)
    }
}

/// The use of a buffer of the other end by tensors. When the last of them goes, the buffer is released.
pub(super) struct Loan {
    pub(super) lent: Arc<Lent>,
    memory: MmapMut,
    release: Box<dyn Fn(u64) + Send + Sync>,
}

/// The loans of this process, by the addresses of their memory.
static LOANS: Mutex<BTreeMap<usize, Weak<Loan>>> = Mutex::new(BTreeMap::new());

impl Loan {
    /// # Errors
    /// There is not enough memory, or the file has become smaller.
    pub(super) fn new(lent: Arc<Lent>, release: impl Fn(u64) + Send + Sync + 'static) -> Result<Arc<Self>> {
        let memory = lent.map()?;
        let loan = Arc::new(Self { lent, memory, release: Box::new(release) });
        if !loan.bytes().is_empty() {
            lock(&LOANS).insert(loan.bytes().as_ptr().addr(), Arc::downgrade(&loan));
        }
        Ok(loan)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory
    }

    /// The loan whose memory holds `bytes`, and where they begin there.
    pub(super) fn with(bytes: &[u8]) -> Option<(Arc<Self>, usize)> {
        let address = bytes.as_ptr().addr();
        let loan = lock(&LOANS).range(..=address).next_back()?.1.upgrade()?;
        let offset = address - loan.bytes().as_ptr().addr();
        let holds = offset.checked_add(bytes.len()).is_some_and(|end| end <= loan.bytes().len());
        (holds && !bytes.is_empty()).then_some((loan, offset))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if !self.bytes().is_empty() {
            lock(&LOANS).remove(&self.bytes().as_ptr().addr());
        }
        (self.release)(self.lent.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_the_oldest_are_given_up() {
        let mut pool = Pool::default();
        assert!(pool.take(10).is_none());
        let (small, large) = (Region::new(10).unwrap(), Region::new(8 << 20).unwrap());
        let (first, second) = (small.id, large.id);
        assert_eq!((small.size(), large.size()), (4096, 8 << 20));
        assert!(pool.put(small).is_empty() && pool.put(large).is_empty());
        assert_eq!(pool.take(5 << 20).unwrap().id, second);
        assert!(pool.take(5 << 20).is_none());
        assert_eq!(pool.take(4096).unwrap().id, first);
        for _ in 0..3 {
            pool.put(Region::new(100 << 20).unwrap());
        }
        assert!(pool.bytes <= MOST_FREE && pool.free.len() == 2);
    }

    #[test]
    fn each_use_reads_what_was_written_last() {
        let mut region = Region::new(5000).unwrap();
        let lent = Arc::new(Lent::new(3, 5000, region.file.try_clone().unwrap()).unwrap());
        for value in [7, 8] {
            region.bytes_mut()[4999] = value;
            let loan = Loan::new(lent.clone(), |_| ()).unwrap();
            assert_eq!((loan.bytes().len(), loan.bytes()[4999]), (5000, value));
            // What this end writes stays here.
            let mut loan = Arc::into_inner(loan).unwrap();
            loan.memory[4999] = 9;
            assert_eq!((loan.bytes()[4999], region.bytes_mut()[4999]), (9, value));
        }
        let error = Lent::new(3, 9000, region.file.try_clone().unwrap()).err().unwrap();
        assert_eq!(error.to_string(), "expected a buffer of 9000 bytes, got 8192");
    }

    #[test]
    fn a_file_that_could_become_smaller_is_copied_for_each_use() {
        use std::os::unix::fs::FileExt;
        let plain = tempfile::tempfile().unwrap();
        let lent = Arc::new({
            plain.set_len(12).unwrap();
            Lent::new(4, 12, plain.try_clone().unwrap()).unwrap()
        });
        for value in [1, 2] {
            plain.write_all_at(&[value; 12], 0).unwrap();
            let loan = Loan::new(lent.clone(), |_| ()).unwrap();
            plain.write_all_at(&[0; 12], 0).unwrap();
            assert_eq!(loan.bytes(), [value; 12]);
        }
        plain.set_len(0).unwrap();
        assert!(Loan::new(lent, |_| ()).is_err());
    }

    #[test]
    fn loans_are_found_by_address_and_released_once() {
        let region = Region::new(100).unwrap();
        let lent = Arc::new(Lent::new(9, 100, region.file.try_clone().unwrap()).unwrap());
        let released = Arc::new(Mutex::new(Vec::new()));
        let told = released.clone();
        let loan = Loan::new(lent, move |id| lock(&told).push(id)).unwrap();
        let (found, offset) = Loan::with(&loan.bytes()[64..]).unwrap();
        assert_eq!((found.lent.id, offset), (9, 64));
        assert!(Loan::with(&[1, 2, 3]).is_none());
        drop(loan);
        assert!(lock(&released).is_empty());
        drop(found);
        assert_eq!(*lock(&released), [9]);
        assert!(lock(&LOANS).values().all(|loan| loan.strong_count() > 0));
    }
}
