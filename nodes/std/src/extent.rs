//! How many pictures there are, and how large.

use splatgraph_sdk::prelude::*;

/// The lengths of the axes of an [`Image`]; none is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Pictures.
    pub(crate) batch: usize,
    /// Rows of each.
    pub(crate) height: usize,
    /// Pixels in a row.
    pub(crate) width: usize,
}

impl Extent {
    /// Of the pictures of one input.
    ///
    /// # Errors
    /// There is no pixel; blames the input.
    pub(crate) fn of(image: &Image, input: &str) -> Result<Self> {
        let [batch, height, width, _] = image.image.dims()?;
        if batch * height * width == 0 {
            return Err(Error::input(
                input,
                format!(
                    "at least one picture with at least one pixel was expected, {batch} of {width} x {height} came"
                ),
            ));
        }
        Ok(Self { batch, height, width })
    }

    /// Pixels of one picture.
    #[must_use]
    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }
}

/// A node to paste that brings pictures to a size.
#[must_use]
pub(crate) fn resize_node(width: usize, height: usize) -> String {
    format!(
        r#""resize": {{"class_type": "std.Resize", "inputs": {{"image": ["load", "image"], "width": {width}, "height": {height}}}}}"#
    )
}
