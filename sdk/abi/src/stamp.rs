//! The stamp of a pack, which the host reads before any code of the pack runs.

use std::ffi::{CStr, c_char};
use std::mem::offset_of;

/// The symbol of a pack's [`Stamp`].
pub const STAMP_SYMBOL: &str = "SPLATGRAPH_PACK";

/// The first bytes of a [`Stamp`].
pub const STAMP_MAGIC: [u8; 8] = *b"SPLATGR1";
/// The place of the pointer to the id in a [`Stamp`], for hosts that read it from a file.
pub const STAMP_ID: usize = offset_of!(Stamp, id);

const MAGIC: u64 = u64::from_le_bytes(STAMP_MAGIC);

/// Plain C data in every pack under [`STAMP_SYMBOL`]. Its layout never changes, whatever the interface generation.
#[repr(C)]
pub struct Stamp {
    magic: u64,
    size: u32,
    abi_major: u32,
    abi_minor: u32,
    reserved: u32,
    id: *const c_char,
    version: *const c_char,
    sdk: *const c_char,
    rustc: *const c_char,
    target: *const c_char,
}

// SAFETY: the pointers are to static, constant text.
unsafe impl Sync for Stamp {}

impl Stamp {
    /// A stamp of this interface generation.
    #[must_use]
    pub const fn new(
        id: &'static CStr,
        version: &'static CStr,
        sdk: &'static CStr,
        rustc: &'static CStr,
        target: &'static CStr,
    ) -> Self {
        Self {
            magic: MAGIC,
            size: size_of::<Self>() as u32,
            abi_major: crate::ABI_MAJOR,
            abi_minor: crate::ABI_MINOR,
            reserved: 0,
            id: id.as_ptr(),
            version: version.as_ptr(),
            sdk: sdk.as_ptr(),
            rustc: rustc.as_ptr(),
            target: target.as_ptr(),
        }
    }
}

/// The content of a [`Stamp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampText {
    /// Interface generation.
    pub abi_major: u32,
    /// The number of additions in this generation.
    pub abi_minor: u32,
    /// The pack's id.
    pub id: String,
    /// The pack's version.
    pub version: String,
    /// The SDK that built the pack.
    pub sdk: String,
    /// The compiler that built the pack.
    pub rustc: String,
    /// The platform of the pack.
    pub target: String,
}

/// Reads the stamp at `symbol`.
///
/// # Errors
/// The bytes there do not begin with the right magic number.
///
/// # Safety
/// `symbol` is the address of [`STAMP_SYMBOL`] in a library that stays loaded during the call.
pub unsafe fn read_stamp(symbol: *const ()) -> Result<StampText, String> {
    let stamp = symbol.cast::<Stamp>();
    // SAFETY: by this function's contract at least the eight bytes of `magic` are there.
    let magic = unsafe { (*stamp).magic };
    if magic != MAGIC {
        return Err(format!("its symbol {STAMP_SYMBOL} does not hold a pack's stamp (it begins with {magic:#018x})"));
    }
    let text = |pointer: *const c_char| {
        if pointer.is_null() {
            return String::new();
        }
        // SAFETY: a stamp with the right magic holds NUL-terminated static text, or null.
        unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
    };
    // SAFETY: the magic number vouches for the layout, which is the same in every generation.
    let stamp = unsafe { &*stamp };
    Ok(StampText {
        abi_major: stamp.abi_major,
        abi_minor: stamp.abi_minor,
        id: text(stamp.id),
        version: text(stamp.version),
        sdk: text(stamp.sdk),
        rustc: text(stamp.rustc),
        target: text(stamp.target),
    })
}
