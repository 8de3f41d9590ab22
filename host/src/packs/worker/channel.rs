//! One end of the connection between the host and a worker: sends messages, and moves values to and from shared memory.

use super::frame::{self, MOST_FILES};
use super::memory::{ALIGNMENT, Lent, Loan, Pool, Region};
use super::message::{AboutMemory, Buffer, Wire, WireRecord, WireTensor};
use crate::lock::lock;
use crate::words::count;
use serde::Serialize;
use serde_json::Value as Json;
use splatgraph_sdk::{DType, Error, Kind, Record, Tensor, Value, host};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock, Weak};

/// One end of the connection.
pub(super) struct Channel {
    pub(super) socket: UnixStream,
    writing: Mutex<()>,
    /// Why nothing can be sent any more.
    broken: OnceLock<io::ErrorKind>,
    buffers: Mutex<Buffers>,
}

#[derive(Default)]
struct Buffers {
    /// Ours that wait for their next use.
    pool: Pool,
    /// Ours that the other end reads.
    lent: HashMap<u64, Region>,
    /// Ours that the other end knows.
    known: HashSet<u64>,
    /// Those of a third process that the other end reads, and how often they were passed on.
    passed: HashMap<u64, (Arc<Loan>, usize)>,
    /// Those of a third process that the other end knows.
    known_passed: HashMap<u64, Weak<Lent>>,
    /// Those of the other end.
    theirs: HashMap<u64, Arc<Lent>>,
    /// Ours that are gone. The other end hears of them before the next tensors, as a thread that reads must not wait to write.
    gone: Vec<u64>,
}

/// Turns an object that is no record for the other end into a message.
pub(super) type Encode<'a> = dyn Fn(&Value) -> Option<Wire> + 'a;
/// Turns a message about an object into a value.
pub(super) type Decode<'a> = dyn Fn(Wire) -> Result<Value, Error> + 'a;

/// A tensor that goes into a new buffer.
struct Packed {
    tensor: Tensor,
    offset: usize,
}

/// What a message needs besides its text.
#[derive(Default)]
struct Luggage {
    packed: Vec<Packed>,
    bytes: usize,
    passed: Vec<Arc<Loan>>,
}

/// Stands for the number of the buffer that the tensors of a message share, until it is known.
const NEW: u64 = u64::MAX;

impl Channel {
    pub(super) fn new(socket: UnixStream) -> Arc<Self> {
        Arc::new(Self { socket, writing: Mutex::new(()), broken: OnceLock::new(), buffers: Mutex::default() })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The other end is gone, or the message is too long.
    pub(super) fn send(&self, message: &impl Serialize) -> io::Result<()> {
        self.send_with(message, &[])
    }

    fn send_with(&self, message: &impl Serialize, files: &[&File]) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        let files: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
        let _writing = lock(&self.writing);
        frame::write(&self.socket, &text, &files).inspect_err(|error| {
            if error.kind() != io::ErrorKind::InvalidInput {
                let _ = self.broken.set(error.kind());
                // Half of a frame may be there, and nothing may follow it.
                let _ = self.socket.shutdown(std::net::Shutdown::Both);
            }
        })
    }

    /// Whether a message could not be sent because the other end is gone or does not read.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    /// Whether the other end did not read a message in time.
    pub(super) fn is_stuck(&self) -> bool {
        self.broken.get() == Some(&io::ErrorKind::WouldBlock)
    }

    /// Writes the tensors of values to shared memory, and tells the other end about new buffers.
    ///
    /// # Errors
    /// A value can't be read, there is no memory, or the other end is gone.
    pub(super) fn encode(&self, values: &[Value], object: &Encode<'_>) -> Result<Vec<Wire>, Error> {
        let mut luggage = Luggage::default();
        let mut wires: Vec<Wire> =
            values.iter().map(|value| encode(value, object, &mut luggage)).collect::<Result<_, _>>()?;
        self.pass_on(&luggage.passed)?;
        if luggage.bytes > 0 {
            let id = self.pack(&luggage)?;
            wires.iter_mut().for_each(|wire| set_buffer(wire, id));
        }
        Ok(wires)
    }

