//! Nodes that measure sets of pictures by the features of InceptionV3: FID, sFID, KID, inception score, precision and recall.

pub mod feature_statistics;
pub mod frechet_distance;
pub mod image_features;
pub mod inception_score;
pub mod kernel_distance;
pub mod load_features;
pub mod load_statistics;
pub mod precision_recall;
pub mod save_statistics;
