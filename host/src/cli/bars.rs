//! Bars at the bottom of the terminal.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, ProgressStyle, TermLike};

/// How often bars move.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
/// How often bars are drawn at most in a second.
const DRAWN: u8 = 20;

/// The bars on the terminal, if there are any.
static BARS: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Room for bars, until [`hide`]. Add a bar before changing it: a bar that is nowhere yet draws itself wherever the cursor is.
pub(crate) fn show() -> MultiProgress {
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Terminal(Term::buffered_stderr())), DRAWN);
    let bars = MultiProgress::with_draw_target(target);
    *BARS.lock().unwrap_or_else(PoisonError::into_inner) = Some(bars.clone());
    bars
}

/// Removes all bars.
pub(crate) fn hide() {
    if let Some(bars) = BARS.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The terminal ignores errors.
        let _ = bars.clear();
        // A node that was abandoned may still report progress.
        bars.set_draw_target(ProgressDrawTarget::hidden());
    }
}

/// Prints something above the bars.
pub(crate) fn above(print: impl FnOnce()) {
    match &*BARS.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bars) => bars.suspend(print),
        None => print(),
    }
}

/// The style of a bar.
pub(crate) fn style(template: &str) -> ProgressStyle {
    // The templates are in this program, so the fallback is only for a mistake in one of them.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// A terminal that may go away while bars are drawn. The result of a command does not depend on it, so errors are ignored;
/// [`MultiProgress::suspend`] would panic.
#[derive(Debug)]
struct Terminal(Term);

impl Terminal {
    fn ignore<T>(&self, _: io::Result<T>) -> io::Result<()> {
        Ok(())
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.0.size().1
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.ignore(self.0.move_cursor_up(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.ignore(self.0.move_cursor_down(lines))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.ignore(self.0.move_cursor_right(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.ignore(self.0.move_cursor_left(columns))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.ignore(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.ignore(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.ignore(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        self.ignore(self.0.flush())
    }
}
