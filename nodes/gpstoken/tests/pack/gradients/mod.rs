//! Tests of the gradients on the host's kernels, against plain forms and finite differences in f64.

mod splat;
