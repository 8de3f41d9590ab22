//! Classes of ComfyUI for which nodes of this pack stand in.

use splatgraph_sdk::{serde_json::json, spec::Replacement};

/// The classes that ordinary workflows use to load, save, arrange and choose.
pub(crate) fn replaces() -> Vec<Replacement> {
    let load = |class: &str, fields: &[&str], outputs: &[usize]| Replacement {
        fields: texts(fields),
        inputs: pairs(&[("path", "image")]),
        outputs: outputs.to_vec(),
        ..replacement(class, "LoadImage")
    };
    let filters = [("nearest-exact", "nearest"), ("area", "bilinear"), ("bicubic", "lanczos")];
    let fits = [("disabled", "stretch"), ("center", "fill")];
    vec![
        load("LoadImage", &["image", "upload"], &[0, 1]),
        // Its mask is that of the alpha channel, as it is unless another channel was chosen.
        load("LoadImageMask", &["image", "channel", "upload"], &[1]),
        Replacement {
            fields: texts(&["filename_prefix"]),
            inputs: pairs(&[("image", "images"), ("path", "filename_prefix")]),
            ..replacement("SaveImage", "SaveImage")
        },
        Replacement { inputs: pairs(&[("image", "images")]), ..replacement("PreviewImage", "PreviewImage") },
        Replacement {
            fields: texts(&["upscale_method", "width", "height", "crop"]),
            inputs: pairs(&[
                ("image", "image"),
                ("width", "width"),
                ("height", "height"),
                ("filter", "upscale_method"),
                ("fit", "crop"),
            ]),
            words: [("filter".to_owned(), pairs(&filters)), ("fit".to_owned(), pairs(&fits))].into(),
            values: [("fit".to_owned(), json!("stretch"))].into(),
            outputs: vec![0],
            ..replacement("ImageScale", "Resize")
        },
        Replacement {
            fields: texts(&["width", "height", "x", "y"]),
            inputs: pairs(&[("image", "image"), ("width", "width"), ("height", "height"), ("x", "x"), ("y", "y")]),
            outputs: vec![0],
            ..replacement("ImageCrop", "Crop")
        },
        Replacement {
            inputs: pairs(&[("images.image0", "image1"), ("images.image1", "image2")]),
            outputs: vec![0],
            ..replacement("ImageBatch", "Batch")
        },
        Replacement {
            fields: texts(&["switch"]),
            inputs: pairs(&[("condition", "switch"), ("then", "on_true"), ("otherwise", "on_false")]),
            outputs: vec![0],
            ..replacement("ComfySwitchNode", "If")
        },
    ]
}

fn replacement(class: &str, node: &str) -> Replacement {
    Replacement { class: class.to_owned(), node: node.to_owned(), ..Replacement::default() }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn pairs<T: FromIterator<(String, String)>>(pairs: &[(&str, &str)]) -> T {
    pairs.iter().map(|&(ours, theirs)| (ours.to_owned(), theirs.to_owned())).collect()
}
