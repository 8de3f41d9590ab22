//! Measures of sets of pictures by features of a network: Fréchet distances, kernel distance, inception score, precision and recall.
//!
//! Public programs disagree for the same pictures, because they resize, scale and split differently. A [`Convention`] names what one program
//! does, and every value carries its convention.

mod convention;
mod features;
mod folder;
mod frechet;
mod gathering;
mod inception_score;
mod kernel_distance;
mod numpy_file;
mod precision_recall;
mod products;
mod resize;
mod statistics;
mod sums;

pub use convention::{Convention, Source};
pub use features::{ImageFeatures, check_pair};
pub use folder::records_of;
pub use frechet::frechet_distance;
pub use gathering::Gathering;
pub use inception_score::inception_score;
pub use kernel_distance::kernel_distance;
pub use precision_recall::precision_recall;
pub use statistics::{Moments, Part, Statistics};
pub use sums::Sums;
