//! `std.PreviewImage`

use crate::{floats, image, output, value};
use splatgraph_pack_std::preview_image::preview_image;
use splatgraph_sdk::testing::{json, run};

#[test]
fn pictures_pass_as_they_are() {
    let picture = image([2, 3, 4], |[_, y, x, c]| (y + x + c) as f32);
    let shown = output(&run::<preview_image>(json!({}), [("image", value(&picture))]).unwrap(), 0);
    assert_eq!(floats(&shown).as_ptr(), floats(&picture).as_ptr());
}
