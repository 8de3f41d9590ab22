//! Devices through burn: graphics cards, CUDA, libtorch. Only this folder and `training/gradients/on_device` use burn.
//!
//! A device runs the networks that `tokenizer`, `generator`, `inception` and `lpips` describe. [`Parameter`] holds a parameter on a device, and the
//! forward passes are in this folder. `without_burn/on_device.rs` provides the same names for a build without burn.

pub mod arrange_shader;
pub mod attention_shader;
pub mod convolution_gradient_shader;
pub mod convolution_shader;
pub mod cooperative;
mod decode;
mod decoder;
mod device;
pub mod elementwise_shader;
mod encode;
mod generator;
mod gpu;
mod group_norm;
pub mod inception;
pub mod large_attention_shader;
pub(crate) mod layers;
pub mod learning_shader;
pub mod linear_shader;
mod list;
pub mod lpips;
pub mod normalise_shader;
mod operation;
mod parameter;
pub mod patches;
pub mod products_shader;
mod refine;
pub mod region_condition_shader;
mod resident;
mod residual;
mod roi_align;
pub mod roi_align_shader;
pub mod shader;
pub mod splat;
mod splat_dense;
mod splat_map;
pub mod splat_shader;
mod stem;
mod tiles;
mod transformer;
pub mod winograd_shader;

pub use decode::decode;
pub use device::Device;
pub use encode::encode;
pub use generator::Prepared;
pub use list::{after_host, before_host, kinds};
pub use parameter::{Parameter, upload};
pub use refine::refine;
pub use resident::{OnDevice, downloaded_bytes};
pub use roi_align::{roi_align, roi_align_dense};
pub use splat::splat_tensor;
pub use splat_dense::splat_dense;
pub use splat_map::splat_map;
