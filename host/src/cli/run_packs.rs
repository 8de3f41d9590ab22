//! The packs of commands that run graphs: `--packs`, and which packs run in processes of their own.

use std::time::Duration;

use splatgraph::packs::{ALL_PACKS, Containment, Launch, Surroundings};

use super::failure::{Failure, Outcome};
use super::pack_folders::{PackFolders, this_program};

#[derive(clap::Args)]
pub(crate) struct RunPacks {
    #[command(flatten)]
    folders: PackFolders,
    /// Run the nodes of this pack in a process of their own, so that a crash of the pack is only an error of its node; `all` stands
    /// for every pack. Packs that `packs add` added always do. May be given several times
    #[arg(long, value_name = "PACK")]
    contain: Vec<String>,
    /// Run the nodes of this pack in this process, although it was added with `packs add`. May be given several times
    #[arg(long, value_name = "PACK")]
    in_process: Vec<String>,
    /// End the process of a contained pack if one of its nodes takes longer
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    node_timeout: Option<Duration>,
    /// The most memory of a contained pack [default: three quarters of the machine's]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(16..))]
    pack_memory: Option<u64>,
    /// Run the nodes of this pack in a process of its own, and stop the process before it loads the pack. It goes on with `kill -CONT`
    #[arg(long, value_name = "PACK")]
    wait_for_debugger: Option<String>,
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
        if cfg!(not(unix)) {
            return match self.contain.is_empty() && self.wait_for_debugger.is_none() {
                true => Ok(self.folders.clone()),
                false => Err(Failure::usage("--contain: packs run in processes of their own only on Linux and macOS")),
            };
        }
        let launch = Launch::of_program(this_program()?);
        let memory = self.pack_memory.map(|mb| mb << 20).or(launch.memory);
        let wait_for_debugger = self.wait_for_debugger.clone();
        let launch = Launch { memory, node_timeout: self.node_timeout, wait_for_debugger, ..launch };
        let contain = self.contain.iter().chain(&self.wait_for_debugger).cloned().collect();
        let containment = Containment::new(contain, self.in_process.clone(), &Surroundings::of_process(), launch);
        let named = self.contain.iter().filter(|pack| *pack != ALL_PACKS).map(|pack| ("--contain", pack.clone()));
        let named = named.chain(self.wait_for_debugger.iter().map(|pack| ("--wait-for-debugger", pack.clone())));
        let names = named.chain(self.in_process.iter().map(|pack| ("--in-process", pack.clone()))).collect();
        Ok(self.folders.contained(containment, names))
    }
}
