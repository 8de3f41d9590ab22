//! The clients of the server and the messages to them.
//!
//! A client names itself with `clientId` when it opens its web socket, and with `client_id` when it asks for a job. Some clients ask
//! first and open the socket later; what they missed waits for them for a short time. A client that does not read its
//! messages is dropped, so that it holds up no one.

use crate::lock::lock;
use axum::extract::ws::Message;
use serde_json::{Value as Json, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// The messages that wait for a client that is slow to read.
const WAITING: usize = 2048;
/// Previews are left out if so many messages wait.
const WAITING_WITH_PREVIEWS: usize = 8;
/// The messages that wait for a client that is not connected.
const MISSED: usize = 200;
/// How long they wait.
const MISSED_FOR: Duration = Duration::from_secs(30);
/// The clients that are not connected and for which messages wait.
const ABSENT: usize = 256;

/// What a client understands beyond the plain protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// Previews with a description of their node.
    pub(super) previews: bool,
    /// The events that only this server has.
    pub(super) ours: bool,
}

#[derive(Default)]
pub(super) struct Clients(Mutex<State>);

#[derive(Default)]
struct State {
    by_id: HashMap<String, Client>,
    connections: u64,
}

#[derive(Default)]
struct Client {
    connection: Option<Connection>,
    missed: VecDeque<(Instant, Message)>,
}

struct Connection {
    number: u64,
    sender: mpsc::Sender<Message>,
    features: Features,
}

impl Clients {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Connects a client, in place of its last connection. Returns the number of the connection and its messages, first the
    /// message `first` and those that it missed.
    pub(super) fn connect(&self, id: &str, first: Message) -> (u64, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut state = self.lock();
        state.connections += 1;
        let number = state.connections;
        let client = state.by_id.entry(id.to_owned()).or_default();
        let missed = client.missed.drain(..).filter(|(at, _)| at.elapsed() < MISSED_FOR).map(|(_, message)| message);
        for message in std::iter::once(first).chain(missed) {
            // The channel is larger than all of them.
            let _ = sender.try_send(message);
        }
        client.connection = Some(Connection { number, sender, features: Features::default() });
        (number, receiver)
    }

    /// Forgets a connection, unless the client has a newer one.
    pub(super) fn disconnect(&self, id: &str, number: u64) {
        let mut state = self.lock();
        let is_it = |client: &Client| client.connection.as_ref().is_some_and(|connection| connection.number == number);
        if state.by_id.get(id).is_some_and(is_it) {
            state.by_id.remove(id);
        }
    }

    pub(super) fn set_features(&self, id: &str, number: u64, features: Features) {
        let mut state = self.lock();
        let connection = state.by_id.get_mut(id).and_then(|client| client.connection.as_mut());
        if let Some(connection) = connection.filter(|connection| connection.number == number) {
            connection.features = features;
        }
    }

    /// Sets what a client understands that is connected.
    pub(super) fn change_features(&self, id: &str, features: Features) {
        let mut state = self.lock();
        if let Some(connection) = state.by_id.get_mut(id).and_then(|client| client.connection.as_mut()) {
            connection.features = features;
        }
    }

    /// What a client understands; of no client, what any of them does.
    pub(super) fn features(&self, id: Option<&str>) -> Features {
        let state = self.lock();
        let mut all = Features::default();
        let asked = |name: &String| id.is_none_or(|id| id == name);
        for client in state.by_id.iter().filter(|(name, _)| asked(name)).map(|(_, client)| client) {
            if let Some(connection) = &client.connection {
                all.previews |= connection.features.previews;
                all.ours |= connection.features.ours;
            }
        }
        all
    }

    pub(super) fn is_connected(&self, id: &str) -> bool {
        self.lock().by_id.get(id).is_some_and(|client| client.connection.is_some())
    }

    /// Sends an event to a client, or to all if `id` is `None`.
    pub(super) fn send(&self, id: Option<&str>, name: &str, data: &Json) {
        self.send_to(id, |_| true, &event(name, data), true);
    }

    /// Sends an event to those that understand the events of this server.
    pub(super) fn send_ours(&self, id: Option<&str>, name: &str, data: &Json) {
        self.send_to(id, |features| features.ours, &event(name, data), false);
    }

    /// Sends the progress of all nodes that run to the front end, and that of the newest one to other clients.
    pub(super) fn send_progress(&self, id: Option<&str>, all: &Json, newest: &Json) {
        self.send_to(id, |features| features.previews && !features.ours, &event("progress_state", all), false);
        self.send_to(id, |features| !features.previews || features.ours, &event("progress", newest), false);
    }

