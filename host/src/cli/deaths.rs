//! Says which node ended the process, if a pack does so, and with which signal.
//!
//! A pack is code in this process. It may call `exit`, also with code 0, or crash. Neither may look like success.
#![expect(unsafe_code, reason = "no safe function registers handlers for the end of a process and for fatal signals")]

use std::io::IsTerminal;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use libc::{c_int, c_void, sigaction, siginfo_t};
use splatgraph::calls;

use super::failure::FAILED;
use super::process_state::error_output;

/// The signals with which a crash ends a process, in words.
const SIGNALS: [(c_int, &str); 7] = [
    (libc::SIGABRT, "the signal SIGABRT"),
    (libc::SIGBUS, "the signal SIGBUS"),
    (libc::SIGFPE, "the signal SIGFPE"),
    (libc::SIGILL, "the signal SIGILL"),
    (libc::SIGSEGV, "the signal SIGSEGV"),
    (libc::SIGSYS, "the signal SIGSYS"),
    (libc::SIGTRAP, "the signal SIGTRAP"),
];

/// The handlers that were there before, such as the one of the Rust runtime for stack overflows.
static BEFORE: [OnceLock<sigaction>; SIGNALS.len()] = [const { OnceLock::new() }; SIGNALS.len()];
/// Whether the program itself ends the process.
static ENDING: AtomicBool = AtomicBool::new(false);
static NOTED: AtomicBool = AtomicBool::new(false);
/// Whether bars may be on the line of the cursor.
static TERMINAL: AtomicBool = AtomicBool::new(false);
/// The process that registered the handlers. Processes that a pack forks have them too.
static PROCESS: AtomicI32 = AtomicI32::new(0);

/// Registers handlers for `exit` and for fatal signals.
pub(crate) fn watch() {
    PROCESS.store(this_process(), Ordering::Relaxed);
    TERMINAL.store(std::io::stderr().is_terminal(), Ordering::Relaxed);
    // SAFETY: `at_exit` is a function without arguments that does not unwind, and it stays in memory.
    unsafe { libc::atexit(at_exit) };
    for ((signal, _), before) in SIGNALS.iter().zip(&BEFORE) {
        let mut old = MaybeUninit::<sigaction>::uninit();
        // SAFETY: all bytes zero are a valid `sigaction`: the default action, no flags, no blocked signals.
        let mut new: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        new.sa_sigaction = on_signal as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as usize;
        // A stack overflow leaves no room on the stack of the thread.
        new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both point to memory for a `sigaction`. The handler only calls functions that are allowed in handlers.
        if unsafe { sigaction(*signal, &raw const new, old.as_mut_ptr()) } == 0 {
            // SAFETY: the call succeeded, so it wrote the old action.
            let _ = before.set(unsafe { old.assume_init() });
        }
    }
}

/// From here on, the program itself ends the process.
pub(crate) fn expect_end() {
    ENDING.store(true, Ordering::Relaxed);
}

fn this_process() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

fn is_here() -> bool {
    PROCESS.load(Ordering::Relaxed) == this_process()
}

extern "C" fn at_exit() {
    if ENDING.load(Ordering::Relaxed) || !is_here() {
        return;
    }
    note("a call of `exit`");
    // SAFETY: it only ends the process. All handlers that were registered later have run.
    unsafe { libc::_exit(FAILED.into()) }
}

extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let known = SIGNALS.iter().position(|(known, _)| *known == signal);
    if is_here() {
        note(known.map_or("a signal", |known| SIGNALS[known].1));
    }
    // SAFETY: the system passes a valid pointer. A positive code means that an instruction failed; it fails again on return.
    let again = unsafe { (*info).si_code } > 0;
    match known.and_then(|known| BEFORE[known].get()).filter(|_| again) {
        // SAFETY: it points to an action that the system gave. `sigaction` is allowed in handlers.
        Some(before) => drop(unsafe { sigaction(signal, before, ptr::null_mut()) }),
        None => {
            // SAFETY: both functions are allowed in handlers. The signal arrives when this handler returns.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            }
        }
    }
}

/// Writes one error, once. Allocates nothing and takes no lock.
fn note(how: &str) {
    if NOTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let mut calls = [0; 512];
    let length = calls::describe(&mut calls);
    write(if TERMINAL.load(Ordering::Relaxed) { b"\n" } else { b"" });
    write(b"error: the process was ended by ");
    write(how.as_bytes());
    if length > 0 {
        write(b" during ");
        write(&calls[..length]);
    } else {
        write(b"; no node ran");
    }
    write(b"\n");
}

fn write(text: &[u8]) {
    // Nothing can be done about an error here.
    let _ = rustix::io::write(error_output(), text);
}
