//! Records the compiler that builds the SDK and the pack. The host shows it if a pack does not load.

use std::{env, process::Command};

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok().and_then(|o| String::from_utf8(o.stdout).ok());
    println!("cargo::rustc-env=SPLATGRAPH_RUSTC={}", version.as_deref().unwrap_or("an unknown rustc").trim());
    println!("cargo::rustc-env=SPLATGRAPH_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
}
