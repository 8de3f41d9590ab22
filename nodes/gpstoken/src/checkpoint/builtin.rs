//! The built-in models: checkpoints inside the pack's library.

use splatgraph_sdk::{
    Error, Result,
    checkpoint::{self, Checkpoint},
};
use std::path::Path;

/// The models' names, as the `builtin` of an input lists them, and their files.
#[cfg(feature = "embed-models")]
const MODELS: [(&str, Option<&[u8]>); 3] = [
    ("small", Some(include_bytes!("../../models/small.safetensors"))),
    ("small-layout", Some(include_bytes!("../../models/small-layout.safetensors"))),
    ("small-texture", Some(include_bytes!("../../models/small-texture.safetensors"))),
];
#[cfg(not(feature = "embed-models"))]
const MODELS: [(&str, Option<&[u8]>); 3] = [("small", None), ("small-layout", None), ("small-texture", None)];

/// Whether this is the name of a built-in model. Names and files can't be confused: the host makes the paths of files absolute.
pub(crate) fn is_builtin(model: &Path) -> bool {
    MODELS.iter().any(|(name, _)| model.as_os_str() == *name)
}

/// The content of a checkpoint file or of a built-in model.
///
/// # Errors
/// See [`checkpoint::open`]; or the build has no built-in models.
pub(crate) fn open(model: &Path) -> Result<Checkpoint> {
    match MODELS.iter().find(|(name, _)| model.as_os_str() == *name) {
        None => checkpoint::open(model),
        Some((_, Some(bytes))) => Checkpoint::from_safetensors(bytes),
        Some((name, None)) => Err(Error::missing(format!(
            "expected a build of the pack with the built-in model `{name}`, got one without built-in models. Build it with the feature `embed-models`, or give the path of a checkpoint"
        ))),
    }
}
