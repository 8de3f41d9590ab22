//! The number of pictures in a batch, and their size.

use splatgraph_sdk::prelude::*;

/// The lengths of the axes of an [`Image`]. No length is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The number of pictures.
    pub(crate) batch: usize,
    /// The number of rows of each picture.
    pub(crate) height: usize,
    /// The number of pixels in a row.
    pub(crate) width: usize,
}

impl Extent {
    /// The extent of the pictures of one input.
    ///
    /// # Errors
    /// There is no pixel. The error names the input.
    pub(crate) fn of(image: &Image, input: &str) -> Result<Self> {
        let [batch, height, width, _] = image.image.dims()?;
        if batch * height * width == 0 {
            return Err(Error::input(
                input,
                format!(
                    "expected at least one picture with at least one pixel, got {} of {width} x {height}",
                    pictures(batch)
                ),
            ));
        }
        Ok(Self { batch, height, width })
    }

    /// The number of pixels of one picture.
    #[must_use]
    pub(crate) fn pixels(self) -> usize {
        self.height * self.width
    }
}

/// The JSON of a Resize to a size, which users can paste into a graph.
#[must_use]
pub(crate) fn resize_node(width: usize, height: usize) -> String {
    format!(
        r#""resize": {{"class_type": "std.Resize", "inputs": {{"image": ["load", "image"], "width": {width}, "height": {height}}}}}"#
    )
}

/// `1 picture`, `2 pictures`.
#[must_use]
pub(crate) fn pictures(count: usize) -> String {
    format!("{count} picture{}", if count == 1 { "" } else { "s" })
}
