//! Describes the machine of a measurement.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

/// The machine, as far as the system describes it.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// The name of the processor.
    pub(super) processor: Option<String>,
    pub(super) cores: usize,
    pub(super) memory_bytes: Option<u64>,
    /// The operating system and the architecture: `linux x86_64`.
    pub(super) system: String,
}

impl Machine {
    pub(super) fn this() -> Self {
        Self {
            processor: value_of("/proc/cpuinfo", "model name").map(|name| name.trim().to_owned()),
            cores: available_parallelism().map_or(1, usize::from),
            memory_bytes: value_of("/proc/meminfo", "MemTotal").and_then(|text| kilobytes(&text)),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// The most memory that this process used so far, in bytes; `None` if the system does not measure it.
pub(super) fn peak_memory_bytes() -> Option<u64> {
    kilobytes(&value_of("/proc/self/status", "VmHWM")?)
}

/// The value of the first line `name: value` in a file.
fn value_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.to_owned())
}

/// Converts `1234 kB` to bytes.
fn kilobytes(text: &str) -> Option<u64> {
    text.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|count| count * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_memory() {
        let machine = Machine::this();
        let (all, peak) = (machine.memory_bytes.unwrap(), peak_memory_bytes().unwrap());
        assert!(peak > 100_000 && peak < all, "{peak} of {all}");
    }
}
