//! What a result depends on, in words: the node and the nodes before it, each with class, versions and inputs. The store keeps it
//! beside a result, so that a later run can tell what is different.

use super::keys::{Fingerprint, Part};
use crate::{
    graph::{Checked, Feed},
    sha256::hex,
    words::shortened_to,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The most nodes of which a result says something. Those behind it in the graph do not matter, and those far before it take space.
const MOST_NODES: usize = 200;
/// The most bytes of a value that are kept.
const LONGEST_VALUE: usize = 200;

/// What a result depends on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct About {
    /// The node at the front, and then the nodes before it, the near ones first.
    pub(super) nodes: Vec<AboutNode>,
    pub(super) settings: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AboutNode {
    pub(super) id: String,
    pub(super) class: String,
    pub(super) class_version: u32,
    pub(super) pack_version: String,
    /// The digest of the code.
    pub(super) code: String,
    /// By name, what an input depends on.
    pub(super) inputs: BTreeMap<String, AboutInput>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AboutInput {
    Nothing,
    Value {
        /// The start of the value.
        text: String,
        sum: String,
    },
    File {
        text: String,
        /// The digest of all files that the value names.
        content: String,
    },
    /// The positions of nodes in [`About::nodes`], and of their outputs. A node beyond the last one is not described.
    Links(Vec<(usize, usize)>),
    Unknown,
}

impl About {
    /// `settings` are the ones that change results, as [`relevant`](super::keys::relevant) gives them.
    pub(super) fn new(
        checked: &Checked,
        fingerprints: &[Option<Fingerprint>],
        settings: &BTreeMap<String, String>,
        node: usize,
    ) -> Self {
        let mut order = vec![node];
        let mut places: HashMap<usize, usize> = HashMap::from([(node, 0)]);
        let mut nodes = Vec::new();
        while nodes.len() < order.len().min(MOST_NODES) {
            let at = &checked.nodes[order[nodes.len()]];
            let parts = fingerprints[order[nodes.len()]].as_ref().map_or(&[][..], |print| &print.parts);
            let inputs = at.class.spec.inputs.iter().zip(&at.feeds).zip(parts).map(|((spec, feed), part)| {
                let text = |feed: &Feed| match feed {
                    Feed::Value(value) => shortened_to(&value.to_string(), LONGEST_VALUE),
                    _ => String::new(),
                };
                let about = match part {
                    Part::Unknown => AboutInput::Unknown,
                    Part::Value(_) if *feed == Feed::Nothing => AboutInput::Nothing,
                    Part::Value(sum) => AboutInput::Value { text: text(feed), sum: hex(sum) },
                    Part::Files { content, .. } => AboutInput::File { text: text(feed), content: hex(content) },
                    Part::Links(_) => {
                        let links = feed.sockets().iter().map(|socket| {
                            let next = order.len();
                            let place = *places.entry(socket.node).or_insert(next);
                            if place == next {
                                order.push(socket.node);
                            }
                            (place, socket.output)
                        });
                        AboutInput::Links(links.collect())
                    }
                };
                (spec.name.clone(), about)
            });
            let inputs = inputs.collect();
            nodes.push(AboutNode {
                id: at.id.to_string(),
                class: at.class.full_name.clone(),
                class_version: at.class.spec.version,
                pack_version: at.class.pack.manifest.version.clone(),
                code: fingerprints[order[nodes.len()]]
                    .as_ref()
                    .and_then(|p| p.code)
                    .map(|c| hex(&c))
                    .unwrap_or_default(),
                inputs,
            });
        }
        Self { nodes, settings: settings.clone() }
    }
}
