//! The calls into packs that run at this moment, so that a program can say which of them ended it.
//!
//! A pack is code in this process, and can end it. The program that uses this library may install handlers for that, which
//! call [`describe`] to name the node. Handlers of signals may not allocate or lock, so the names are in static memory.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// Calls beyond this number at the same time are not named.
const MOST_CALLS: usize = 64;
/// Longer names are cut.
const LONGEST: usize = 200;

/// The length of a free slot, and of one that is being filled.
const FREE: usize = usize::MAX;
const TAKEN: usize = usize::MAX - 1;

struct Slot {
    length: AtomicUsize,
    name: [AtomicU8; LONGEST],
}

static SLOTS: [Slot; MOST_CALLS] =
    [const { Slot { length: AtomicUsize::new(FREE), name: [const { AtomicU8::new(0) }; LONGEST] } }; MOST_CALLS];
static CHECK: OnceLock<fn() -> Vec<String>> = OnceLock::new();
/// The time of the last check, in microseconds.
static CHECKED: AtomicU64 = AtomicU64::new(0);
/// Calls that end so soon after a check are not checked. A node may take a microsecond, and a check takes several.
const PAUSE: u64 = 100;

thread_local! {
    /// The slot of the innermost call of this thread; [`FREE`] without a call.
    static INNERMOST: Cell<usize> = const { Cell::new(FREE) };
}

/// A call into a pack. It ends when this is dropped.
#[must_use]
pub(crate) struct Call {
    slot: usize,
    outer: usize,
}

/// Begins a call into a pack in this thread. `name` is as ``the node `a` (std.LoadImage)``.
pub(crate) fn enter(name: impl fmt::Display) -> Call {
    let outer = INNERMOST.get();
    let free = |slot: &Slot| slot.length.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok();
    let Some(slot) = SLOTS.iter().position(free) else { return Call { slot: FREE, outer } };
    let mut filling = Filling { slot: &SLOTS[slot], length: 0 };
    // Filling a slot can't fail; a name that is too long is cut.
    let _ = write!(filling, "{name}");
    filling.slot.length.store(filling.length, Ordering::Release);
    INNERMOST.set(slot);
    Call { slot, outer }
}

/// What the check of [`check_after_calls`] finds. Checks nothing shortly after the last check, unless this is the `last` call
/// for now.
pub(crate) fn check(last: bool) -> Vec<String> {
    static START: OnceLock<Instant> = OnceLock::new();
    let Some(check) = CHECK.get() else { return Vec::new() };
    let now = START.get_or_init(Instant::now).elapsed().as_micros() as u64 + PAUSE;
    if !last && now < CHECKED.load(Ordering::Relaxed) + PAUSE {
        return Vec::new();
    }
    CHECKED.store(now, Ordering::Relaxed);
    check()
}

impl Drop for Call {
    fn drop(&mut self) {
        INNERMOST.set(self.outer);
        if let Some(slot) = SLOTS.get(self.slot) {
            slot.length.store(FREE, Ordering::Release);
        }
    }
}

/// Writes text into a slot, as much as fits.
struct Filling<'a> {
    slot: &'a Slot,
    length: usize,
}

impl Write for Filling<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            for (byte, place) in text.bytes().zip(&self.slot.name[self.length..]) {
                place.store(byte, Ordering::Relaxed);
                self.length += 1;
            }
            return Ok(());
        }
        for character in text.chars() {
            // The name goes to a terminal as it is.
            let character = if character.is_control() { '?' } else { character };
            let mut bytes = [0; 4];
            for (byte, place) in character.encode_utf8(&mut bytes).bytes().zip(&self.slot.name[self.length..]) {
                place.store(byte, Ordering::Relaxed);
                self.length += 1;
            }
        }
        Ok(())
    }
}

/// Calls `check` after calls into packs, but not after each of many short ones. It returns what the pack changed in the process,
/// and the user gets this as warnings. Only the first check of a process counts.
pub fn check_after_calls(check: fn() -> Vec<String>) {
    CHECK.get_or_init(|| check);
}

/// Writes the name of the innermost call of this thread, or the names of all calls if this thread makes none, as a pack may
/// have threads of its own. Returns the number of bytes; 0 without calls. Allocates nothing and takes no lock, so handlers of
/// signals may call it.
pub fn describe(into: &mut [u8]) -> usize {
    let innermost = INNERMOST.get();
    let mut length = 0;
    let mut add = |byte: u8| {
        if let Some(place) = into.get_mut(length) {
            *place = byte;
            length += 1;
        }
    };
    let mut first = true;
    for (position, slot) in SLOTS.iter().enumerate() {
        let used = slot.length.load(Ordering::Acquire);
        if used > LONGEST || innermost != FREE && innermost != position {
            continue;
        }
        if !first {
            b", ".iter().for_each(|byte| add(*byte));
        }
        first = false;
        slot.name[..used].iter().for_each(|byte| add(byte.load(Ordering::Relaxed)));
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> String {
        let mut text = [0; 1000];
        let length = describe(&mut text);
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    /// One test, as the slots belong to the process.
    #[test]
    fn the_innermost_call_of_a_thread_is_named_and_all_calls_in_other_threads() {
        assert_eq!(described(), "");
        let outer = enter("outer");
        let inner = enter(format_args!("inner {}", "x".repeat(300)));
        assert_eq!(described(), format!("inner {}", "x".repeat(194)));
        drop(inner);
        assert_eq!(described(), "outer");
        let elsewhere = std::thread::spawn(|| {
            let seen = described();
            let _call = enter("mine");
            (seen, described())
        });
        assert_eq!(elsewhere.join().unwrap(), ("outer".to_owned(), "mine".to_owned()));
        let many: Vec<Call> = (0..2 * MOST_CALLS).map(enter).collect();
        // In the order in which they began, so that each restores the call before it.
        many.into_iter().rev().for_each(drop);
        assert_eq!(described(), "outer");
        drop(outer);
        assert_eq!(described(), "");
    }
}
