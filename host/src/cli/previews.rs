//! `--previews DIR`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use splatgraph::graph::Checked;
use splatgraph::preview::{self, PreviewError, Previews};
use splatgraph::run::{Event, Settings};

use super::failure::{FAILED, Failure, Outcome};
use super::output;
use super::progress::Progress;

/// Where previews go, if anywhere.
pub(crate) struct ShownPreviews {
    previews: Option<Previews>,
    /// Whether the user knows already that they cannot be written.
    failed: AtomicBool,
}

impl ShownPreviews {
    /// Tells the nodes by the settings whether previews are wanted.
    pub(crate) fn new(folder: Option<&Path>, checked: &Checked, settings: &mut Settings) -> Outcome<Self> {
        let previews = folder.map(|folder| Previews::new(folder, checked)).transpose();
        let previews = previews.map_err(|error| match error {
            PreviewError::Io { .. } => Failure::new(FAILED, error),
            PreviewError::Used { .. } => Failure::usage(error),
        })?;
        if previews.is_some() {
            settings.insert(preview::SETTING.to_owned(), true.into());
        }
        Ok(Self { previews, failed: AtomicBool::new(false) })
    }

    /// Writes a preview. What cannot be written is told once and stops nothing.
    pub(crate) fn show(&self, event: &Event, progress: &Progress) {
        let shown = self.previews.as_ref().map_or(Ok(()), |previews| previews.show(event));
        if let Err(error) = shown
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            progress.print(&output::warning_line(&error.to_string()));
        }
    }
}
