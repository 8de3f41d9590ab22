//! Node classes: the trait that `#[node]` implements, and how a node takes its inputs.

use crate::{
    Ctx, Error, Result, Value, settings,
    socket::{Input, Literal, Socket},
    spec::{InputSpec, NodeSpec, OutputSpec},
    whole_file::make_durable,
};
use splatgraph_abi::{self as abi, Context, NodeError, RunNode};
use std::{cmp::Ordering, sync::Arc};

/// A node class. Write `#[node]` instead of implementing it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a node",
    note = "put #[node] above the function, or above `impl {Self}`"
)]
pub trait Node: Send + Sync + Sized + 'static {
    /// The name, inputs, outputs and help of the class.
    fn spec() -> NodeSpec;
    /// Creates an instance.
    fn create() -> Self;
    /// Runs the node.
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
    /// Adds the inputs of the group to the inputs of a node, in order.
    fn declare(inputs: &mut Vec<InputSpec>);
    /// Takes the inputs of the group from the next inputs of a node, in the same order.
    ///
    /// # Errors
    /// An input is unusable.
    fn take(inputs: &mut Inputs<'_>) -> Result<Self>;
}

/// The values of a node's inputs. The node takes them in the order of its spec.
pub struct Inputs<'a> {
    specs: std::slice::Iter<'a, InputSpec>,
    values: std::slice::Iter<'a, Value>,
}

impl<'a> Inputs<'a> {
    /// Takes the next input, or its default if the graph leaves it out.
    ///
    /// # Errors
    /// The input is missing or of another type.
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
            None => Err(Error::input(&spec.name, "expected a value or a link, got nothing")),
        }
    }
}

/// Adds an input of type `T` to a node's spec.
#[doc(hidden)]
pub fn declare_input<'a, T: Socket>(inputs: &'a mut Vec<InputSpec>, name: &str, help: &str) -> &'a mut InputSpec {
    let input = new_input(inputs, name, help);
    (input.socket, input.choices) = (T::socket(), T::choices());
    (input.list, input.optional, input.numbered) = (T::LIST, T::OPTIONAL, T::NUMBERED);
    input
}

/// The literal of a default that the declaration writes as text. It is not inlined, as declarations run rarely.
#[doc(hidden)]
#[must_use]
#[inline(never)]
pub fn text_literal<T: Literal + for<'a> From<&'a str>>(text: &str) -> serde_json::Value {
    T::from(text).to_literal()
}

/// The part of [`declare_input`] that does not depend on the type, so that it is compiled once.
fn new_input<'a>(inputs: &'a mut Vec<InputSpec>, name: &str, help: &str) -> &'a mut InputSpec {
    inputs.push_mut(InputSpec { name: name.to_owned(), help: help.to_owned(), ..InputSpec::default() })
}

/// Makes the outputs of a node's spec from pairs of a name and a help text, and pairs of a type and whether it is a list.
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

/// Checks the range of a number. The host has checked literals, but not values that come over links.
fn check_range(input: &InputSpec, value: &Value) -> Result<()> {
    let Some(number) = value.as_float() else { return Ok(()) };
    let beyond = |bound: &Option<serde_json::Value>, wrong: Ordering| {
        bound.as_ref().and_then(serde_json::Value::as_f64).filter(|bound| number.partial_cmp(bound) == Some(wrong))
    };
    let name = &input.name;
    if let Some(min) = beyond(&input.min, Ordering::Less) {
        return Err(Error::input(name, format!("expected a number of at least {min}, got {number}")));
    }
    if let Some(max) = beyond(&input.max, Ordering::Greater) {
        return Err(Error::input(name, format!("expected a number of at most {max}, got {number}")));
    }
    Ok(())
}

/// A node of any class. The code that runs nodes uses it, so that it is compiled once instead of once per class.
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
    pub(crate) spec: Arc<NodeSpec>,
}

impl RunNode for Instance {
    fn run(&self, context: &Context, inputs: &[abi::Value]) -> Result<Vec<abi::Value>, NodeError> {
        let values: Vec<Value> = inputs.iter().cloned().map(Value).collect();
        let ctx = Ctx::new(abi::share_context(context));
        #[cfg(feature = "rayon")]
        crate::threads::start().map_err(Error::into_abi)?;
        if self.spec.output && settings::durable(ctx.settings()) {
            make_durable();
        }
        let outputs = call(&*self.node, &self.spec, &ctx, &values).map_err(Error::into_abi)?;
        Ok(outputs.into_iter().map(|v| v.0).collect())
    }
}
