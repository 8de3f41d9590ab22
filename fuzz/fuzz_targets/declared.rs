//! Packs that are only declared, for targets that need classes.

use splatgraph::registry::{Instance, NodeSource, Pack, Registry};
use splatgraph_sdk::Error;
use std::{path::PathBuf, sync::Arc};

/// A class for each kind of input, with inputs that take links and classes that others stand in for.
const MANIFEST: &str = r#"{"id": "std", "nodes": [
    {"name": "LoadImage", "inputs": [{"name": "path", "type": "STRING", "path": "read"}],
     "outputs": [{"name": "image", "type": "IMAGE"}, {"name": "mask", "type": "MASK"}]},
    {"name": "SaveImage", "output": true, "inputs": [{"name": "image", "type": "IMAGE"},
     {"name": "path", "type": "STRING", "path": "write", "extensions": ["png"], "extensions_only": true}], "outputs": []},
    {"name": "Grid", "inputs": [{"name": "images", "type": "IMAGE", "list": true},
     {"name": "weights", "type": "FLOAT", "list": true, "optional": true}], "outputs": [{"name": "image", "type": "IMAGE"}]},
    {"name": "All", "inputs": [{"name": "any", "type": "*", "optional": true}, {"name": "json", "type": "JSON", "optional": true},
     {"name": "class", "type": "INT,STRING", "default": 0}, {"name": "seed", "type": "INT", "default": 0},
     {"name": "rate", "type": "FLOAT", "default": 0.5}, {"name": "on", "type": "BOOLEAN", "default": true},
     {"name": "way", "type": "STRING", "default": "left", "choices": [{"name": "left"}, {"name": "right"}]},
     {"name": "text", "type": "STRING", "optional": true}], "outputs": [{"name": "value", "type": "*"}]}],
    "replaces": [{"class": "LoadImage", "node": "LoadImage", "fields": ["image", "upload"], "inputs": {"path": "image"}, "outputs": [0, 1]},
     {"class": "ImageBatch", "node": "Grid", "inputs": {"images.image0": "image1", "images.image1": "image2"}, "outputs": [0]},
     {"class": "Way", "node": "All", "fields": ["crop"], "inputs": {"way": "crop"}, "words": {"way": {"disabled": "left"}},
      "values": {"seed": 3}}]}"#;

struct Declared;

impl NodeSource for Declared {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        Err(Error::new(format!("{node} is only declared")))
    }
}

pub fn registry() -> Registry {
    let manifest = splatgraph_sdk::serde_json::from_str(MANIFEST).expect("a manifest");
    Registry::new(vec![Pack { manifest, path: PathBuf::new(), nodes: Arc::new(Declared) }])
}
