//! Places nodes from left to right.

use crate::{
    graph::{
        file::File,
        workflow::sockets::{Shown, is_picture},
    },
    registry::Class,
};
use splatgraph_sdk::spec::InputSpec;
use std::collections::{HashMap, VecDeque};

/// The place and the size of a node, and its place in the order of the links.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) order: usize,
}

const WIDTH: u64 = 320;
/// The distances between nodes.
const BESIDE: u64 = 110;
const BELOW: u64 = 70;
/// Where the first node stands.
const LEFT: u64 = 60;
const TOP: u64 = 80;

/// Places the nodes: each to the right of those that it takes values from, one below the other in each column.
pub(super) fn place(file: &File, classes: &[Option<Class>]) -> Vec<Area> {
    let (columns, order) = columns(file);
    let mut bottoms: HashMap<usize, u64> = HashMap::new();
    let mut boxes = vec![Area::default(); file.nodes.len()];
    for (place, position) in order.into_iter().enumerate() {
        let column = columns[position];
        let y = bottoms.entry(column).or_insert(TOP);
        let links = file.nodes[position].inputs.iter().map(|input| input.source.links().len()).sum();
        let height = height(classes[position].as_ref(), links);
        boxes[position] =
            Area { x: LEFT + (WIDTH + BESIDE) * column as u64, y: *y, width: WIDTH, height, order: place };
        *y += height + BELOW;
    }
    boxes
}

/// For each node the length of the longest way to it, and all nodes in an order in which links go forward.
fn columns(file: &File) -> (Vec<usize>, Vec<usize>) {
    let positions: HashMap<&str, usize> =
        file.nodes.iter().enumerate().map(|(position, node)| (node.id.as_str(), position)).collect();
    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); file.nodes.len()];
    let mut waits = vec![0_usize; file.nodes.len()];
    for (position, node) in file.nodes.iter().enumerate() {
        for link in node.inputs.iter().flat_map(|input| input.source.links()) {
            if let Some(&from) = positions.get(link.node.as_str()) {
                targets[from].push(position);
                waits[position] += 1;
            }
        }
    }
    let mut columns = vec![0; file.nodes.len()];
    let mut ready: VecDeque<usize> = (0..file.nodes.len()).filter(|&position| waits[position] == 0).collect();
    let mut order = Vec::with_capacity(file.nodes.len());
    while let Some(position) = ready.pop_front() {
        order.push(position);
        for &target in &targets[position] {
            columns[target] = columns[target].max(columns[position] + 1);
            waits[target] -= 1;
            if waits[target] == 0 {
                ready.push_back(target);
            }
        }
    }
    // Nodes of a circle never get ready.
    order.extend((0..file.nodes.len()).filter(|&position| waits[position] > 0));
    (columns, order)
}

/// The height of a node with all that it shows, in the larger of the front end's two renderers.
fn height(class: Option<&Class>, links: usize) -> u64 {
    const ROW: u64 = 26;
    const FIELD: u64 = 32;
    const LINES: u64 = 110;
    const PICTURE: u64 = 300;
    const EDITOR: u64 = 480;
    let Some(Class { pack, spec: class, .. }) = class else { return 60 };
    let sockets = class.inputs.iter().filter(|spec| !Shown::of(spec).is_widget());
    let rows: usize = sockets.map(|spec| if Shown::of(spec) == Shown::Sockets { 1 + links } else { 1 }).sum();
    let rows = rows.max(class.outputs.len()) as u64;
    let fields = class.inputs.iter().map(|spec| match Shown::of(spec) {
        Shown::Socket | Shown::Sockets => 0,
        Shown::JsonText => LINES,
        _ if is_picture(spec, class) => FIELD + ROW + PICTURE,
        _ => FIELD,
    });
    // Files for browsers may have an editor for a value that is hard to write, or for a mask that numbers describe.
    let is_json = |spec: &InputSpec| Shown::of(spec) == Shown::JsonText && !spec.optional;
    let is_mask = class.outputs.iter().all(|output| output.socket == "MASK")
        && class.inputs.iter().all(|spec| !spec.required() || Shown::of(spec).is_widget());
    let edits = !pack.manifest.web.is_empty() && (is_mask || class.inputs.iter().any(is_json));
    let shows = class.output && class.inputs.iter().any(|spec| spec.socket == "IMAGE");
    50 + ROW * rows + fields.sum::<u64>() + if shows { PICTURE } else { 0 } + if edits { EDITOR } else { 0 }
}
