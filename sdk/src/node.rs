//! A node class, as `#[node]` implements it.

use crate::{
    Ctx, Error, Result, Value,
    socket::Input,
    spec::{InputSpec, NodeSpec},
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
    fn call(&self, ctx: &Ctx, inputs: &Inputs<'_>) -> Result<Vec<Value>>;
}

/// The values of a node's inputs, in the order of its spec.
pub struct Inputs<'a>(&'a [Value]);

impl Inputs<'_> {
    /// The input at `index`.
    ///
    /// # Errors
    /// It is missing or of another type.
    pub fn get<T: Input>(&self, index: usize, name: &str) -> Result<T> {
        let value = self.0.get(index).cloned().unwrap_or_else(Value::none);
        if value.is_none() && !T::OPTIONAL {
            return Err(Error::input(name, "it is missing; give it a value or a link"));
        }
        T::from_value(&value).map_err(|e| e.blame(name))
    }

    /// The input at `index`, or its default when it was left out.
    ///
    /// # Errors
    /// It is of another type.
    pub fn get_or<T: Input>(&self, index: usize, name: &str, default: impl FnOnce() -> T) -> Result<T> {
        match self.0.get(index) {
            Some(value) if !value.is_none() => self.get(index, name),
            _ => Ok(default()),
        }
    }
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

/// Runs a node on values in the order of its spec.
pub(crate) fn call<N: Node>(node: &N, spec: &NodeSpec, ctx: &Ctx, values: &[Value]) -> Result<Vec<Value>> {
    for (input, value) in spec.inputs.iter().zip(values) {
        if input.min.is_some() || input.max.is_some() {
            check_range(input, value)?;
        }
    }
    node.call(ctx, &Inputs(values))
}

/// A node behind the binary interface.
pub(crate) struct Instance<N> {
    node: N,
    spec: NodeSpec,
}

impl<N: Node> Instance<N> {
    pub(crate) fn new() -> Self {
        Self { node: N::create(), spec: N::spec() }
    }
}

impl<N: Node> RunNode for Instance<N> {
    fn run(&self, context: &Context, inputs: &[abi::Value]) -> Result<Vec<abi::Value>, NodeError> {
        let values: Vec<Value> = inputs.iter().cloned().map(Value).collect();
        let outputs =
            call(&self.node, &self.spec, &Ctx::new(abi::share_context(context)), &values).map_err(Error::into_abi)?;
        Ok(outputs.into_iter().map(|v| v.0).collect())
    }
}