    /// Copies tensors into a buffer of this process, and lends it.
    fn pack(&self, luggage: &Luggage) -> Result<u64, Error> {
        let free = lock(&self.buffers).pool.take(luggage.bytes);
        let mut region = match free {
            Some(region) => region,
            None => Region::new(luggage.bytes).map_err(no_memory)?,
        };
        for Packed { tensor, offset } in &luggage.packed {
            let bytes = tensor.bytes();
            region.bytes_mut()[*offset..*offset + bytes.len()].copy_from_slice(bytes);
        }
        let id = region.id;
        let mut buffers = lock(&self.buffers);
        if buffers.known.insert(id) {
            let about = AboutMemory::Buffers(vec![Buffer { id, size: region.size() as u64 }]);
            self.send_with(&about, &[&region.file])?;
        }
        buffers.lent.insert(id, region);
        Ok(id)
    }

    /// Lends buffers of a third process, and tells which buffers are gone.
    fn pass_on(&self, loans: &[Arc<Loan>]) -> Result<(), Error> {
        let mut buffers = lock(&self.buffers);
        let mut gone = std::mem::take(&mut buffers.gone);
        buffers.known_passed.retain(|id, lent| {
            let is_there = lent.strong_count() > 0;
            gone.extend((!is_there).then_some(*id));
            is_there
        });
        if !gone.is_empty() {
            self.send(&AboutMemory::Forget(gone))?;
        }
        let mut new = Vec::new();
        for loan in loans {
            let id = loan.lent.own_id;
            if buffers.known_passed.insert(id, Arc::downgrade(&loan.lent)).is_none() {
                new.push(loan);
            }
            buffers.passed.entry(id).or_insert_with(|| (loan.clone(), 0)).1 += 1;
        }
        for new in new.chunks(MOST_FILES) {
            let about = |loan: &&Arc<Loan>| Buffer { id: loan.lent.own_id, size: loan.lent.size as u64 };
            let files: Vec<&File> = new.iter().map(|loan| &loan.lent.file).collect();
            self.send_with(&AboutMemory::Buffers(new.iter().map(about).collect()), &files)?;
        }
        Ok(())
    }

    /// Turns messages into values, whose tensors lie in the memory of the other end.
    ///
    /// # Errors
    /// The other end describes a value that can't be.
    pub(super) fn decode(self: &Arc<Self>, wires: Vec<Wire>, object: &Decode<'_>) -> Result<Vec<Value>, Error> {
        let mut loans = HashMap::new();
        wires.into_iter().map(|wire| self.decode_one(wire, object, &mut loans)).collect()
    }

    fn decode_one(
        self: &Arc<Self>,
        wire: Wire,
        object: &Decode<'_>,
        loans: &mut HashMap<u64, Arc<Loan>>,
    ) -> Result<Value, Error> {
        Ok(match wire {
            Wire::Nothing => Value::none(),
            Wire::Bool(value) => Value::bool(value),
            Wire::Int(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::int(number),
                (_, Some(number)) => Value::uint(number),
                _ => return Err(Error::new(format!("expected a whole number of 64 bits, got {number}"))),
            },
            Wire::Float(bits) => Value::float(f64::from_bits(bits)),
            Wire::Text(text) => Value::text(text),
            Wire::Json(text) => {
                let json = serde_json::from_str(&text);
                Value::json(&json.map_err(|error| Error::new(format!("expected JSON, got other text: {error}")))?)
            }
            Wire::List(values) => {
                let values = values.into_iter().map(|wire| self.decode_one(wire, object, loans));
                Value::list(values.collect::<Result<Vec<_>, _>>()?)
            }
            Wire::Record(record) => {
                let header = serde_json::from_str(&record.header);
                let header = header.map_err(|error| Error::new(format!("expected a header in JSON: {error}")))?;
                let mut fields = Vec::with_capacity(record.fields.len());
                for field in record.fields {
                    let tensor = self.tensor(&field, loans);
                    fields.push((
                        field.name.clone(),
                        tensor.map_err(|e| e.context(format!("the field `{}`", field.name)))?,
                    ));
                }
                Record { type_name: record.type_name, header, fields }.into_value()
            }
            other @ (Wire::Object { .. } | Wire::Held(_) | Wire::Foreign(_)) => object(other)?,
        })
    }

