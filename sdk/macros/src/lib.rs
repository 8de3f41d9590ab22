//! The macros of `splatgraph-sdk`, which explains their use.

mod attributes;
mod choice;
mod input_group;
mod inputs;
mod node;
mod union;

use proc_macro::TokenStream;

/// Makes a node of a function, or of an `impl` block with a method `run`.
///
/// The doc comment becomes the help, and the parameters become inputs. Options, of which only `outputs` is required:
/// - `outputs(image: "the picture", mask)`: names and help of the results, in the order of the returned tuple. A node that returns
///   `Result<()>` has none.
/// - `category = "Image/Transform"`: the place in menus.
/// - `version = 2`: raise it if the same inputs give another result.
/// - `name = "Other"`: replaces the function's name in camel case.
/// - `output`: the node has an effect outside the graph, so it always runs.
/// - `saves`: the node saves its work when the run is cancelled, so the host waits for it, however long that takes.
///
/// Parameters take `#[input(..)]`: `default = 128`, `min = 1`, `max = 4096`, `path = read` (or `read_dir`, `write`,
/// `model`), `builtin = ["small"]` for models inside the pack, and `extensions = ["abc"]` for kinds of files, without a dot, so that
/// `inspect` and `convert` find the node. A node that can write no others adds `extensions_only`; the host then refuses a graph with
/// another extension before it runs. `counts_from = "seed"` says that the node uses this many whole numbers from the input `seed`
/// on. `chosen_by = "condition", chosen_when = true` says that the host computes what feeds the input only if the input `condition` is
/// true; without `chosen_when`, `chosen_by` names a whole number, which is the position of the chosen link in a list. A parameter with
/// `#[input(flatten)]` is a group of inputs, see
/// [`InputGroup`](macro@InputGroup). A parameter `ctx: &Ctx` is the context and not an input.
///
/// A node with a state is a struct with `Default` and an `impl` block with `fn run(&self, ..)`. Each node of a graph has one
/// instance, which lives as long as the host process.
#[proc_macro_attribute]
pub fn node(options: TokenStream, item: TokenStream) -> TokenStream {
    node::expand(options.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes an enum without data an input with these choices. Their texts are the names of the variants in snake case;
/// `#[choice(name = "other")]` sets another text.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(item: TokenStream) -> TokenStream {
    choice::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes an enum of one-field variants an input that accepts any of their types.
#[proc_macro_derive(Union)]
pub fn union(item: TokenStream) -> TokenStream {
    union::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct a group of inputs that several nodes share.
///
/// Each field is an input. It takes a doc comment and `#[input(..)]`, like a parameter of a node. A node takes the group as a
/// parameter with `#[input(flatten)]`. Its manifest lists the fields in order in place of the parameter. A group may hold another
/// group, as a field with `#[input(flatten)]`.
#[proc_macro_derive(InputGroup, attributes(input))]
pub fn input_group(item: TokenStream) -> TokenStream {
    input_group::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
