//! The messages between the host and a worker. sdk/WORKER.md describes them.

use serde::{Deserialize, Serialize};
use splatgraph_sdk::host::LogLevel;
use splatgraph_sdk::spec::DeviceSpec;
use splatgraph_sdk::{Code, Error};

use crate::words::{shortened, shortened_to};

/// The most bytes of the detail of an error, such as a traceback.
const MOST_DETAIL: usize = 32 << 10;

/// The version of the protocol. A host and a worker of different versions refuse each other.
pub(super) const PROTOCOL: u32 = 1;

/// A message to a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToWorker {
    /// The first message.
    Hello {
        protocol: u32,
        host: String,
    },
    /// Runs a node. The worker makes the instance when it first hears of its number.
    Run {
        call: u64,
        instance: u64,
        node: String,
        settings: String,
        inputs: Vec<Wire>,
    },
    /// Asks the node of a call to stop.
    Cancel {
        call: u64,
    },
    /// Asks for a field of an object that the worker holds.
    Field {
        call: u64,
        object: u64,
        field: String,
    },
    /// Asks for the devices of the pack.
    Devices {
        call: u64,
    },
    /// Asks for a file for web pages.
    WebFile {
        call: u64,
        name: String,
    },
    /// Instances and objects that nobody needs any more.
    Drop {
        #[serde(default)]
        instances: Vec<u64>,
        #[serde(default)]
        objects: Vec<u64>,
    },
    Buffers(Vec<Buffer>),
    Release(Vec<u64>),
    Forget(Vec<u64>),
}

/// A message of a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToHost {
    /// The answer to the first message. `manifest` is JSON.
    Hello {
        protocol: u32,
        manifest: String,
    },
    /// The worker can't serve the pack.
    Refused {
        reason: String,
    },
    /// A call ended.
    Done {
        call: u64,
        outputs: Vec<Wire>,
    },
    /// A call failed.
    Failed {
        call: u64,
        error: WireError,
    },
    /// The devices of the pack.
    Devices {
        call: u64,
        devices: Vec<DeviceSpec>,
    },
    /// A node reports a step.
    Progress {
        call: u64,
        done: u64,
        total: u64,
        note: String,
    },
    /// A node shows a value.
    Preview {
        call: u64,
        value: Wire,
    },
    /// A line for the log, of the node of a call or of the pack.
    Log {
        #[serde(default)]
        call: Option<u64>,
        level: LogLevel,
        text: String,
    },
    Buffers(Vec<Buffer>),
    Release(Vec<u64>),
    Forget(Vec<u64>),
}

/// A message about shared memory, in both directions.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AboutMemory {
    /// Shared memory that later messages use. Its files are beside the message, in the same order.
    Buffers(Vec<Buffer>),
    /// Nobody reads these buffers any more, so their owner may fill them again.
    Release(Vec<u64>),
    /// These buffers do not come back.
    Forget(Vec<u64>),
}

impl ToWorker {
    /// The message if it is about shared memory.
    pub(super) fn about_memory(self) -> Result<AboutMemory, Self> {
        Ok(match self {
            Self::Buffers(new) => AboutMemory::Buffers(new),
            Self::Release(ids) => AboutMemory::Release(ids),
            Self::Forget(ids) => AboutMemory::Forget(ids),
            other => return Err(other),
        })
    }
}

impl ToHost {
    /// The message if it is about shared memory.
    pub(super) fn about_memory(self) -> Result<AboutMemory, Self> {
        Ok(match self {
            Self::Buffers(new) => AboutMemory::Buffers(new),
            Self::Release(ids) => AboutMemory::Release(ids),
            Self::Forget(ids) => AboutMemory::Forget(ids),
            other => return Err(other),
        })
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Buffer {
    pub(super) id: u64,
    /// Bytes.
    pub(super) size: u64,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wire {
    Nothing,
    Bool(bool),
    /// A whole number from -2^63 to 2^64 - 1.
    Int(serde_json::Number),
    /// The bits of a float of 64 bits, so that no digit is lost.
    Float(u64),
    Text(String),
    /// JSON as text.
    Json(String),
    List(Vec<Wire>),
    Record(WireRecord),
    /// An object that stays with the worker. `about` is its description as JSON.
    Object {
        id: u64,
        #[serde(rename = "type")]
        type_name: String,
        about: String,
    },
    /// An object that the worker holds.
    Held(u64),
    /// An object that only another pack understands.
    Foreign(String),
}

/// Named tensors with a header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WireRecord {
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// A JSON object as text.
    pub(super) header: String,
    pub(super) fields: Vec<WireTensor>,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WireTensor {
    pub(super) name: String,
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    /// The buffer with its bytes; `None` if it has none.
    pub(super) buffer: Option<u64>,
    /// Where its bytes begin, a multiple of 64.
    pub(super) offset: usize,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WireError {
    /// `failed`, `bad_input`, `missing`, `cancelled` or `panic`.
    pub(super) code: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) location: String,
    #[serde(default)]
    pub(super) input: Option<String>,
    #[serde(default)]
    pub(super) detail: String,
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        let Error { code, message, location, input, detail } = error;
        Self { code: code.name().to_owned(), message, location, input, detail }
    }
}

impl WireError {
    /// The error, with texts that people can read.
    pub(super) fn into_error(self) -> Error {
        let Self { code, message, location, input, detail } = self;
        let (message, location) = (shortened(&message), shortened(&location));
        let detail = shortened_to(&detail, MOST_DETAIL);
        Error { code: Code::named(&code), message, location, input, detail }
    }
}
