//! Takes in any bytes as the messages of a worker, for fuzzing and for the inputs that it found (see the folder `fuzz`).

use super::channel::Channel;
use super::frame;
use super::memory::Region;
use super::message::{AboutMemory, ToHost, ToWorker, Wire};
use splatgraph_sdk::{Error, Value};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes that are sent before anything is read, which is less than a socket holds.
const MOST: usize = 64 << 10;

/// Reads frames, and takes in what they say as a host does. Returns how many messages were understood.
pub(crate) fn replay(bytes: &[u8]) -> usize {
    let (mut theirs, ours) = UnixStream::pair().expect("a pair of sockets");
    theirs.set_write_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    theirs.write_all(&bytes[..bytes.len().min(MOST)]).expect("room in the socket");
    theirs.shutdown(std::net::Shutdown::Write).expect("a socket");
    let channel = Channel::new(ours);
    let mut understood = 0;
    while let Ok(Some((text, _))) = frame::read(&channel.socket) {
        let _ = serde_json::from_slice::<ToWorker>(&text);
        let Ok(message) = serde_json::from_slice::<ToHost>(&text) else { break };
        understood += 1;
        match message.about_memory() {
            Ok(about) => {
                let files = files_for(&about);
                if channel.take_in(about, files).is_err() {
                    break;
                }
            }
            Err(ToHost::Done { outputs, .. }) => drop(decode(&channel, outputs)),
            Err(ToHost::Preview { value, .. }) => drop(decode(&channel, vec![value])),
            Err(ToHost::Failed { error, .. }) => drop(error.into_error()),
            Err(_) => {}
        }
    }
    understood
}

/// Values, which are read and described as a graph's outputs are. They go before the channel.
fn decode(channel: &Arc<Channel>, outputs: Vec<Wire>) -> Result<(), Error> {
    let values = channel.decode(outputs, &|wire| Err(Error::new(format!("expected a value, got {wire:?}"))))?;
    for value in &values {
        let _ = value.describe();
        sum(value);
    }
    // To another worker, as the inputs of its node.
    let _ = channel.encode(&values, &|_| None)?;
    Ok(())
}

/// Reads all bytes of the tensors of a value.
fn sum(value: &Value) {
    if let Ok(record) = splatgraph_sdk::Record::from_value(value) {
        let bytes = record.fields.iter().flat_map(|(_, tensor)| tensor.bytes());
        std::hint::black_box(bytes.map(|byte| u64::from(*byte)).sum::<u64>());
    }
}

/// The files beside a message. A worker's are as large as it says, up to a page.
fn files_for(about: &AboutMemory) -> Vec<OwnedFd> {
    let AboutMemory::Buffers(new) = about else { return Vec::new() };
    let file = |size: u64| Region::new(usize::try_from(size).unwrap_or(1).clamp(1, 4096)).expect("memory").file.into();
    new.iter().take(frame::MOST_FILES).map(|buffer| file(buffer.size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fuzzing found worth keeping: nothing of it may panic.
    #[test]
    fn messages_of_the_corpus_are_taken_in_without_a_panic() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/worker");
        let understood: Vec<usize> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| replay(&std::fs::read(entry.unwrap().path()).unwrap()))
            .collect();
        assert!(understood.len() > 4 && understood.iter().any(|count| *count > 2), "{understood:?}");
    }
}