    /// Sends a preview to those that understand previews and have read their messages.
    pub(super) fn send_preview(&self, id: Option<&str>, preview: Vec<u8>) {
        let message = Message::Binary(preview.into());
        self.send_to(id, |features| features.previews, &message, false);
    }

    /// `is_needed` tells whether a client that missed the message needs it later, or is dropped if it does not read.
    fn send_to(&self, id: Option<&str>, to: impl Fn(Features) -> bool, message: &Message, is_needed: bool) {
        let mut state = self.lock();
        match id {
            Some(id) => {
                if is_needed && !state.by_id.contains_key(id) {
                    state.make_room();
                    state.by_id.insert(id.to_owned(), Client::default());
                }
                if let Some(client) = state.by_id.get_mut(id) {
                    client.send(to, message, is_needed);
                }
            }
            None => {
                for client in state.by_id.values_mut().filter(|client| client.connection.is_some()) {
                    client.send(&to, message, is_needed);
                }
            }
        }
    }
}

impl State {
    /// Forgets clients that are not connected and whose messages waited too long, or else one of them if they are too many.
    fn make_room(&mut self) {
        let is_absent = |client: &Client| client.connection.is_none();
        if self.by_id.values().filter(|client| is_absent(client)).count() < ABSENT {
            return;
        }
        let last = |client: &Client| client.missed.back().map(|(at, _)| *at);
        self.by_id.retain(|_, client| !is_absent(client) || last(client).is_some_and(|at| at.elapsed() < MISSED_FOR));
        let absent = || self.by_id.iter().filter(|(_, client)| is_absent(client));
        if absent().count() >= ABSENT
            && let Some(oldest) = absent().min_by_key(|(_, client)| last(client)).map(|(id, _)| id.clone())
        {
            self.by_id.remove(&oldest);
        }
    }
}

impl Client {
    fn send(&mut self, to: impl Fn(Features) -> bool, message: &Message, is_needed: bool) {
        let Some(connection) = &self.connection else {
            if is_needed {
                if self.missed.len() >= MISSED {
                    self.missed.pop_front();
                }
                self.missed.push_back((Instant::now(), message.clone()));
            }
            return;
        };
        if !to(connection.features) {
            return;
        }
        let waiting = WAITING - connection.sender.capacity();
        if !is_needed && waiting > WAITING_WITH_PREVIEWS && matches!(message, Message::Binary(_)) {
            return;
        }
        if connection.sender.try_send(message.clone()).is_err() {
            // Its socket ends, as nothing sends to it any more.
            self.connection = None;
        }
    }
}

/// A message as the protocol has it.
pub(super) fn event(name: &str, data: &Json) -> Message {
    Message::Text(json!({ "type": name, "data": data }).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(receiver: &mut mpsc::Receiver<Message>) -> Vec<String> {
        let mut names = Vec::new();
        while let Ok(message) = receiver.try_recv() {
            let Message::Text(text) = message else { continue };
            let json: Json = serde_json::from_str(&text).unwrap();
            names.push(json["type"].as_str().unwrap().to_owned());
        }
        names
    }

    #[test]
    fn a_client_that_connects_late_gets_what_it_missed_once() {
        let clients = Clients::default();
        clients.send(Some("a"), "executing", &Json::Null);
        clients.send(None, "status", &Json::Null);
        let (number, mut receiver) = clients.connect("a", event("hello", &Json::Null));
        assert_eq!(names(&mut receiver), ["hello", "executing"]);
        clients.disconnect("a", number);
        let (_, mut receiver) = clients.connect("a", event("hello", &Json::Null));
        assert_eq!(names(&mut receiver), ["hello"]);
    }

    #[test]
    fn a_client_that_never_reads_is_dropped_and_its_next_connection_works() {
        let clients = Clients::default();
        let (_, mut stuck) = clients.connect("a", event("hello", &Json::Null));
        for _ in 0..2 * WAITING {
            clients.send(None, "status", &Json::Null);
        }
        assert_eq!(names(&mut stuck).len(), WAITING);
        assert!(matches!(stuck.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
        let (_, mut next) = clients.connect("a", event("hello", &Json::Null));
        clients.send(Some("a"), "status", &Json::Null);
        assert_eq!(names(&mut next).last().unwrap(), "status");
    }

    #[test]
    fn the_messages_for_absent_clients_are_limited() {
        let clients = Clients::default();
        for client in 0..2 * ABSENT {
            for _ in 0..2 * MISSED {
                clients.send(Some(&client.to_string()), "executing", &Json::Null);
            }
        }
        let state = clients.lock();
        assert!(state.by_id.len() <= ABSENT);
        assert!(state.by_id.values().all(|client| client.missed.len() <= MISSED));
    }
}
