//! The list of devices: those of this build, and those that need another build.

use super::HOST;
use crate::on_device;
use splatgraph_sdk::spec::DeviceSpec;
use std::fs;

/// The kinds of devices, and the command that builds the pack with each.
const KINDS: [(&str, &str); 4] = [
    ("gpu", "`cargo build --release`, or use the package `splatgraph-full`"),
    ("cuda", "`cargo build --release --features splatgraph-pack-gpstoken/cuda`"),
    ("libtorch", LIBTORCH),
    ("libtorch-cuda", LIBTORCH),
];
const LIBTORCH: &str = "`cargo build --release --features splatgraph-pack-gpstoken/libtorch`; GUIDE.md says where libtorch itself comes from";

/// All devices, the best first. Devices that need another build come last.
pub fn list() -> Vec<DeviceSpec> {
    let memory = host_memory();
    let host = DeviceSpec { id: HOST.to_owned(), name: processor(), memory, ..DeviceSpec::default() };
    let built = on_device::kinds();
    let not_built = KINDS.iter().filter(|(kind, _)| !built.contains(kind)).map(|(kind, how)| DeviceSpec {
        id: (*kind).to_owned(),
        unavailable: Some(format!("this build does not include it. Build it with {how}")),
        ..DeviceSpec::default()
    });
    let mut devices = on_device::before_host(memory);
    devices.push(host);
    devices.extend(on_device::after_host());
    devices.extend(not_built);
    devices
}

/// The processor's name, or `the processor` if the system does not report one.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "the processor".to_owned(), |(_, name)| name.trim().to_owned())
}

/// The machine's memory in bytes, if the system reports it.
fn host_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
