//! Tests of the built-in models.

use splatgraph_pack_gpstoken::nodes::{
    generate::load_generator::LoadGenerator, tokenize::load_tokenizer::LoadTokenizer,
};
use splatgraph_sdk::testing::{json, run};
#[cfg(feature = "embed-models")]
use {
    super::only,
    splatgraph_pack_gpstoken::{
        stages::generator::{Generator, Kind},
        stages::tokenizer::Tokenizer,
    },
    splatgraph_sdk::{Input, Local, Resident},
};

#[cfg(feature = "embed-models")]
#[test]
fn the_generators_fit_together_and_report_what_they_make() {
    let load = |name: &str| {
        let value = only(run::<LoadGenerator>(json!({"model": name}), []).unwrap());
        Local::<Generator>::from_value(&value).unwrap()
    };
    let [layouts, textures] = ["small-layout", "small-texture"].map(load);
    assert_eq!((layouts.kind, layouts.name.as_str()), (Kind::Layout, "small-layout"));
    assert_eq!((textures.kind, textures.name.as_str()), (Kind::Texture, "small-texture"));
    assert!(!layouts.class_names.is_empty());
    assert_eq!(layouts.class_names, textures.class_names);
    assert_eq!(layouts.header()["class_names"], json!(layouts.class_names));

    let tokenizer = Local::<Tokenizer>::from_value(&only(run::<LoadTokenizer>(json!({}), []).unwrap())).unwrap();
    assert_eq!(textures.sizes.channels, 5 + tokenizer.sizes.textures);
    let facts = &textures.tokenizer;
    assert_eq!((facts.map, facts.support), (Some(tokenizer.map), Some(tokenizer.support)));
    assert_eq!(facts.model.as_ref(), Some(&tokenizer.name));
}

#[test]
fn the_generators_take_at_most_8_mb() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let bytes = ["small-layout.safetensors", "small-texture.safetensors"]
        .map(|name| std::fs::metadata(folder.join(name)).unwrap().len());
    assert!(bytes[0] + bytes[1] <= 8_000_000, "{bytes:?}");
}

#[cfg(not(feature = "embed-models"))]
#[test]
fn a_build_without_models_names_the_feature() {
    insta::assert_snapshot!(run::<LoadTokenizer>(json!({}), []).unwrap_err(), @"expected a build of the pack with the built-in model `small`, got one without built-in models. Build it with the feature `embed-models`, or give the path of a checkpoint");
    insta::assert_snapshot!(run::<LoadGenerator>(json!({"model": "small-layout"}), []).unwrap_err(), @"expected a build of the pack with the built-in model `small-layout`, got one without built-in models. Build it with the feature `embed-models`, or give the path of a checkpoint");
}
