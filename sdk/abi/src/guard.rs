//! Stops panics at the interface. Each entry point runs inside [`guard`], in the library that may panic.

use crate::{NodeError, code, log_level, pack::Context};
use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

/// The result of a call across the interface.
pub type Outcome<T> = abi_stable::std_types::RResult<T, NodeError>;

struct Panic {
    message: String,
    location: String,
    backtrace: String,
}

thread_local! {
    static DEPTH: RefCell<u32> = const { RefCell::new(0) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

static LOG: OnceLock<Context> = OnceLock::new();

/// Installs a panic hook that reports to the host. Every library has its own copy of std and so its own panic hook; otherwise the host
/// can't see a pack's panics.
pub fn install_panic_hook(context: Context) {
    if LOG.set(context).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        let message = payload_text(info.payload());
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        if DEPTH.with(|d| *d.borrow() > 0) {
            let backtrace = std::backtrace::Backtrace::force_capture().to_string();
            LAST.with(|last| *last.borrow_mut() = Some(Panic { message, location, backtrace }));
        } else {
            let thread = std::thread::current();
            log(&format!(
                "thread '{}' of a pack panicked at {location}: {message}",
                thread.name().unwrap_or("unnamed")
            ));
        }
    }));
}

fn log(text: &str) {
    if let Some(context) = LOG.get() {
        context.log(log_level::ERROR, text.into());
    }
}

fn payload_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

/// Runs `work`. A panic becomes an error with the message and the place of the panic.
pub fn guard<T>(work: impl FnOnce() -> Result<T, NodeError>) -> Outcome<T> {
    DEPTH.with(|d| *d.borrow_mut() += 1);
    LAST.with(|last| last.borrow_mut().take());
    let result = catch_unwind(AssertUnwindSafe(work));
    DEPTH.with(|d| *d.borrow_mut() -= 1);
    match result {
        Ok(result) => result.into(),
        Err(payload) => {
            // A panic that comes from another thread does not run the hook again, so only its payload is known.
            let message = payload_text(&*payload);
            // The destructor of the payload is code of the pack, too.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(payload)));
            let panic = LAST.with(|last| last.borrow_mut().take()).unwrap_or_else(|| Panic {
                message,
                location: "another thread".to_owned(),
                backtrace: String::new(),
            });
            Outcome::RErr(NodeError {
                code: code::PANIC,
                message: panic.message.into(),
                location: panic.location.into(),
                detail: panic.backtrace.into(),
                extra: String::new().into(),
            })
        }
    }
}

/// Drops a value of a pack. The panic of a destructor does not reach the interface.
pub(crate) struct DropGuarded<T>(std::mem::ManuallyDrop<T>);

impl<T> DropGuarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::mem::ManuallyDrop::new(value))
    }
}

impl<T> std::ops::Deref for DropGuarded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Drop for DropGuarded<T> {
    fn drop(&mut self) {
        let dropped = guard(|| {
            // SAFETY: this is the one place that drops it, and `self` is not used afterwards.
            unsafe { std::mem::ManuallyDrop::drop(&mut self.0) };
            Ok(())
        });
        if let Outcome::RErr(error) = dropped {
            log(&format!("a value's destructor panicked at {}: {}", error.location, error.message));
        }
    }
}
