//! Makes values again whose process ended: their makers run again, and before them the makers of what those need.

use super::{
    context::NodeContext,
    event::Event,
    links::{chosen_links, plain_links},
    repeat::Failed,
    supply,
    work::{Made, Work},
};
use crate::graph::Socket;
use crate::lock::lock;
use splatgraph_sdk::{
    Error, Value,
    host::{self, LogLevel, is_lost},
};
use std::{collections::HashSet, sync::Arc};

impl Work {
    /// The inputs of a node, with those made again that are lost.
    ///
    /// # Errors
    /// A maker fails.
    pub(super) fn inputs_again(self: &Arc<Self>, node: usize, inputs: Vec<Value>) -> Result<Vec<Value>, Error> {
        let about = &self.checked.nodes[node];
        let lost = |input: usize| is_lost(&inputs[input]);
        let sockets: Vec<Socket> = about
            .feeds
            .iter()
            .enumerate()
            .filter(|(input, _)| lost(*input))
            .flat_map(|(_, feed)| feed.sockets().to_vec())
            .collect();
        // Other nodes that lost the same value wait here, and find it made.
        let mut made = lock(&self.made_again);
        made.retain(|_, outputs| !outputs.iter().any(is_lost));
        for maker in self.makers(&sockets, &made) {
            let outputs = self.run_again(maker, &made)?;
            made.insert(maker, outputs);
        }
        let again = supply::inputs(about, &self.checked.paths, &self.reads, |input, link, socket| {
            if self.takes(node, input, link) { self.there(socket, &made) } else { Value::none() }
        })?;
        Ok(inputs.into_iter().zip(again).map(|(value, again)| if is_lost(&value) { again } else { value }).collect())
    }

    /// The nodes that have to run for the values of these outputs, each after those that it needs.
    fn makers(&self, sockets: &[Socket], made: &Made) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        // A node, and whether what it needs is on the stack already.
        let mut stack: Vec<(usize, bool)> = sockets.iter().map(|socket| (socket.node, false)).collect();
        while let Some((node, expanded)) = stack.pop() {
            if expanded {
                order.push(node);
            } else if !made.contains_key(&node) && seen.insert(node) {
                stack.push((node, true));
                let of = &self.checked.nodes[node];
                let is_chosen = |(input, link, _): &(usize, usize, Socket)| self.takes(node, *input, *link);
                let chosen = chosen_links(of).filter(is_chosen).map(|(_, _, socket)| socket);
                let gone = plain_links(of).chain(chosen).filter(|socket| self.waiting(*socket).is_none());
                stack.extend(gone.map(|socket| (socket.node, false)));
            }
        }
        order
    }

    /// The value of an output, if it waits for another node and is not lost.
    fn waiting(&self, socket: Socket) -> Option<Value> {
        let slot = lock(&self.slots[self.plan.output(socket.node, socket.output)]);
        slot.value.clone().filter(|value| !is_lost(value))
    }

    fn there(&self, socket: Socket, made: &Made) -> Value {
        let again = made.get(&socket.node).and_then(|outputs| outputs.get(socket.output)).cloned();
        again.or_else(|| self.waiting(socket)).unwrap_or_else(Value::none)
    }

    fn run_again(self: &Arc<Self>, node: usize, made: &Made) -> Result<Vec<Value>, Error> {
        let about = &self.checked.nodes[node];
        let text = "it runs again, as the process that held its result ended".to_owned();
        self.emit(Event::Log { node: about.id.clone(), level: LogLevel::Info, text });
        let inputs = supply::inputs(about, &self.checked.paths, &self.reads, |input, link, socket| {
            if self.takes(node, input, link) { self.there(socket, made) } else { Value::none() }
        })?;
        let context = |error: Error| error.context(format!("running `{}` again", about.id));
        if let Some(repeated) = &about.repeat {
            return match self.repeat(node, repeated, &inputs) {
                Ok((outputs, _)) => Ok(outputs),
                Err(Failed::Itself(error)) => Err(context(error)),
                Err(Failed::Inside(failure)) => Err(context(failure.error)),
            };
        }
        let ctx = host::context(NodeContext::new(self.clone(), node));
        (self.hooks.instance)(about)?.run(&ctx, &inputs).map_err(context)
    }
}
