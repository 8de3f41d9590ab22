//! The functions that a pack exports, and the context that the host gives to its nodes.

use crate::{Outcome, Value, guard, guard::DropGuarded, stamp::StampText};
use abi_stable::{
    StableAbi,
    abi_stability::abi_checking::{CheckingGlobals, check_layout_compatibility_with_globals},
    declare_root_module_statics,
    library::{LibHeader, RootModule, lib_header_from_path},
    sabi_trait,
    sabi_trait::TD_Opaque,
    sabi_types::VersionStrings,
    std_types::{RArc, RBox, ROption, RSlice, RStr, RString, RVec},
};
use std::path::Path;

/// Why a call failed. The layout is frozen; additions go into `extra`.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct NodeError {
    /// One of [`code`].
    pub code: u32,
    /// The text for the user: the failed activity, the expected and the actual value, and the next step.
    pub message: RString,
    /// `src/lib.rs:10:5`, or empty.
    pub location: RString,
    /// A backtrace or a chain of causes, or empty.
    pub detail: RString,
    /// A JSON object, or empty; `input` names the input that caused the failure.
    pub extra: RString,
}

/// Kinds of errors; an open set.
pub mod code {
    /// The work failed.
    pub const FAILED: u32 = 1;
    /// The pack has a bug.
    pub const PANIC: u32 = 2;
    /// The host asked the node to stop.
    pub const CANCELLED: u32 = 3;
    /// An input's value can't be used.
    pub const BAD_INPUT: u32 = 4;
    /// A pack or a model is missing.
    pub const MISSING: u32 = 5;
}

/// Levels of log lines; an open set.
pub mod log_level {
    /// For the pack's author.
    pub const DEBUG: u32 = 1;
    /// For the user.
    pub const INFO: u32 = 2;
    /// The result may not be what the user wants.
    pub const WARN: u32 = 3;
    /// A failure.
    pub const ERROR: u32 = 4;
}

impl NodeError {
    /// An error about an input's value.
    #[must_use]
    pub fn bad_input(message: String) -> Self {
        Self {
            code: code::BAD_INPUT,
            message: message.into(),
            location: RString::new(),
            detail: RString::new(),
            extra: RString::new(),
        }
    }
}

