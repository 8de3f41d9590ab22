//! The node classes of the loaded packs, and the sources that make nodes of them.

use splatgraph_sdk::{
    Error, Value,
    prelude::Ctx,
    spec::{DeviceSpec, Manifest, NodeSpec},
};
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// A pack: its declaration, its file, and the source of its nodes.
#[derive(Clone)]
pub struct Pack {
    /// The pack's id, version and node classes.
    pub manifest: Manifest,
    /// The library file; empty if the pack is part of the program.
    pub path: PathBuf,
    /// Makes nodes.
    pub nodes: Arc<dyn NodeSource>,
}

/// Makes the nodes of a pack.
pub trait NodeSource: Send + Sync {
    /// Makes an instance of the class `node` (its name inside the pack). Each node of a graph has its own instance, which
    /// lives as long as its [`Runner`](crate::run::Runner).
    ///
    /// # Errors
    /// The pack has no such class, or can't make the instance.
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error>;

    /// The devices that the pack's nodes can compute on, the best first; empty if the pack has no choice.
    ///
    /// # Errors
    /// The pack failed while it looked for devices.
    fn devices(&self) -> Result<Vec<DeviceSpec>, Error> {
        Ok(Vec::new())
    }

    /// The content of a file for web pages that the pack brings; `None` if it has no such file.
    ///
    /// # Errors
    /// The pack failed.
    fn web_file(&self, _name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    /// The files and folders with the code of the pack, if they are others than [`Pack::path`]; the first is its source.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Tells apart different code with one id and version: each load of a library has its own generation. A runner does not
    /// reuse results of another generation.
    fn generation(&self) -> u64 {
        0
    }
}

/// One node of a graph.
pub trait Instance: Send + Sync {
    /// Runs the node. `inputs` are in the order of [`NodeSpec::inputs`], with `Value::none()` for an input that is left out.
    /// The result is in the order of [`NodeSpec::outputs`].
    ///
    /// # Errors
    /// The errors of the node.
    fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error>;
}

/// A node class of a loaded pack.
#[derive(Clone)]
pub struct Class {
    /// Its pack.
    pub pack: Arc<Pack>,
    /// Its declaration.
    pub spec: Arc<NodeSpec>,
    /// `pack.Node`.
    pub full_name: String,
}

/// All node classes of the loaded packs. A copy is cheap.
#[derive(Clone)]
pub struct Registry(Arc<Classes>);

struct Classes {
    packs: Vec<Arc<Pack>>,
    /// By id, the reasons why packs can't be loaded.
    refused: Vec<(String, String)>,
    by_full_name: HashMap<String, Class>,
    /// For each bare name, the full names of its classes.
    by_bare_name: HashMap<String, Vec<String>>,
    /// In the order of packs and their declarations.
    full_names: Vec<String>,
}

impl Registry {
    /// A registry of these packs. If two packs have the same id, the classes of the earlier one are used.
    #[must_use]
    pub fn new(packs: Vec<Pack>) -> Self {
        Self::with_refused(packs, Vec::new())
    }

    /// A registry as [`new`](Self::new) makes it, which also knows the ids of packs that can't be loaded, with the reasons.
    /// A graph that names one gets the reason.
    #[must_use]
    pub fn with_refused(packs: Vec<Pack>, refused: Vec<(String, String)>) -> Self {
        let mut classes = Classes {
            packs: packs.into_iter().map(Arc::new).collect(),
            refused,
            by_full_name: HashMap::new(),
            by_bare_name: HashMap::new(),
            full_names: Vec::new(),
        };
        for pack in &classes.packs {
            for spec in &pack.manifest.nodes {
                let full_name = format!("{}.{}", pack.manifest.id, spec.name);
                if classes.by_full_name.contains_key(&full_name) {
                    continue;
                }
                classes.full_names.push(full_name.clone());
                classes.by_bare_name.entry(spec.name.clone()).or_default().push(full_name.clone());
                let class = Class { pack: pack.clone(), spec: Arc::new(spec.clone()), full_name: full_name.clone() };
                classes.by_full_name.insert(full_name, class);
            }
        }
        Self(Arc::new(classes))
    }

    /// This registry with one more pack, behind all others.
    #[must_use]
    pub fn with_pack(&self, pack: Pack) -> Self {
        let packs = self.packs().iter().map(|pack| (**pack).clone()).chain([pack]);
        Self::with_refused(packs.collect(), self.0.refused.clone())
    }

    /// The packs, in the order of [`new`](Self::new).
    #[must_use]
    pub fn packs(&self) -> &[Arc<Pack>] {
        &self.0.packs
    }

    /// The pack with this id.
    #[must_use]
    pub fn pack(&self, id: &str) -> Option<&Arc<Pack>> {
        self.0.packs.iter().find(|pack| pack.manifest.id == id)
    }

    /// The reason why the pack with this id can't be loaded; `None` if it is loaded, or if there is none.
    #[must_use]
    pub fn refused(&self, id: &str) -> Option<&str> {
        let reason = self.0.refused.iter().find(|(refused, _)| refused == id).map(|(_, reason)| reason.as_str());
        reason.filter(|_| self.pack(id).is_none())
    }

    /// The class with a full name (`std.LoadImage`), or with a bare name (`LoadImage`) if only one pack has it.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<Class> {
        match self.0.by_full_name.get(name) {
            Some(class) => Some(class.clone()),
            None => match self.with_bare_name(name) {
                [only] => self.0.by_full_name.get(only).cloned(),
                _ => None,
            },
        }
    }

    /// The full names of the classes with this bare name.
    #[must_use]
    pub fn with_bare_name(&self, name: &str) -> &[String] {
        self.0.by_bare_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The full names of all classes, in the order of packs and their declarations.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.0.full_names
    }
}
