//! A node class, as `#[node]` implements it.

use crate::{
    Ctx, Error, Result, Value,
    socket::{Input, Socket},
    spec::{InputSpec, NodeSpec, OutputSpec},
};
use splatgraph_abi::{self as abi, Context, NodeError, RunNode};
use std::cmp::Ordering;

/// A node class. Write `#[node]` instead of implementing it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a node",
    note = "put #[node] above the function, or above `impl {Self}`"
)]
pub trait Node: Send + Sync + Sized + 'static {
    /// What the node says about itself.
    fn spec() -> NodeSpec;
    /// A new instance.
    fn create() -> Self;
    /// Runs it.
    ///
    /// # Errors
    /// An input is unusable, or the node failed.
    fn call(&self, ctx: &Ctx, inputs: &mut Inputs<'_>) -> Result<Vec<Value>>;
}

/// Inputs that several nodes share. Write `#[derive(InputGroup)]` instead of implementing it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a group of inputs",
    note = "put #[derive(InputGroup)] above the struct"
)]
pub trait InputGroup: Sized {
    /// Adds the inputs of the group to those of a node, in order.
    fn declare(inputs: &mut Vec<InputSpec>);
    /// Takes the next inputs of a node, in that order.
    ///
    /// # Errors
    /// An input is unusable.
    fn take(inputs: &mut Inputs<'_>) -> Result<Self>;
}

/// The values of a node's inputs, to be taken in the order of its spec.
pub struct Inputs<'a> {
    specs: std::slice::Iter<'a, InputSpec>,
    values: std::slice::Iter<'a, Value>,
}

impl<'a> Inputs<'a> {
    /// The next input; its default when it was left out.
    ///
    /// # Errors
    /// It is missing or of another type.
    pub fn take<T: Input>(&mut self) -> Result<T> {
        let (spec, value) = self.next()?;
        T::from_value(&value).map_err(|e| e.blame(&spec.name))
    }

    fn next(&mut self) -> Result<(&'a InputSpec, Value)> {
        let spec = self.specs.next().ok_or_else(|| Error::new("the node takes more inputs than it declares"))?;
        let value = self.values.next().cloned().unwrap_or_else(Value::none);
        if !value.is_none() || spec.optional {
            return Ok((spec, value));
        }
        match &spec.default {
            Some(default) => Ok((spec, Value::from_json(default))),
            None => Err(Error::input(&spec.name, "it is missing; give it a value or a link")),
        }
    }
}

/// Adds an input of type `T` to a node's spec.
#[doc(hidden)]
pub fn declare_input<'a, T: Socket>(inputs: &'a mut Vec<InputSpec>, name: &str, help: &str) -> &'a mut InputSpec {
    let input = new_input(inputs, name, help);
    (input.socket, input.choices) = (T::socket(), T::choices());
    (input.list, input.optional) = (T::LIST, T::OPTIONAL);
    input
}

/// The part of [`declare_input`] that is the same for all types, and so compiled once.
fn new_input<'a>(inputs: &'a mut Vec<InputSpec>, name: &str, help: &str) -> &'a mut InputSpec {
    inputs.push_mut(InputSpec { name: name.to_owned(), help: help.to_owned(), ..InputSpec::default() })
}

/// The outputs of a node's spec from their names and help, and from their types and whether they are lists.
#[doc(hidden)]
#[must_use]
pub fn declare_outputs(names: &[(&str, &str)], sockets: Vec<(String, bool)>) -> Vec<OutputSpec> {
    let output = |(&(name, help), (socket, list)): (&(&str, &str), _)| OutputSpec {
        name: name.to_owned(),
        socket,
        list,
        help: help.to_owned(),
    };
    names.iter().zip(sockets).map(output).collect()
}

/// Checks what the declaration says about a number; a literal was checked by the host already, a linked one was not.
fn check_range(input: &InputSpec, value: &Value) -> Result<()> {
    let Some(number) = value.as_float() else { return Ok(()) };
    let beyond = |bound: &Option<serde_json::Value>, wrong: Ordering| {
        bound.as_ref().and_then(serde_json::Value::as_f64).filter(|bound| number.partial_cmp(bound) == Some(wrong))
    };
    let name = &input.name;
    if let Some(min) = beyond(&input.min, Ordering::Less) {
        return Err(Error::input(name, format!("a number of at least {min} was expected, {number} came")));
    }
    if let Some(max) = beyond(&input.max, Ordering::Greater) {
        return Err(Error::input(name, format!("a number of at most {max} was expected, {number} came")));
    }
    Ok(())
}

/// A node of any class, so that what runs nodes is compiled once and not for each class.
pub(crate) trait AnyNode: Send + Sync {
    fn call(&self, ctx: &Ctx, inputs: &mut Inputs<'_>) -> Result<Vec<Value>>;
}

impl<N: Node> AnyNode for N {
    fn call(&self, ctx: &Ctx, inputs: &mut Inputs<'_>) -> Result<Vec<Value>> {
        Node::call(self, ctx, inputs)
    }
}

/// Runs a node on values in the order of its spec.
pub(crate) fn call(node: &dyn AnyNode, spec: &NodeSpec, ctx: &Ctx, values: &[Value]) -> Result<Vec<Value>> {
    for (input, value) in spec.inputs.iter().zip(values) {
        if input.min.is_some() || input.max.is_some() {
            check_range(input, value)?;
        }
    }
    node.call(ctx, &mut Inputs { specs: spec.inputs.iter(), values: values.iter() })
}

/// A node behind the binary interface.
pub(crate) struct Instance {
    pub(crate) node: Box<dyn AnyNode>,
    pub(crate) spec: NodeSpec,
}

impl RunNode for Instance {
    fn run(&self, context: &Context, inputs: &[abi::Value]) -> Result<Vec<abi::Value>, NodeError> {
        let values: Vec<Value> = inputs.iter().cloned().map(Value).collect();
        let ctx = Ctx::new(abi::share_context(context));
        let outputs = call(&*self.node, &self.spec, &ctx, &values).map_err(Error::into_abi)?;
        Ok(outputs.into_iter().map(|v| v.0).collect())
    }
}
