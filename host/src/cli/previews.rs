//! The option `--previews DIR`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use splatgraph::graph::Checked;
use splatgraph::preview::{PreviewError, Previews};
use splatgraph::run::{Event, Settings};
use splatgraph_sdk::settings::PREVIEWS;

use super::failure::{FAILED, Failure, Outcome};
use super::output;

/// Writes previews, if the user wants them.
pub(crate) struct ShownPreviews {
    previews: Option<Previews>,
    /// Whether the error of writing them was shown.
    failed: AtomicBool,
}

impl ShownPreviews {
    /// Prepares the folder, and adds to the settings that previews are wanted.
    pub(crate) fn new(folder: Option<&Path>, checked: &Checked, settings: &mut Settings) -> Outcome<Self> {
        let previews = folder.map(|folder| Previews::new(folder, checked)).transpose();
        let previews = previews.map_err(|error| match error {
            PreviewError::Io { .. } => Failure::new(FAILED, error),
            PreviewError::Used { .. } => Failure::usage(error),
        })?;
        if previews.is_some() {
            settings.insert(PREVIEWS.to_owned(), true.into());
        }
        Ok(Self { previews, failed: AtomicBool::new(false) })
    }

    /// Writes a preview. Shows only the first error, and never stops the run.
    pub(crate) fn show(&self, event: &Event) {
        let shown = self.previews.as_ref().map_or(Ok(()), |previews| previews.show(event));
        if let Err(error) = shown
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            output::warning(&output::one_line(&error.to_string()));
        }
    }
}
