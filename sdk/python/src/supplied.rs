//! The pack of values that Python supplies. It has one node for each type, whose input names a value.

use splatgraph::{
    graph,
    registry::{Instance, NodeSource, Pack, Registry},
    run::content_sum,
    sha256::hex,
};
use splatgraph_sdk::{
    Ctx, Error, Value,
    spec::{InputSpec, Manifest, NodeSpec, OutputSpec, scalar},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The id of the pack.
const PACK: &str = "python_values";
/// The input of its nodes.
const INPUT: &str = "name";

/// Values whose content is not compared have numbers.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Values that Python supplies for runs, by their names. The name of a record is the sum of its content, so results are kept from
/// run to run for equal content, and never for other content.
#[derive(Clone, Default)]
pub(crate) struct Values(Arc<Mutex<HashMap<String, Value>>>);

impl Values {
    /// Keeps a value until [`forget`](Self::forget). Returns its name: the sum of its content if results are kept, else a number.
    fn keep(&self, value: Value, results_are_kept: bool) -> String {
        let sum = if results_are_kept { content_sum(&value).map(|sum| hex(&sum)) } else { None };
        let name = sum.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), value);
        name
    }

    /// Forgets all values.
    pub(crate) fn forget(&self) {
        let values = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        // Outside the lock, as this runs code of Python.
        drop(values);
    }

    /// Puts values, each with its place and its type, in the place of outputs of a graph. Returns the registry with their pack.
    pub(crate) fn put_into(
        &self,
        file: &mut graph::File,
        values: Vec<(String, String, Value)>,
        results_are_kept: bool,
        registry: &Registry,
    ) -> Result<Registry, graph::Problem> {
        let types: BTreeSet<&str> = values.iter().map(|(_, socket, _)| socket.as_str()).collect();
        let nodes = types.into_iter().map(node).collect();
        let (id, version) = (PACK.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let manifest = Manifest { id, version, nodes, ..Manifest::default() };
        let registry = registry.with_pack(Pack { manifest, path: "".into(), nodes: Arc::new(self.clone()) });
        for (place, socket, value) in values {
            let inputs = vec![(INPUT.to_owned(), self.keep(value, results_are_kept).into())];
            let class = format!("{PACK}.{}", class_name(&socket));
            file.supply(&place, &graph::Supplied { class, inputs }, &registry)?;
        }
        Ok(registry)
    }
}

fn class_name(socket: &str) -> String {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("Supplied_{}", socket.chars().map(letters).collect::<String>())
}

fn node(socket: &str) -> NodeSpec {
    let input = InputSpec { name: INPUT.to_owned(), socket: scalar::STRING.to_owned(), ..InputSpec::default() };
    let output = OutputSpec { name: "value".to_owned(), socket: socket.to_owned(), ..OutputSpec::default() };
    NodeSpec { name: class_name(socket), version: 1, inputs: vec![input], outputs: vec![output], ..NodeSpec::default() }
}

impl NodeSource for Values {
    fn create(&self, _class: &str) -> Result<Box<dyn Instance>, Error> {
        Ok(Box::new(self.clone()))
    }
}

impl Instance for Values {
    fn run(&self, _: &Ctx, inputs: &[Value]) -> Result<Vec<Value>, Error> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = inputs.first().and_then(Value::as_text).and_then(|name| values.get(name)).cloned();
        Ok(vec![value.ok_or_else(|| Error::new("the value that Python supplied is gone; supply it in this run"))?])
    }
}
