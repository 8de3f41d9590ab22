//! The binary interface between the Splatgraph host and node packs. The interface is frozen: it only grows.
//!
//! Pack authors use `splatgraph-sdk` and never this crate. It is the only crate that names `abi_stable`, and the only one with
//! `unsafe` code for the interface, except for the code of the host that opens libraries.
//!
//! A library is a pack if it exports [`STAMP_SYMBOL`], plain C data that the host reads before any code of the library runs.
//! Then the host compares the layouts of [`Pack`] in both directions ([`open_pack`]). An old pack loads in a newer host, and a new
//! pack in an older host, as long as the changes between them are only these:
//! - a field appended to [`Pack`] after the last one, or a method with a default body at the end of a trait here;
//! - a new number in an open set ([`kind`], [`code`], devices, log levels), a new key in a JSON text.
//!
//! Any other change raises [`ABI_MAJOR`]. The test `host/tests/frozen` checks this.
#![warn(missing_docs)]
#![allow(unsafe_code, reason = "the interface itself; every block states why it is sound")]
// The expansion of abi_stable's macros.
#![allow(unused_qualifications, non_local_definitions, reason = "code that abi_stable's macros write")]

mod dlpack;
mod guard;
mod host;
mod object;
mod pack;
mod stamp;

pub use dlpack::{DataType, Device, DlTensor, ForeignTensor, device, dtype};
pub use guard::{Outcome, guard, install_panic_hook};
pub use host::{HostContext, context};
pub use object::{Shared, Value, kind, origin, share, take_back};
pub use pack::{
    Context, HostCtx, NodeBox, NodeError, NodeObject, Pack, PackRef, RunNode, code, log_level, node_object, open_pack,
    share_context,
};
pub use stamp::{STAMP_ID, STAMP_MAGIC, STAMP_SYMBOL, Stamp, StampText, read_stamp};

pub use abi_stable;

/// Interface generation; packs and hosts of different generations refuse each other.
pub const ABI_MAJOR: u32 = 1;
/// The number of additions in this generation.
pub const ABI_MINOR: u32 = 2;
