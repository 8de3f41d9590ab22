//! RefineTokens: turns a layout and features into tokens on the tokenizer's device.

use super::tokenizer::Tokenizer;
use crate::{
    device::{Loaded, Placed},
    on_device,
    tokenizer::{self, Geometry, Tiled},
};
use splatgraph_sdk::{Canvas, Ctx, Features, Layout, Result, Tokens};

/// Refines a layout to tokens. `geometry` says whose gaussians they have.
///
/// # Errors
/// Layout, features and tokenizer do not fit together, the run was cancelled, or a device failed.
pub fn refine(
    tokenizer: &Tokenizer,
    features: Placed<Features>,
    layout: &Layout,
    geometry: Geometry,
    ctx: &Ctx,
) -> Result<Placed<Tokens>> {
    let header = Canvas {
        map: Some(tokenizer.map),
        support: Some(tokenizer.support),
        model: Some(tokenizer.name.clone()),
        ..layout.header.clone()
    };
    match &tokenizer.network {
        Loaded::Host(network) => {
            let features = features.into_host()?;
            let layout = Tiled::new(&tokenizer.sizes, features.features.dims()?, layout)?;
            ctx.on_threads(|| tokenizer::refine(network, &features, layout, geometry, header, ctx)).map(Placed::Host)
        }
        Loaded::Device(network, device) => {
            let features = features.into_device(device)?;
            let layout = Tiled::new(&tokenizer.sizes, features.dims("features"), layout)?;
            let refine = || on_device::refine(network, device, &features, layout, geometry, header, ctx);
            device.run(refine).map(Placed::device)
        }
    }
}
