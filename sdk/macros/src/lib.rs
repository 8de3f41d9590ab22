//! The macros of `splatgraph-sdk`; see there for how they are used.

mod attributes;
mod choice;
mod input_group;
mod inputs;
mod node;
mod union;

use proc_macro::TokenStream;

/// Makes a function a node, or an `impl` block with a method `run`.
///
/// The doc comment becomes the help, the parameters become inputs. Options, all but `outputs` optional:
/// - `outputs(image: "the picture", mask)`: names and help of the results, in the order of the returned tuple; left out
///   by a node that returns `Result<()>`.
/// - `category = "Image/Transform"`: where menus show it.
/// - `version = 2`: raise it when the same inputs give another result.
/// - `name = "Other"`: instead of the function's name in camel case.
/// - `output`: the node has an effect outside the graph, so it always runs.
///
/// Parameters take `#[input(..)]`: `default = 128`, `min = 1`, `max = 4096`, `path = read` (or `read_dir`, `write`,
/// `model`), `builtin = ["small"]` for models inside the pack, `extensions = ["abc"]` for the kind of file that the node is
/// for, without a dot: `inspect` and `convert` find it so. A parameter with `#[input(flatten)]` is a group of inputs, see
/// [`InputGroup`](macro@InputGroup). A parameter `ctx: &Ctx` is no input.
///
/// A node with a state is a struct with `Default` whose `impl` block has `fn run(&self, ..)`: one instance lives for each node
/// of a graph, as long as the host process does.
#[proc_macro_attribute]
pub fn node(options: TokenStream, item: TokenStream) -> TokenStream {
    node::expand(options.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes an enum without data a text input with these choices, in snake case; `#[choice(name = "other")]` sets another text.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(item: TokenStream) -> TokenStream {
    choice::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes an enum of one-field variants an input that takes any of their types.
#[proc_macro_derive(Union)]
pub fn union(item: TokenStream) -> TokenStream {
    union::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct a group of inputs that several nodes share.
///
/// Each field is an input, with a doc comment and `#[input(..)]` as on a parameter of a node. A node takes the group as a
/// parameter with `#[input(flatten)]`; its manifest lists the fields in the parameter's place, in order. A group may hold
/// another group, as a field with `#[input(flatten)]`.
#[proc_macro_derive(InputGroup, attributes(input))]
pub fn input_group(item: TokenStream) -> TokenStream {
    input_group::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
