//! Tests of the gradients on the host's kernels: against finite differences and plain forms, with all instructions and any number of
//! threads.

mod patches;
mod slow;
