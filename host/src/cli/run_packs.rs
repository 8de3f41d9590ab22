//! The packs of commands that run graphs: `--packs`, and which packs run in processes of their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use splatgraph::packs::{Containment, Launch};

use super::failure::{Failure, Outcome};
use super::pack_folders::{PackFolders, this_program};
use super::worker;

/// Contains every pack.
const ALL: &str = "all";

#[derive(clap::Args)]
pub(crate) struct RunPacks {
    #[command(flatten)]
    folders: PackFolders,
    /// Run the nodes of this pack in a process of their own, so that a crash of the pack is only an error of its node; `all` stands
    /// for every pack. May be given several times
    #[arg(long, value_name = "PACK")]
    contain: Vec<String>,
    /// Run the nodes of this pack in this process, in spite of `--contain all`. May be given several times
    #[arg(long, value_name = "PACK")]
    in_process: Vec<String>,
    /// End the process of a contained pack if one of its nodes takes longer
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    node_timeout: Option<Duration>,
    /// The most memory of a contained pack [default: three quarters of the machine's]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(16..))]
    pack_memory: Option<u64>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected seconds above 0, such as 2.5, got `{text}`");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if duration.is_zero() { Err(wrong()) } else { Ok(duration) }
}

impl RunPacks {
    /// The folders of packs, which know what to contain.
    pub(crate) fn folders(&self) -> Outcome<PackFolders> {
        if self.contain.is_empty() {
            return Ok(self.folders.clone());
        }
        if cfg!(not(unix)) {
            return Err(Failure::usage(
                "--contain: packs run in processes of their own only on Linux and macOS".to_owned(),
            ));
        }
        let (contain, in_process) = (self.contain.clone(), self.in_process.clone());
        let contains = move |id: &str, _: &Path| {
            contain.iter().any(|pack| pack == id || pack == ALL) && !in_process.iter().any(|pack| pack == id)
        };
        let launch = Launch {
            program: this_program()?,
            arguments: vec![worker::NAME.into()],
            memory: self.pack_memory.map(|mb| mb << 20).or_else(most_memory),
            node_timeout: self.node_timeout,
        };
        let names: Vec<String> = self.contain.iter().filter(|pack| *pack != ALL).cloned().collect();
        Ok(self.folders.contained(Containment { contains: Arc::new(contains), launch }, names))
    }
}

/// Three quarters of the memory of the machine; `None` where the system does not say how much there is.
fn most_memory() -> Option<u64> {
    let about = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = about.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024 / 4 * 3)
}
