//! The functions that `export_pack!` calls.

use crate::{
    Error, Result,
    changes::Change,
    node::{AnyNode, Instance, Node},
    spec::{DeviceSpec, Manifest, NodeSpec, Replacement, WebFile},
};
pub use splatgraph_abi as abi;
use splatgraph_abi::{
    Context, NodeBox, Outcome,
    abi_stable::std_types::{ROption, RSlice, RStr, RString},
};
use std::{
    ffi::CStr,
    sync::{Arc, Mutex, PoisonError},
};

/// One node of a pack.
pub struct Entry {
    spec: fn() -> NodeSpec,
    create: fn() -> Box<dyn AnyNode>,
}

/// The entry of a node class.
#[must_use]
pub const fn entry<N: Node>() -> Entry {
    Entry { spec: N::spec, create: || Box::new(N::create()) }
}

/// The text as a C string.
#[must_use]
pub const fn c_text(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("expected a pack id and version without the character 0"),
    }
}

/// The compiler that built this SDK and the pack.
pub const RUSTC: &str = concat!(env!("SPLATGRAPH_RUSTC"), "\0");
/// The platform that this SDK was built for.
pub const TARGET: &str = concat!(env!("SPLATGRAPH_TARGET"), "\0");
/// This SDK's version.
pub const SDK: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// Names of nodes that a build of a pack can't run, each with the reason and what to do.
pub type Absent = Vec<(&'static str, String)>;

/// The words about a pack.
pub struct About {
    /// Its id.
    pub id: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// One line about it.
    pub description: &'static str,
    /// An SPDX expression.
    pub license: &'static str,
}

/// The manifest of the pack, as JSON.
#[must_use]
pub fn manifest(
    about: &About,
    nodes: &[Entry],
    absent: &[fn() -> Absent],
    web: &[(&str, &[u8])],
    replaces: &[fn() -> Vec<Replacement>],
    changes: fn() -> Vec<Change>,
) -> RString {
    let text = splatgraph_abi::guard(|| {
        let manifest = Manifest {
            id: about.id.to_owned(),
            version: about.version.to_owned(),
            sdk: SDK.trim_end_matches('\0').to_owned(),
            description: about.description.to_owned(),
            license: about.license.to_owned(),
            nodes: nodes.iter().map(|n| (n.spec)()).collect(),
            absent: absent.iter().flat_map(|list| list()).map(|(node, why)| (node.to_owned(), why)).collect(),
            web: web.iter().map(|(name, file)| WebFile { name: (*name).to_owned(), size: file.len() as u64 }).collect(),
            replaces: replaces.iter().flat_map(|list| list()).collect(),
            changes: changes(),
        };
        manifest.nodes.iter().try_for_each(check_names).map_err(Error::into_abi)?;
        serde_json::to_string(&manifest).map_err(|e| Error::new(e).into_abi())
    });
    text.map_or_else(|e| serde_json::json!({ "error": e.message.as_str() }).to_string().into(), RString::from)
}

/// Refuses a node with two inputs of one name, which groups of inputs make possible.
fn check_names(node: &NodeSpec) -> Result<()> {
    let twice =
        node.inputs.iter().enumerate().find(|(i, input)| node.inputs[..*i].iter().any(|i| i.name == input.name));
    match twice {
        Some((_, input)) => Err(Error::new(format!("the node {} has two inputs named `{}`", node.name, input.name))),
        None => Ok(()),
    }
}

/// The devices that the pack's nodes can compute on, as JSON.
#[must_use]
pub fn devices(lists: &[fn() -> Vec<DeviceSpec>]) -> RString {
    let text = splatgraph_abi::guard(|| {
        let devices: Vec<DeviceSpec> = lists.iter().flat_map(|list| list()).collect();
        serde_json::to_string(&devices).map_err(|e| Error::new(e).into_abi())
    });
    text.map_or_else(|e| serde_json::json!({ "error": e.message.as_str() }).to_string().into(), RString::from)
}

/// The file for browsers with this name.
#[must_use]
pub fn web_file(name: RStr<'_>, files: &'static [(&'static str, &'static [u8])]) -> ROption<RSlice<'static, u8>> {
    files.iter().find(|(other, _)| *other == name.as_str()).map(|(_, file)| RSlice::from_slice(file)).into()
}

/// Prepares the library.
pub fn init(context: Context) {
    splatgraph_abi::install_panic_hook(context);
}

/// A new instance of the class `name`.
pub fn create(name: RStr<'_>, nodes: &'static [Entry]) -> Outcome<NodeBox> {
    splatgraph_abi::guard(|| {
        let specs = specs(nodes);
        let found = nodes.iter().zip(specs.iter()).find(|(_, spec)| spec.name == name.as_str());
        let (entry, spec) =
            found.ok_or_else(|| Error::new(format!("expected a node of the pack, got `{name}`")).into_abi())?;
        Ok(splatgraph_abi::node_object(Instance { node: (entry.create)(), spec: Arc::clone(spec) }))
    })
}

/// The declarations of nodes, in their order.
type Specs = Arc<[Arc<NodeSpec>]>;

