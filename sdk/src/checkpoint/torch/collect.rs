//! The tensors of a saved value and their names: the keys of all dictionaries on the way, joined by dots.

use super::{Storages, globals::module_today, tensor};
use crate::{
    Error, Result, Tensor,
    checkpoint::{numpy::numpy_array, pickle::Pickle},
};
use std::collections::{BTreeMap, btree_map::Entry};

/// All tensors of a value. Only a value without tensors is an error.
pub(super) fn tensors(root: &Pickle, storages: Storages) -> Result<BTreeMap<String, Tensor>> {
    let mut collector = Collector { storages, found: BTreeMap::new() };
    collector.value(None, root)?;
    if collector.found.is_empty() {
        return Err(Error::new("expected a checkpoint with tensors, got one without"));
    }
    Ok(collector.found.into_iter().map(|(name, (tensor, _))| (name, tensor)).collect())
}

/// A place in the saved value: the keys on the way to it, the last one first.
#[derive(Clone, Copy)]
struct Place<'a> {
    outer: Option<&'a Place<'a>>,
    key: Key<'a>,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Of(&'a Pickle),
    Index(usize),
}

impl Place<'_> {
    /// The name of a tensor here, `model.0.weight`, and how Python writes the place, `['model'][0]['weight']`. Several places may have
    /// the same name.
    fn texts(place: Option<&Self>) -> (String, String) {
        let mut keys: Vec<_> = std::iter::successors(place, |place| place.outer).map(|place| place.key).collect();
        keys.reverse();
        let (mut name, mut path) = (String::new(), String::new());
        for key in keys {
            let (key, written) = match key {
                Key::Of(key) => key_texts(key),
                Key::Index(index) => (index.to_string(), index.to_string()),
            };
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&key);
            path.extend(["[", &written, "]"]);
        }
        (name, path)
    }
}

struct Collector {
    storages: Storages,
    /// Tensors with their paths.
    found: BTreeMap<String, (Tensor, String)>,
}

