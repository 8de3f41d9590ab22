//! Write node packs for Splatgraph.
//!
//! A pack is a shared library with nodes; a node is a documented function:
//!
//! ```
//! use splatgraph_sdk::prelude::*;
//!
//! /// Mixes two pictures.
//! #[node(category = "Image", outputs(image: "the mixture"))]
//! pub fn mix(
//!     /// At amount 0.
//!     a: Image,
//!     /// At amount 1.
//!     b: Image,
//!     /// How much of `b`.
//!     #[input(default = 0.5, min = 0, max = 1)]
//!     amount: f32,
//!     ctx: &Ctx,
//! ) -> Result<Image> {
//!     if a.image.shape() != b.image.shape() {
//!         return Err(Error::input("b", format!("expected a picture of shape {:?} like `a`, got {:?}; put std.Resize in front", a.image.shape(), b.image.shape())));
//!     }
//!     let (left, right) = (a.image.as_slice::<f32>()?, b.image.as_slice::<f32>()?);
//!     let mixed: Vec<f32> = left.iter().zip(right).map(|(x, y)| x + (y - x) * amount).collect();
//!     ctx.step(1, 1)?;
//!     Image::new(Tensor::from_vec(a.image.shape(), mixed)?)
//! }
//!
//! export_pack! { id: "acme", description: "Pictures, mixed", nodes: [mix] }
//! # fn main() {}
//! ```
//!
//! A struct holds inputs that several nodes share. Its fields look like parameters, and the manifest lists them in place of the
//! parameter:
//!
//! ```
//! # use splatgraph_sdk::prelude::*;
//! #[derive(InputGroup)]
//! pub struct Size {
//!     /// In pixels.
//!     #[input(default = 256, min = 1, max = 4096)]
//!     width: usize,
//!     /// In pixels.
//!     #[input(default = 256, min = 1, max = 4096)]
//!     height: usize,
//! }
//!
//! /// Makes a picture of one grey.
//! #[node(category = "Image", outputs(image))]
//! pub fn grey(
//!     /// Black is 0, white is 1.
//!     value: f32,
//!     #[input(flatten)] size: Size,
//! ) -> Result<Image> {
//!     let pixels = vec![value; size.width * size.height * 3];
//!     Image::new(Tensor::from_vec([1, size.height, size.width, 3], pixels)?)
//! }
//! ```
//!
//! # The life of a pack
//! 1. The host finds the library and reads its stamp, without running any code of the pack.
//! 2. The host compares the binary interfaces. Then it asks for the manifest: the nodes with their inputs, ranges and help.
//! 3. The host creates one instance for each node of a graph. The instance lives as long as the host process.
//! 4. The host runs the instance, on any thread, when the inputs change. Several instances may run at the same time.
//! 5. The host never unloads a library.
//!
//! # Rules for nodes
//! - The same inputs give the same outputs, so a seed is an input. Nodes never change their inputs.
//! - Only nodes declared with `output` have effects outside the graph, such as writing a file.
//! - Long work calls [`Ctx::step`] often, with `?`. It shows progress and stops the node when the user cancels the run.
//! - Nodes use no async runtime, as it can't cross the border of the library. Threads are fine.
//! - The SDK turns a panic into an error of the node. Still, return errors for mistakes of users.
//!
//! Values of other packs arrive as tensors in host memory, without a copy. Implement [`Resident`] for values that stay on a
//! device, or in a form of your own, between nodes of your pack.
#![warn(missing_docs)]
#![forbid(unsafe_op_in_unsafe_fn)]

mod canvas;
pub mod changes;
pub mod checkpoint;
mod content;
mod context;
mod error;
#[doc(hidden)]
pub mod export;
pub mod host;
mod instructions;
mod kind_of_file;
mod limits;
pub mod node;
mod output;
mod record;
mod remote;
mod resident;
pub mod settings;
pub mod shard;
pub mod socket;
pub mod spec;
mod stack;
mod tensor;
mod tensors_file;
pub mod testing;
#[cfg(feature = "rayon")]
mod threads;
mod types;
mod value;
mod whole_file;

pub use canvas::Canvas;
pub use content::read_whole;
pub use context::Ctx;
pub use error::{Code, Error, Result};
pub use instructions::Instructions;
pub use kind_of_file::kind_of_file;
pub use limits::check_picture_size;
pub use node::{InputGroup, Node};
pub use output::{NumberedPath, behind_stem, write_output};
pub use record::Record;
pub use resident::{FieldInfo, Local, Resident};
pub use serde_json;
pub use shard::{InputFile, open_file};
pub use socket::{Input, Json, Output};
pub use splatgraph_macros::{Choice, InputGroup, Union, node};
pub use tensor::{DType, Element, Tensor};
pub use types::{FeatureMap, Features, Image, Layout, Mask, Selection, Tokens};
pub use value::{Kind, Value};
pub use whole_file::{TEMPORARY_PREFIX, TemporaryFile, remove_left_over_files, write_whole};

/// The names that most nodes need: `use splatgraph_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Canvas, Choice, Ctx, DType, Error, FeatureMap, Features, FieldInfo, Image, Input, InputGroup, Json, Layout,
        Local, Mask, NumberedPath, Output, Record, Resident, Result, Selection, Tensor, Tokens, Union, Value, bail,
        export_pack, node,
    };
    pub use std::path::PathBuf;
}

/// The example on the crate's page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Page;
