//! The node classes that can be used: what the loaded packs declare, and a way to make nodes of them.

use splatgraph_sdk::{
    Error, Value,
    prelude::Ctx,
    spec::{DeviceSpec, Manifest, NodeSpec},
};
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// A pack: what it declares, where it came from, and the source of its nodes.
#[derive(Clone)]
pub struct Pack {
    /// The pack's id, version and node classes.
    pub manifest: Manifest,
    /// The library file; empty for a pack that is part of the program.
    pub path: PathBuf,
    /// Makes nodes.
    pub nodes: Arc<dyn NodeSource>,
}

/// Makes the nodes of a pack.
pub trait NodeSource: Send + Sync {
    /// A new node of the class `node` (the name inside the pack). Each node of a graph gets one of its own, which lives
    /// as long as its [`Runner`](crate::run::Runner).
    ///
    /// # Errors
    /// The pack has no such class, or the node could not be made.
    fn create(&self, node: &str) -> Result<Box<dyn Instance>, Error>;

    /// What the pack's nodes may compute on, the best first; nothing for a pack that has no choice.
    ///
    /// # Errors
    /// Looking for devices failed.
    fn devices(&self) -> Result<Vec<DeviceSpec>, Error> {
        Ok(Vec::new())
    }

    /// Differs where other code stands behind the same id and version: a library that was loaded anew. Results of one
    /// generation are not used for another.
    fn generation(&self) -> u64 {
        0
    }
}

/// One node of a graph.
pub trait Instance: Send + Sync {
    /// Runs the node. `inputs` are in the order of [`NodeSpec::inputs`], `Value::none()` where one is left out; the
    /// result is in the order of [`NodeSpec::outputs`].
    ///
    /// # Errors
    /// Whatever the node reports.
    fn run(&self, ctx: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error>;
}

/// A node class of a loaded pack.
#[derive(Clone)]
pub struct Class {
    /// The pack that has it.
    pub pack: Arc<Pack>,
    /// Its sockets.
    pub spec: Arc<NodeSpec>,
    /// `pack.Node`.
    pub full_name: String,
}

/// All node classes of the loaded packs. A copy is cheap.
#[derive(Clone)]
pub struct Registry(Arc<Classes>);

struct Classes {
    packs: Vec<Arc<Pack>>,
    by_full_name: HashMap<String, Class>,
    /// Bare names, with the full name of every class that has it.
    by_bare_name: HashMap<String, Vec<String>>,
    /// In the order of packs and their declarations.
    full_names: Vec<String>,
}

impl Registry {
    /// A registry of these packs. Where two have one id, the earlier one's classes win.
    #[must_use]
    pub fn new(packs: Vec<Pack>) -> Self {
        let mut classes = Classes {
            packs: packs.into_iter().map(Arc::new).collect(),
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

    /// The packs, in the order given.
    #[must_use]
    pub fn packs(&self) -> &[Arc<Pack>] {
        &self.0.packs
    }

    /// The pack of this id.
    #[must_use]
    pub fn pack(&self, id: &str) -> Option<&Arc<Pack>> {
        self.0.packs.iter().find(|pack| pack.manifest.id == id)
    }

    /// The class of a full name (`std.LoadImage`), or of a bare name (`LoadImage`) that only one pack has.
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