    /// The tensor in a buffer of the other end.
    fn tensor(self: &Arc<Self>, field: &WireTensor, loans: &mut HashMap<u64, Arc<Loan>>) -> Result<Tensor, Error> {
        let WireTensor { dtype, shape, buffer, offset, .. } = field;
        let dtype = DType::named(dtype).ok_or_else(|| Error::new(format!("expected a known type, got `{dtype}`")))?;
        let bytes = shape.iter().try_fold(dtype.size(), |bytes, side| bytes.checked_mul(*side));
        let bytes = bytes.ok_or_else(|| Error::new(format!("expected a shape that fits memory, got {shape:?}")))?;
        if bytes == 0 {
            return Tensor::from_bytes(shape.clone(), dtype, &[]);
        }
        let id = buffer.ok_or_else(|| Error::new("expected the number of a buffer, got none"))?;
        let loan = match loans.get(&id) {
            Some(loan) => loan.clone(),
            None => {
                let lent = lock(&self.buffers).theirs.get(&id).cloned();
                let lent = lent.ok_or_else(|| Error::new(format!("expected a known buffer, got {id}")))?;
                let channel = Arc::downgrade(self);
                let loan = Loan::new(lent, move |id| {
                    // Without the other end, nobody waits for the buffer.
                    let _ = channel.upgrade().map(|channel| channel.send(&AboutMemory::Release(vec![id])));
                })
                .map_err(|error| Error::new(format!("the buffer {id} cannot be read: {error}")))?;
                loans.insert(id, loan.clone());
                loan
            }
        };
        let size = loan.bytes().len();
        let range = offset.checked_add(bytes).filter(|end| *end <= size && offset.is_multiple_of(ALIGNMENT));
        let end = range.ok_or_else(|| {
            Error::new(format!(
                "expected {bytes} bytes in a buffer of {size}, at a multiple of {ALIGNMENT}, got offset {offset}"
            ))
        })?;
        host::tensor_in(loan, |loan| &loan.bytes()[*offset..end], dtype, shape)
    }

    /// Takes in a message about shared memory.
    ///
    /// # Errors
    /// The other end breaks the protocol, or is gone.
    pub(super) fn take_in(&self, about: AboutMemory, files: Vec<OwnedFd>) -> io::Result<()> {
        let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
        match about {
            AboutMemory::Buffers(new) => {
                if new.len() != files.len() {
                    return Err(wrong(format!(
                        "expected a file for each buffer, got {} for {}",
                        files.len(),
                        count(new.len(), "buffer")
                    )));
                }
                for (buffer, file) in new.into_iter().zip(files) {
                    let lent = Lent::new(buffer.id, buffer.size, file.into())?;
                    lock(&self.buffers).theirs.insert(buffer.id, Arc::new(lent));
                }
            }
            AboutMemory::Release(ids) => {
                for id in ids {
                    // Dropped after the lock, as a loan of a third process writes to its channel.
                    let _passed =
                        self.take_back(id).ok_or_else(|| wrong(format!("expected a lent buffer, got {id}")))?;
                }
            }
            AboutMemory::Forget(ids) => {
                let mut buffers = lock(&self.buffers);
                let gone: Vec<_> = ids.iter().filter_map(|id| buffers.theirs.remove(id)).collect();
                drop(buffers);
                drop(gone);
            }
        }
        Ok(())
    }

