//! Optimisation of tokens for their picture: gradient steps through splat and decoder, whose weights stay.
//!
//! `view` turns tokens into a picture, and the gradient of the picture into one of the tokens. `judge` has the loss of a picture, and
//! `space` the numbers that a step moves. `course` is the loop.

mod course;
mod judge;
mod parts;
mod space;
mod view;

pub use course::{Optimised, Plan, optimise};
pub use judge::{Judge, Losses};
pub use space::steps_of;
pub use view::View;
