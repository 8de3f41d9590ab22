//! The host's side of the context of a node.

use crate::{
    Value, guard,
    guard::DropGuarded,
    pack::{Context, HostCtx, HostCtx_TO},
};
use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RArc, RStr, RString},
};

/// [`HostCtx`] in plain Rust; may panic.
pub trait HostContext: Send + Sync + 'static {
    /// Reports `done` of `total` steps.
    fn progress(&self, done: u64, total: u64, note: &str);
    /// Shows a value while the node runs.
    fn preview(&self, value: Value);
    /// Whether the node should stop.
    fn cancelled(&self) -> bool;
    /// The run's settings: a JSON object.
    fn settings(&self) -> String;
    /// Writes a line to the log, at one of [`crate::log_level`].
    fn log(&self, level: u32, text: &str);
}

struct Adapter<T>(DropGuarded<T>);

impl<T: HostContext> HostCtx for Adapter<T> {
    fn progress(&self, done: u64, total: u64, note: RStr<'_>) {
        let _ = guard(|| {
            self.0.progress(done, total, note.as_str());
            Ok(())
        });
    }
    fn preview(&self, value: Value) {
        let _ = guard(|| {
            self.0.preview(value);
            Ok(())
        });
    }
    fn cancelled(&self) -> bool {
        guard(|| Ok(self.0.cancelled())).unwrap_or(true)
    }
    fn settings(&self) -> RString {
        guard(|| Ok(RString::from(self.0.settings()))).unwrap_or(RString::from("{}"))
    }
    fn log(&self, level: u32, text: RStr<'_>) {
        let _ = guard(|| {
            self.0.log(level, text.as_str());
            Ok(())
        });
    }
}

/// The binary form of a host's context.
pub fn context(host: impl HostContext) -> Context {
    HostCtx_TO::from_ptr(RArc::new(Adapter(DropGuarded::new(host))), TD_Opaque)
}