/// The services that a host offers to a running node. New methods go to the end, with a default body.
#[sabi_trait]
pub trait HostCtx: Send + Sync {
    /// Reports `done` of `total` steps.
    fn progress(&self, done: u64, total: u64, note: RStr<'_>);
    /// Shows a value while the node runs.
    fn preview(&self, value: Value);
    /// Whether the node should stop.
    fn cancelled(&self) -> bool;
    /// The run's settings: a JSON object.
    fn settings(&self) -> RString;
    /// Writes a line to the log, at one of [`log_level`].
    #[sabi(last_prefix_field)]
    fn log(&self, level: u32, text: RStr<'_>);
}

/// A shared [`HostCtx`].
pub type Context = HostCtx_TO<'static, RArc<()>>;

/// An instance of a node. New methods go to the end, with a default body.
#[sabi_trait]
pub trait NodeObject: Send + Sync {
    /// Turns values in the order of the spec's inputs into values in the order of its outputs.
    #[sabi(last_prefix_field)]
    fn run(&self, context: &Context, inputs: RSlice<'_, Value>) -> Outcome<RVec<Value>>;
}

/// An owned [`NodeObject`].
pub type NodeBox = NodeObject_TO<'static, RBox<()>>;

/// The exports of a pack. New fields go to the end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PackRef, prefix_fields = PackPrefix)))]
#[sabi(missing_field(option))]
pub struct Pack {
    /// JSON: id, version and nodes with their sockets.
    pub manifest: extern "C" fn() -> RString,
    /// Prepares the pack. The host calls it once, before it creates the first node.
    pub init: extern "C" fn(context: Context),
    /// Creates an instance of a node class.
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(node: RStr<'_>) -> Outcome<NodeBox>,
    /// JSON: the devices that the pack's nodes can compute on, the best one first. Since 1.1.
    pub devices: extern "C" fn() -> RString,
    /// The content of one of the files in the manifest's `web`. Since 1.2.
    pub web_file: extern "C" fn(name: RStr<'_>) -> ROption<RSlice<'static, u8>>,
}

impl RootModule for PackRef {
    declare_root_module_statics! {PackRef}
    const BASE_NAME: &'static str = "splatgraph_pack";
    const NAME: &'static str = "splatgraph_pack";
    // The version of the interface, not of this crate. abi_stable refuses packs with another major version.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

/// A node in plain Rust. It may panic.
pub trait RunNode: Send + Sync + 'static {
    /// See [`NodeObject::run`].
    ///
    /// # Errors
    /// The node failed.
    fn run(&self, context: &Context, inputs: &[Value]) -> Result<Vec<Value>, NodeError>;
}

struct NodeAdapter<T>(DropGuarded<T>);

impl<T: RunNode> NodeObject for NodeAdapter<T> {
    fn run(&self, context: &Context, inputs: RSlice<'_, Value>) -> Outcome<RVec<Value>> {
        guard(|| self.0.run(context, inputs.as_slice()).map(RVec::from))
    }
}

/// The binary form of a node.
pub fn node_object(node: impl RunNode) -> NodeBox {
    NodeObject_TO::from_value(NodeAdapter(DropGuarded::new(node)), TD_Opaque)
}

/// Compares the interface of the library at `path` with this one and returns its exports.
///
/// This does not use the loading of abi_stable, which keeps one module per *type*, so that the second pack would be the first one.
///
/// # Errors
/// The interfaces differ. The text says in a few lines where.
pub fn open_pack(path: &Path, stamp: &StampText) -> Result<PackRef, String> {
    let header = lib_header_from_path(path).map_err(|e| format!("its exports could not be read: {e}"))?;
    compatible(header).map_err(|difference| {
        format!(
            "its binary interface differs from this host's: {difference}. It was built with SDK {} by {}; rebuild it with the SDK of this host",
            stamp.sdk, stamp.rustc
        )
    })?;
    // SAFETY: the layouts were found compatible just above.
    unsafe { header.init_root_module_with_unchecked_layout::<PackRef>() }
        .map_err(|e| format!("its exports could not be set up: {e}"))
}

/// Compares the layouts in both directions. abi_stable accepts a library if its prefix types have at least the fields that this
/// program knows, so a newer host would refuse older packs. Accessors test at run time which fields exist, so the other direction is
/// sound, too. Each comparison uses fresh globals: with the process-wide ones, the result depends on the order of loading.
fn compatible(header: &LibHeader) -> Result<(), String> {
    let theirs = header.layout().ok_or("it carries no description of its interface")?;
    let ours = <PackRef as StableAbi>::LAYOUT;
    let check = |a, b| check_layout_compatibility_with_globals(a, b, &CheckingGlobals::new());
    match check(ours, theirs) {
        Ok(()) => Ok(()),
        Err(_) if check(theirs, ours).is_ok() => Ok(()),
        Err(e) => Err(brief(&e.to_string())),
    }
}

/// Shortens the report, which has thousands of lines. The last lines name the difference.
fn brief(report: &str) -> String {
    let useful: Vec<&str> = report
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.chars().all(|c| "-=|<>() ".contains(c)))
        .collect();
    useful[useful.len().saturating_sub(6)..].join(" ")
}

/// Another handle to the same context.
#[must_use]
pub fn share_context(context: &Context) -> Context {
    HostCtx_TO::from_sabi(context.obj.shallow_clone())
}

/// Exports [`PackRef`] under abi_stable's symbol. It expands like `#[export_root_module]`, but with paths through this crate, so that
/// a pack needs no dependency on abi_stable.
#[macro_export]
macro_rules! export_root {
    ($manifest:path, $init:path, $create:path, $devices:path, $web_file:path) => {
        fn make() -> $crate::PackRef {
            use $crate::abi_stable::prefix_type::PrefixTypeTrait;
            $crate::Pack { manifest: $manifest, init: $init, create: $create, devices: $devices, web_file: $web_file }
                .leak_into_prefix()
        }
        extern "C" fn make_erased() -> $crate::abi_stable::library::RootModuleResult {
            $crate::abi_stable::library::__call_root_module_loader(make)
        }
        // SAFETY: nothing else exports this name; the header describes the `PackRef` that `make_erased` returns.
        #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
        pub static ROOT: $crate::abi_stable::library::LibHeader = unsafe {
            $crate::abi_stable::library::LibHeader::from_constructor::<$crate::PackRef>(
                make_erased,
                $crate::abi_stable::library::CheckTypeLayout::Yes,
            )
        };
    };
}
