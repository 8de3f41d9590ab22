//! `splatgraph watch`.

mod changes;
mod options;
mod round;
mod said;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use splatgraph::registry::Registry;
use splatgraph::run::{self, Runner};

use super::failure::{FAILED, Failure, Outcome};
use super::source;
use changes::{Cause, Changes, Next};
use round::{Rounds, Run};

pub(crate) use options::Options;

/// Bytes of host memory for results that are kept from run to run: 2 GiB.
const CACHE_BYTES: u64 = 2 << 30;

pub(crate) fn run(options: &Options) -> Outcome {
    let start = Instant::now();
    if options.graph == Path::new("-") {
        return Err(Failure::usage("expected the path of a graph to watch, got standard input"));
    }
    // A graph that does not exist is an error at the start, but not later.
    let file = source::parse(&options.graph)?.ok();
    let packs = options.packs.folders()?.hot()?;
    let registry = Registry::new(packs.found().packs());
    let given = options.given.given(file.as_ref().map(|file| (file, &registry)))?;
    let (threads, store) = (options.threads.get(), options.store.open()?);
    let runner = Runner::new(run::Options { threads, cache_bytes: CACHE_BYTES, store })
        .map_err(|error| Failure::new(FAILED, format!("threads for the run cannot be started: {error}")))?;
    let mut changes = Changes::new(packs)?;
    let mut rounds = Rounds::new(options, given, Arc::new(runner));
    let mut cause = Cause::start(start);
    loop {
        // An editor may still write the file, so a problem gets some time to go away.
        cause.add(changes.begin());
        let mut prepared = rounds.prepare(&mut changes)?;
        while prepared.is_err() && !cause.is_start() {
            match changes.next(Some(changes::PATIENCE)) {
                Next::Change(more) => cause.add(more.changed),
                Next::Stop => return Ok(()),
                Next::Quiet | Next::Done(_) => break,
            }
            cause.add(changes.begin());
            prepared = rounds.prepare(&mut changes)?;
        }
        let running = match prepared {
            Ok(ready) => Some(rounds.start(ready, &cause, &changes)?),
            Err(wrong) => {
                rounds.tell_wrong(&wrong, &cause)?;
                None
            }
        };
        match follow(&mut rounds, &mut changes, running, &cause)? {
            Some(next) => cause = next,
            None => return Ok(()),
        }
    }
}

/// Waits for the end of a round. Returns the cause of the next round, or `None` if the user ends the watch.
fn follow(
    rounds: &mut Rounds,
    changes: &mut Changes,
    mut running: Option<Run>,
    cause: &Cause,
) -> Outcome<Option<Cause>> {
    loop {
        match (changes.next(None), running.take()) {
            (Next::Done(done), Some(run)) => rounds.tell(&run, &done, cause)?,
            (Next::Change(mut next), Some(run)) => {
                let stopping = Instant::now();
                run.cancel.cancel();
                if let Some(done) = changes.wait_for_end() {
                    rounds.tell(&run, &done, cause)?;
                }
                // The time of stopping belongs to the last run.
                next.put_off(stopping.elapsed());
                return Ok(Some(next));
            }
            (Next::Change(next), None) => return Ok(Some(next)),
            (Next::Stop, Some(run)) => {
                run.cancel.cancel();
                let Some(done) = changes.wait_for_end() else { return Ok(None) };
                let printed = rounds.tell(&run, &done, cause);
                let code = if done.result.cancelled { changes.signal() } else { 0 };
                return Failure::after(printed, code).map(|()| None);
            }
            (Next::Stop, None) => return Ok(None),
            (Next::Quiet | Next::Done(_), still) => running = still,
        }
    }
}
