//! Packs of closures, for tests of graphs without libraries.

#![allow(dead_code, reason = "every test file uses a part of it")]

use serde_json::{Value as Json, json};
use splatgraph::registry::{Instance, NodeSource, Pack, Registry};
use splatgraph_sdk::{Error, Value, prelude::Ctx, spec::Manifest};
use std::{collections::HashMap, path::PathBuf, sync::Arc};

pub(crate) type Run = dyn Fn(&Ctx, &[Value]) -> Result<Vec<Value>, Error> + Send + Sync;

/// Nodes made of closures.
#[derive(Default)]
pub(crate) struct Closures {
    runs: HashMap<String, Arc<Run>>,
}

struct Closure(Arc<Run>);

impl Instance for Closure {
    fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error> {
        (self.0)(ctx, inputs)
    }
}

impl NodeSource for Closures {
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error> {
        let run = self.runs.get(node).ok_or_else(|| Error::new(format!("no node {node}")))?;
        Ok(Box::new(Closure(run.clone())))
    }
}

/// A pack of closures, whose nodes are added one by one.
pub(crate) struct PackOf {
    id: String,
    nodes: Vec<Json>,
    closures: Closures,
}

impl PackOf {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), nodes: Vec::new(), closures: Closures::default() }
    }

    /// A node with its declaration as JSON.
    pub(crate) fn node(
        mut self,
        spec: Json,
        run: impl Fn(&Ctx, &[Value]) -> Result<Vec<Value>, Error> + Send + Sync + 'static,
    ) -> Self {
        self.closures.runs.insert(spec["name"].as_str().expect("a name").to_owned(), Arc::new(run));
        self.nodes.push(spec);
        self
    }

    /// A node that is only declared.
    pub(crate) fn declared(mut self, spec: Json) -> Self {
        self.nodes.push(spec);
        self
    }

    pub(crate) fn pack(self) -> Pack {
        let manifest = json!({ "id": self.id, "version": "0.1.0", "nodes": self.nodes });
        let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
        Pack { manifest, path: PathBuf::new(), nodes: Arc::new(self.closures) }
    }

    pub(crate) fn registry(self) -> Registry {
        Registry::new(vec![self.pack()])
    }
}

/// Declarations like those of the standard pack, and of a pack with models.
pub(crate) fn declared() -> Registry {
    let input = |name: &str, socket: &str| json!({ "name": name, "type": socket });
    let std = PackOf::new("std")
        .declared(json!({
            "name": "LoadImage",
            "help": "Reads a picture.\n\nMore about it.",
            "inputs": [{ "name": "path", "type": "STRING", "path": "read", "help": "The file." }],
            "outputs": [{ "name": "image", "type": "IMAGE" }, { "name": "mask", "type": "MASK" }],
        }))
        .declared(json!({
            "name": "SaveImage",
            "output": true,
            "inputs": [input("image", "IMAGE"), { "name": "path", "type": "STRING", "path": "write", "extensions": ["png"], "numbered": true }],
            "outputs": [{ "name": "path", "type": "STRING" }],
        }))
        .declared(json!({
            "name": "Resize",
            "inputs": [
                input("image", "IMAGE"),
                { "name": "width", "type": "INT", "min": 1, "max": 65536 },
                { "name": "fit", "type": "STRING", "default": "fill", "choices": [
                    { "name": "fill", "help": "Scales and crops." }, { "name": "fit" }, { "name": "stretch" },
                ] },
            ],
            "outputs": [{ "name": "image", "type": "IMAGE" }],
        }))
        .declared(json!({
            "name": "Grid",
            "inputs": [
                { "name": "images", "type": "IMAGE", "list": true },
                { "name": "weights", "type": "FLOAT", "list": true, "optional": true },
            ],
            "outputs": [{ "name": "image", "type": "IMAGE" }],
        }))
        .declared(json!({
            "name": "Split",
            "inputs": [input("image", "IMAGE")],
            "outputs": [{ "name": "images", "type": "IMAGE", "list": true }],
        }))
        .declared(json!({
            "name": "Note",
            "inputs": [
                { "name": "text", "type": "STRING", "default": "" },
                { "name": "extra", "type": "JSON", "optional": true },
                { "name": "on", "type": "BOOLEAN", "default": true },
                { "name": "seed", "type": "INT", "default": 0, "min": 0, "max": u64::MAX },
                { "name": "any", "type": "*", "optional": true },
            ],
            "outputs": [{ "name": "text", "type": "STRING" }],
        }));
    let tokens = PackOf::new("tokenize")
        .declared(json!({
            "name": "LoadTokenizer",
            "inputs": [
                { "name": "model", "type": "STRING", "path": "model", "builtin": ["small"], "default": "small" },
            ],
            "outputs": [{ "name": "tokenizer", "type": "TOKENIZER" }],
        }))
        .declared(json!({
            "name": "InitTokens",
            "inputs": [
                input("image", "IMAGE"),
                { "name": "tokens", "type": "INT", "default": 128, "min": 1, "max": 4096 },
                { "name": "exponent", "type": "FLOAT", "default": 2.5, "min": 0 },
            ],
            "outputs": [{ "name": "layout", "type": "LAYOUT" }],
        }))
        .declared(json!({
            "name": "DrawTokens",
            "inputs": [input("tokens", "TOKENS,LAYOUT"), { "name": "image", "type": "IMAGE", "optional": true }],
            "outputs": [{ "name": "image", "type": "IMAGE" }],
        }));
    Registry::new(vec![std.pack(), tokens.pack()])
}
