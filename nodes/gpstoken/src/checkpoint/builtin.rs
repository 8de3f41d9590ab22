//! The models inside the pack.

use splatgraph_sdk::{
    Error, Result,
    checkpoint::{self, Checkpoint},
};
use std::path::Path;

/// Names, as `builtin` of an input says them, and files.
#[cfg(feature = "embed-models")]
const MODELS: [(&str, Option<&[u8]>); 3] = [
    ("small", Some(include_bytes!("../../models/small.safetensors"))),
    ("small-layout", Some(include_bytes!("../../models/small-layout.safetensors"))),
    ("small-texture", Some(include_bytes!("../../models/small-texture.safetensors"))),
];
#[cfg(not(feature = "embed-models"))]
const MODELS: [(&str, Option<&[u8]>); 3] = [("small", None), ("small-layout", None), ("small-texture", None)];

/// Whether this is the name of a model inside the pack. The host makes the paths of files absolute.
pub(crate) fn is_builtin(model: &Path) -> bool {
    MODELS.iter().any(|(name, _)| model.as_os_str() == *name)
}

/// A checkpoint's content: of a file, or of a model inside the pack.
///
/// # Errors
/// See [`checkpoint::open`]; or this build holds no models.
pub(crate) fn open(model: &Path) -> Result<Checkpoint> {
    match MODELS.iter().find(|(name, _)| model.as_os_str() == *name) {
        None => checkpoint::open(model),
        Some((_, Some(bytes))) => Checkpoint::from_safetensors(bytes),
        Some((name, None)) => Err(Error::missing(format!(
            "the model `{name}` is not in this build of the pack; build it with the feature `embed-models`, or give the path of a checkpoint"
        ))),
    }
}
