//! Objects that stay in a worker process, as the host sees them.

use std::collections::HashMap;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, Weak};
use std::time::Duration;

use splatgraph_sdk::host::Remote;
use splatgraph_sdk::{Error, Tensor};

use super::message::ToWorker;
use super::process::{Process, Reply};
use crate::lock::lock;

/// How long a process may take to give a field, which it may have to fetch from a device.
const FIELD_LIMIT: Duration = Duration::from_secs(120);

/// An object that a process holds.
pub(super) struct Held {
    pub(super) process: Weak<Process>,
    pub(super) id: u64,
    pub(super) type_name: String,
    pub(super) about: String,
    /// Those that were fetched.
    pub(super) fields: Mutex<HashMap<String, Tensor>>,
}

impl Remote for Held {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn describe(&self) -> String {
        self.about.clone()
    }

    fn field(&self, name: &str) -> Result<Tensor, Error> {
        if let Some(tensor) = lock(&self.fields).get(name) {
            return Ok(tensor.clone());
        }
        let gone = || Error::new(format!("the process that held the {} is gone", self.type_name));
        let process = self.process.upgrade().ok_or_else(gone)?;
        let call = process.call();
        let asked = ToWorker::Field { call: call.number, object: self.id, field: name.to_owned() };
        process.channel.send(&asked).map_err(|_| gone())?;
        let fields = match call.wait(FIELD_LIMIT) {
            Ok(Reply::Done(fields)) => fields,
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            Err(RecvTimeoutError::Timeout) => {
                let limit = FIELD_LIMIT.as_secs();
                process.die(Some(&format!("did not give the field `{name}` of an object within {limit} seconds")));
                return Err(gone());
            }
        };
        let record = fields?.first().map(splatgraph_sdk::Record::from_value).transpose()?;
        let tensor = record.and_then(|record| record.field(name).cloned());
        let tensor = tensor.ok_or_else(|| Error::new(format!("the worker sent another field than `{name}`")))?;
        lock(&self.fields).insert(name.to_owned(), tensor.clone());
        Ok(tensor)
    }

    fn is_lost(&self) -> bool {
        self.process.upgrade().is_none_or(|process| process.death().is_some())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(process) = self.process.upgrade() {
            let _ = process.channel.send(&ToWorker::Drop { instances: Vec::new(), objects: vec![self.id] });
        }
    }
}
