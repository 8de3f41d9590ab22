//! The settings of a run, which travel from the host to the nodes of every pack: their names, their types, and which of them
//! change results.
//!
//! | name | value | meaning | changes results |
//! |---|---|---|---|
//! | [`THREADS`] | a whole number, at least 1 | how many threads a node may use | no |
//! | [`DEVICE`] | a text, an id of a [`DeviceSpec`](crate::spec::DeviceSpec) | what nodes compute on | yes |
//! | [`PRECISION`] | `f32`, `f16` or `bf16` | what a device keeps weights and activations in | yes |
//! | [`WAIT`] | true or false | a node returns only when its device has finished, so that it can be timed | yes |
//! | [`PREVIEWS`] | true or false | somebody looks at previews | no |
//! | [`DRAFTS`] | true or false | somebody waits for results and looks at coarse ones meanwhile | no |
//! | [`DURABLE`] | true or false | written files reach the disk before the node continues | no |
//! | [`MAX_PIXELS`] | a whole number, at least 1 | the most pixels of a picture that a node reads | no |
//! | [`PNG_TEXT`] | an object of texts | text chunks for PNG files | no |
//!
//! A host may send other settings, and may leave out any of these. A value of the wrong type counts as left out, except for
//! the precision, which changes numbers.

use crate::{Error, Result};
use serde_json::{Map, Value as Json};
use std::{fmt, str::FromStr};

/// How many threads a node may use; see [`threads`].
pub const THREADS: &str = "threads";
/// What nodes compute on; see [`device`].
pub const DEVICE: &str = "device";
/// What a device keeps weights and activations in; see [`precision`].
pub const PRECISION: &str = "precision";
/// Whether nodes wait for their device; see [`wait`].
pub const WAIT: &str = "wait";
/// Whether somebody looks at previews; see [`previews`].
pub const PREVIEWS: &str = "previews";
/// Whether somebody looks at drafts; see [`drafts`].
pub const DRAFTS: &str = "drafts";
/// Whether written files reach the disk before the node continues; see [`durable`].
pub const DURABLE: &str = "durable";
/// The most pixels of a picture that a node reads; see [`max_pixels`].
pub const MAX_PIXELS: &str = "max_pixels";
/// Text chunks for PNG files; see [`png_text`].
pub const PNG_TEXT: &str = "png_text";

/// The settings of a run by name.
pub type Settings = Map<String, Json>;

/// Whether a node's outputs may depend on this setting, so that a host does not use cached results of another value. Unknown
/// settings count as ones that do. So does [`WAIT`]: a timed run must not take results that another run left in the cache.
#[must_use]
pub fn changes_results(name: &str) -> bool {
    ![THREADS, PREVIEWS, DRAFTS, DURABLE, MAX_PIXELS, PNG_TEXT].contains(&name)
}

/// How many threads a node may use, at least 1; `None` for one thread per core.
#[must_use]
pub fn threads(settings: &Settings) -> Option<usize> {
    let threads = settings.get(THREADS)?.as_u64()?;
    Some(usize::try_from(threads).unwrap_or(usize::MAX).max(1))
}

/// The id of the device that nodes compute on; `None` for the processor.
#[must_use]
pub fn device(settings: &Settings) -> Option<&str> {
    settings.get(DEVICE)?.as_str()
}

/// What a device keeps weights and activations in; f32 when the setting is left out.
///
/// # Errors
/// The setting has another value than `f32`, `f16` and `bf16`.
pub fn precision(settings: &Settings) -> Result<Precision> {
    match settings.get(PRECISION).and_then(Json::as_str) {
        None => Ok(Precision::F32),
        Some(name) => name.parse().map_err(|e: Error| e.context("the setting `precision`")),
    }
}

/// Whether a node returns only when its device has finished the work, and not when the work is queued.
#[must_use]
pub fn wait(settings: &Settings) -> bool {
    settings.get(WAIT).and_then(Json::as_bool).unwrap_or(false)
}

/// Whether somebody looks at previews.
#[must_use]
pub fn previews(settings: &Settings) -> bool {
    settings.get(PREVIEWS).and_then(Json::as_bool).unwrap_or(false)
}

/// Whether somebody waits for results and looks at coarse ones meanwhile, if they come much sooner.
#[must_use]
pub fn drafts(settings: &Settings) -> bool {
    settings.get(DRAFTS).and_then(Json::as_bool).unwrap_or(false)
}

/// Whether written files reach the disk before the node continues, so that a power failure can't take them.
/// [`write_whole`](crate::write_whole) does so by itself.
#[must_use]
pub fn durable(settings: &Settings) -> bool {
    settings.get(DURABLE).and_then(Json::as_bool).unwrap_or(false)
}

/// The most pixels of a picture that a node reads from a file. `None` stands for the usual limit of
/// [`check_picture_size`](crate::check_picture_size).
#[must_use]
pub fn max_pixels(settings: &Settings) -> Option<u64> {
    settings.get(MAX_PIXELS)?.as_u64().map(|pixels| pixels.max(1))
}

/// The text chunks that nodes add to PNG files, as keys and texts.
pub fn png_text(settings: &Settings) -> impl Iterator<Item = (&str, &str)> {
    let chunks = settings.get(PNG_TEXT).and_then(Json::as_object).into_iter().flatten();
    chunks.filter_map(|(key, text)| Some((key.as_str(), text.as_str()?)))
}

/// What a device keeps weights and activations in. Geometry and sums over a picture are f32 in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits, of which 10 are the fraction.
    F16,
    /// 16 bits, of which 7 are the fraction: the range of f32.
    Bf16,
}

impl Precision {
    /// `f32`, `f16` or `bf16`, as the setting has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = [Self::F32, Self::F16, Self::Bf16].into_iter().find(|p| p.name() == name);
        known.ok_or_else(|| Error::new(format!("expected f32, f16 or bf16, got `{name}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(json: Json) -> Settings {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn settings_are_read_by_name() {
        let all = settings(
            json!({"threads": 3, "device": "gpu:0", "precision": "bf16", "wait": true, "previews": true, "drafts": true,
            "durable": true, "max_pixels": 500, "png_text": {"graph": "{}", "number": 3}}),
        );
        assert_eq!(threads(&all), Some(3));
        assert_eq!(device(&all), Some("gpu:0"));
        assert_eq!(precision(&all).unwrap(), Precision::Bf16);
        assert!(wait(&all) && previews(&all) && drafts(&all) && durable(&all));
        assert_eq!(max_pixels(&all), Some(500));
        assert_eq!(png_text(&all).collect::<Vec<_>>(), [("graph", "{}")]);
    }

    #[test]
    fn settings_that_are_left_out_have_defaults() {
        let none = Settings::new();
        assert_eq!((threads(&none), device(&none), precision(&none).unwrap()), (None, None, Precision::F32));
        assert!(
            !wait(&none) && !previews(&none) && !drafts(&none) && !durable(&none) && png_text(&none).next().is_none()
        );
        assert!(max_pixels(&none).is_none());
        assert_eq!(threads(&settings(json!({"threads": 0}))), Some(1));
        let wrong = precision(&settings(json!({"precision": "f8"}))).unwrap_err();
        insta::assert_snapshot!(wrong, @"the setting `precision`: expected f32, f16 or bf16, got `f8`");
    }

    #[test]
    fn only_known_settings_change_no_results() {
        let names = [THREADS, DEVICE, PRECISION, WAIT, PREVIEWS, DRAFTS, DURABLE, MAX_PIXELS, PNG_TEXT, "other"];
        assert_eq!(names.map(changes_results), [false, true, true, true, false, false, false, false, false, true]);
    }
}