    /// Takes a lent buffer back. Returns the loan if it belongs to a third process; `None` if it is not lent.
    fn take_back(&self, id: u64) -> Option<Option<Arc<Loan>>> {
        let mut buffers = lock(&self.buffers);
        if let Some(region) = buffers.lent.remove(&id) {
            let gone = buffers.pool.put(region);
            buffers.known.retain(|id| !gone.contains(id));
            buffers.gone.extend(gone);
            return Some(None);
        }
        let (loan, count) = buffers.passed.get_mut(&id)?;
        *count -= 1;
        let last = (*count == 0).then(|| loan.clone());
        if last.is_some() {
            buffers.passed.remove(&id);
        }
        Some(last)
    }
}

fn no_memory(error: io::Error) -> Error {
    Error::new(format!("there is no memory to pass tensors to another process: {error}"))
}

fn encode(value: &Value, object: &Encode<'_>, luggage: &mut Luggage) -> Result<Wire, Error> {
    Ok(match value.kind() {
        Kind::None => Wire::Nothing,
        Kind::Bool => Wire::Bool(value.as_bool().unwrap_or_default()),
        Kind::Int | Kind::Uint => {
            let number = value.as_int().unwrap_or_default();
            Wire::Int(match i64::try_from(number) {
                Ok(number) => number.into(),
                Err(_) => u64::try_from(number)?.into(),
            })
        }
        Kind::Float => Wire::Float(value.as_float().unwrap_or_default().to_bits()),
        Kind::Text => Wire::Text(value.as_text().unwrap_or_default().to_owned()),
        Kind::Json => Wire::Json(value.to_json().unwrap_or_default().to_string()),
        Kind::List => {
            let values = value.as_list().unwrap_or_default();
            Wire::List(values.iter().map(|value| encode(value, object, luggage)).collect::<Result<_, _>>()?)
        }
        _ => match object(value) {
            Some(wire) => wire,
            None => record(value, luggage)?,
        },
    })
}

/// A value as a record. One without fields is of use only to its own pack.
fn record(value: &Value, luggage: &mut Luggage) -> Result<Wire, Error> {
    if value.describe()["fields"].as_object().is_none_or(serde_json::Map::is_empty) {
        return Ok(Wire::Foreign(value.type_name()));
    }
    let record = Record::from_value(value)?;
    let mut fields = Vec::with_capacity(record.fields.len());
    for (name, tensor) in record.fields {
        let (dtype, shape) = (tensor.dtype().name().to_owned(), tensor.shape().to_vec());
        let (buffer, offset) = luggage.add(tensor);
        fields.push(WireTensor { name, dtype, shape, buffer, offset });
    }
    let header = Json::Object(record.header).to_string();
    Ok(Wire::Record(WireRecord { type_name: record.type_name, header, fields }))
}

impl Luggage {
    /// The buffer of a tensor and its place there.
    fn add(&mut self, tensor: Tensor) -> (Option<u64>, usize) {
        if tensor.is_empty() {
            return (None, 0);
        }
        if let Some((loan, offset)) = Loan::with(tensor.bytes()).filter(|found| found.1.is_multiple_of(ALIGNMENT)) {
            let id = loan.lent.own_id;
            if self.passed.iter().all(|passed| passed.lent.own_id != id) {
                self.passed.push(loan);
            }
            return (Some(id), offset);
        }
        let offset = self.bytes;
        self.bytes = (offset + tensor.bytes().len()).next_multiple_of(ALIGNMENT);
        self.packed.push(Packed { tensor, offset });
        (Some(NEW), offset)
    }
}

/// Sets the number of the new buffer in the tensors of a message.
fn set_buffer(wire: &mut Wire, id: u64) {
    match wire {
        Wire::List(wires) => wires.iter_mut().for_each(|wire| set_buffer(wire, id)),
        Wire::Record(record) => {
            for field in &mut record.fields {
                if field.buffer == Some(NEW) {
                    field.buffer = Some(id);
                }
            }
        }
        _ => {}
    }
}
