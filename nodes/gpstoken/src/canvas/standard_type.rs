//! The standard types that the pack's stages take and return.

use splatgraph_sdk::{FeatureMap, Features, Image, Input, Output, Tokens};

/// A standard type whose values may stay on a device between two nodes of the pack.
pub trait StandardType: Input + Output + Send + Sync + 'static {
    /// The type's name in graphs.
    const TYPE: &'static str;
}

impl StandardType for Image {
    const TYPE: &'static str = "IMAGE";
}
impl StandardType for Features {
    const TYPE: &'static str = "FEATURES";
}
impl StandardType for Tokens {
    const TYPE: &'static str = "TOKENS";
}
impl StandardType for FeatureMap {
    const TYPE: &'static str = "FEATURE_MAP";
}