/// The declarations of a pack's nodes, made once: a graph may have many nodes, and a declaration takes longer than a small node.
fn specs(nodes: &'static [Entry]) -> Specs {
    // By the addresses of the lists. A program may have several packs in it.
    static KNOWN: Mutex<Vec<(usize, Specs)>> = Mutex::new(Vec::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = nodes.as_ptr().addr();
    if let Some((_, specs)) = known().iter().find(|(other, _)| *other == address) {
        return Arc::clone(specs);
    }
    // Outside the lock, as this runs code of the pack.
    let specs: Specs = nodes.iter().map(|entry| Arc::new((entry.spec)())).collect();
    known().push((address, Arc::clone(&specs)));
    specs
}

/// Makes the library a pack: the last line of its `lib.rs`.
///
/// ```text
/// export_pack! { id: "acme", description: "Splats, our way", nodes: [splat, blur::blur, LoadModel] }
/// ```
/// `nodes` are paths to functions or structs with `#[node]`. The pack has the version and licence of the crate.
///
/// A pack whose nodes can compute on other devices than the processor adds `devices: path::to::list`. This function of type
/// `fn() -> Vec<spec::DeviceSpec>` lists the devices, the best one first; see [`DeviceSpec`](crate::spec::DeviceSpec).
///
/// A pack that can be built without some of its nodes adds `absent: path::to::absent`. This function of type
/// `fn() -> Vec<(&'static str, String)>` lists the nodes that this build can't run, each with the reason and what to do. They stay
/// declared, so that every build checks a graph in the same way.
///
/// A pack with scripts for a browser adds `web: "web" => ["editor.js", "parts/brush.js"]`. These files of the folder `web` of the
/// crate become part of the library, and `splatgraph serve` offers them at `/extensions/ID/`. Its pages load the scripts in the
/// folder itself, apart from those whose names begin with `_`. Scripts that others import have such names, or lie deeper.
///
/// A pack whose nodes can stand in for classes of ComfyUI adds `replaces: path::to::list`. This function of type
/// `fn() -> Vec<spec::Replacement>` lists them; see [`Replacement`](crate::spec::Replacement).
///
/// A pack with nodes that changed since an earlier version adds `changes: [since("0.2.0", "Blur").renamed("Smooth"), ..]`, one line a
/// change, so that graphs of that version still run; see [`changes`](crate::changes).
#[macro_export]
macro_rules! export_pack {
    (id: $id:literal, description: $description:literal, nodes: [$($($node:ident)::+),* $(,)?] $(, devices: $devices:path)? $(, absent: $absent:path)? $(, web: $folder:literal => [$($web:literal),* $(,)?])? $(, replaces: $replaces:path)? $(, changes: [$($change:expr),* $(,)?])? $(,)?) => {
        #[cfg(panic = "abort")]
        ::core::compile_error!("expected a node pack built with panic = \"unwind\", got panic = \"abort\": the SDK turns panics into errors, so that the host keeps running. Remove panic = \"abort\" from the profile");
        #[allow(unsafe_code, reason = "the symbols that the host looks for")]
        const _: () = {
            use $crate::export::{self, abi};
            static NODES: &[export::Entry] = &[$({
                type Node = $($node)::+;
                export::entry::<Node>()
            }),*];
            // Cargo rebuilds the pack when one of the files changes.
            static WEB: &[(&str, &[u8])] =
                &[$($(($web, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder, "/", $web)))),*)?];
            // SAFETY: nothing else exports this name.
            #[unsafe(no_mangle)]
            pub static SPLATGRAPH_PACK: abi::Stamp = abi::Stamp::new(
                export::c_text(concat!($id, "\0")),
                export::c_text(concat!(env!("CARGO_PKG_VERSION"), "\0")),
                export::c_text(export::SDK),
                export::c_text(export::RUSTC),
                export::c_text(export::TARGET),
            );
            extern "C" fn manifest() -> abi::abi_stable::std_types::RString {
                const ABOUT: export::About = export::About {
                    id: $id,
                    version: env!("CARGO_PKG_VERSION"),
                    description: $description,
                    license: env!("CARGO_PKG_LICENSE"),
                };
                export::manifest(&ABOUT, NODES, &[$($absent)?], WEB, &[$($replaces)?], || vec![$($($change),*)?])
            }
            extern "C" fn init(context: abi::Context) {
                export::init(context)
            }
            extern "C" fn create(name: abi::abi_stable::std_types::RStr<'_>) -> abi::Outcome<abi::NodeBox> {
                export::create(name, NODES)
            }
            // The name `devices` may belong to the pack's own function.
            extern "C" fn devices_as_json() -> abi::abi_stable::std_types::RString {
                export::devices(&[$($devices)?])
            }
            extern "C" fn web_file(
                name: abi::abi_stable::std_types::RStr<'_>,
            ) -> abi::abi_stable::std_types::ROption<abi::abi_stable::std_types::RSlice<'static, u8>> {
                export::web_file(name, WEB)
            }
            abi::export_root!(manifest, init, create, devices_as_json, web_file);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::InputSpec;

    #[test]
    fn a_name_that_two_inputs_share_is_refused() {
        let input = |name: &str| InputSpec { name: name.to_owned(), ..InputSpec::default() };
        let node = |names: [&str; 3]| NodeSpec {
            name: "Mix".to_owned(),
            inputs: names.map(input).into(),
            ..NodeSpec::default()
        };
        assert!(check_names(&node(["a", "b", "c"])).is_ok());
        insta::assert_snapshot!(check_names(&node(["a", "b", "a"])).unwrap_err(), @"the node Mix has two inputs named `a`");
    }
}