impl Collector {
    fn value(&mut self, place: Option<&Place<'_>>, value: &Pickle) -> Result<()> {
        match value {
            Pickle::Dict(pairs) => self.pairs(place, pairs),
            Pickle::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(Some(&Place { outer: place, key: Key::Index(index) }), item)?;
                }
                Ok(())
            }
            Pickle::Call { function, arguments, state } => {
                self.call(place, value, function, arguments, state.as_deref())
            }
            _ => Ok(()),
        }
    }

    fn call(
        &mut self,
        place: Option<&Place<'_>>,
        value: &Pickle,
        function: &Pickle,
        arguments: &Pickle,
        state: Option<&Pickle>,
    ) -> Result<()> {
        let Pickle::Global(module, name) = function else {
            return Err(Error::new(format!(
                "expected a call of something named, got a call of {}",
                function.describe()
            )));
        };
        let arguments = arguments.items();
        match (module_today(module), name.as_str()) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => {
                let tensor = tensor::tensor(&mut self.storages, arguments, false);
                self.found(place, tensor)
            }
            ("torch._utils", "_rebuild_tensor_v3") => {
                let tensor = tensor::tensor(&mut self.storages, arguments, true);
                self.found(place, tensor)
            }
            (
                "torch._utils",
                "_rebuild_parameter"
                | "_rebuild_parameter_with_state"
                | "_rebuild_device_tensor_from_cpu_tensor"
                | "_rebuild_device_tensor_from_numpy"
                | "_rebuild_xla_tensor",
            ) => arguments.first().map_or(Ok(()), |data| self.value(place, data)),
            ("torch._tensor" | "torch.tensor", "_rebuild_from_type_v2") => match arguments {
                [function, _class, arguments, ..] => self.call(place, value, function, arguments, None),
                _ => Ok(()),
            },
            ("torch._utils" | "torch.nested._internal.nested_tensor", other) => {
                let kind = other.trim_start_matches("_rebuild_").replace('_', " ");
                let message = format!(
                    "expected a plain tensor, got one of the kind `{kind}`; convert it in Python, or leave it out"
                );
                self.found(place, Err(Error::new(message)))
            }
            ("torch.nn.parameter", "Parameter") => self.of_class(place, state, arguments.first()),
            (module, name) if module.starts_with("torch") && name.ends_with("Tensor") => {
                self.of_class(place, state, None)
            }
            ("numpy._core.multiarray", "_reconstruct") | ("numpy._core.numeric", "_frombuffer") => {
                let array = numpy_array(value);
                self.found(place, array)
            }
            ("collections" | "builtins", _) => {
                for argument in arguments {
                    match name.as_str() {
                        "OrderedDict" => self.ordered(place, argument)?,
                        _ => self.value(place, argument)?,
                    }
                }
                state.map_or(Ok(()), |state| self.value(place, state))
            }
            _ => Ok(()),
        }
    }

    /// A tensor of PyTorch 0.x: an object whose state is a storage with its offset, size and stride, or a tensor and flags.
    fn of_class(&mut self, place: Option<&Place<'_>>, state: Option<&Pickle>, data: Option<&Pickle>) -> Result<()> {
        match (state.map(Pickle::items), data) {
            (Some(state @ [Pickle::Persistent(_), ..]), _) => {
                let tensor = tensor::tensor(&mut self.storages, state, false);
                self.found(place, tensor)
            }
            (Some([data, _, _, _, _]), _) | (_, Some(data)) => self.value(place, data),
            _ => self.found(place, Err(Error::new("expected a tensor in the usual form, got another form"))),
        }
    }

    /// The argument of an ordered dictionary: a dictionary, or the list of keys and values that Python 2 wrote.
    fn ordered(&mut self, place: Option<&Place<'_>>, argument: &Pickle) -> Result<()> {
        for item in argument.items() {
            match item.items() {
                [key, value] => self.pair(place, key, value)?,
                _ => return Err(Error::new("expected a dictionary of keys and values, got other items")),
            }
        }
        if let Pickle::Dict(pairs) = argument { self.pairs(place, pairs) } else { Ok(()) }
    }

    fn pairs(&mut self, place: Option<&Place<'_>>, pairs: &[(Pickle, Pickle)]) -> Result<()> {
        pairs.iter().try_for_each(|(key, value)| self.pair(place, key, value))
    }

    fn pair(&mut self, place: Option<&Place<'_>>, key: &Pickle, value: &Pickle) -> Result<()> {
        self.value(Some(&Place { outer: place, key: Key::Of(key) }), value)
    }

    fn found(&mut self, place: Option<&Place<'_>>, tensor: Result<Tensor>) -> Result<()> {
        let (name, path) = Place::texts(place);
        let tensor = tensor.map_err(|e| e.context(format!("the tensor `{name}`")))?;
        self.storages.budget.take(name.len() + path.len())?;
        match self.found.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert((tensor, path));
                Ok(())
            }
            Entry::Occupied(entry) => Err(Error::new(format!(
                "expected a name of its own for each tensor, got `{}` for both {} and {path}; rename one of them in Python",
                entry.key(),
                entry.get().1
            ))),
        }
    }
}

/// A key as a part of a name, and as Python writes it.
fn key_texts(key: &Pickle) -> (String, String) {
    let text = match key {
        Pickle::Text(text) => return (text.clone(), format!("'{}'", text.escape_debug())),
        Pickle::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let written = format!("b'{}'", text.escape_debug());
            return (text, written);
        }
        Pickle::List(items) => {
            let items: Vec<String> = items.iter().map(|item| key_texts(item).1).collect();
            format!("({})", items.join(", "))
        }
        Pickle::Int(number) => number.to_string(),
        Pickle::Float(number) => format!("{number:?}"),
        Pickle::Bool(true) => "True".to_owned(),
        Pickle::Bool(false) => "False".to_owned(),
        Pickle::None => "None".to_owned(),
        other => other.global_name().unwrap_or_else(|| other.describe()),
    };
    (text.clone(), text)
}
