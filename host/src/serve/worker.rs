//! Runs the jobs of the queue, one after the other in each thread.

use super::{
    events::{Last, Reporter},
    job::{Ended, Job, Stage, now},
    server::{Ready, Refused, Server},
};
use crate::run::CancelToken;
use serde_json::json;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Runs jobs until the queue ends.
pub(super) fn work(server: &Arc<Server>) {
    while let Some((job, cancel)) = server.queue.next() {
        if !job.body.unlisted {
            server.tell_queue();
            // A database that can't be written must not stop the queue.
            let _ = server.store.start(&job.id, now());
        }
        let ran = catch_unwind(AssertUnwindSafe(|| run(server, &job, &cancel)));
        let (ended, last) = ran.unwrap_or_else(|_| refused(&job, "the server failed; its log says why", None));
        // A server that ends leaves the job to its next start.
        if !(server.queue.has_ended() && last.name == "execution_interrupted") {
            finish(server, &job, ended, &last);
        }
    }
}

fn run(server: &Arc<Server>, job: &Arc<Job>, cancel: &CancelToken) -> (Ended, Last) {
    let ready = match server.prepare(job) {
        Ok(ready) => ready,
        Err(Refused::Problems(problems)) => {
            let first = problems.problems.first();
            let at = first.and_then(|problem| Some((problem.node.clone()?, problem.class.clone())));
            return refused(job, &problems.to_string(), at);
        }
        Err(Refused::Other(why)) => return refused(job, &why, None),
    };
    let guard = Writing { server, ready };
    let ready = &guard.ready;
    server.remember(job, ready);
    let reporter = Arc::new(Reporter::new(server, job, &ready.checked));
    let nodes = ready.checked.nodes.iter().zip(&ready.runs);
    let cached: Vec<_> = nodes.filter(|(_, runs)| !**runs).map(|(node, _)| &*node.id).collect();
    reporter.start(&cached);
    let shown = reporter.clone();
    let result = server.runner.run(&ready.checked, &ready.settings, move |event| shown.show(event), cancel);
    if server.queue.remaining() == 1 {
        // Nobody else works, so models that only earlier jobs needed can go.
        server.runner.keep_only_nodes_of(&ready.checked);
    }
    reporter.end(&result)
}

/// Gives back the files of a job, also after a panic.
struct Writing<'a> {
    server: &'a Server,
    ready: Ready,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.server.done(&self.ready);
    }
}

/// The end of a job that could not run.
fn refused(job: &Job, why: &str, at: Option<(String, Option<String>)>) -> (Ended, Last) {
    let (node, class) = at.map_or((None, None), |(node, class)| (Some(node), class));
    let last = Last::refused(&job.id, node.as_deref(), class.as_deref(), why);
    let messages = vec![(last.name.to_owned(), last.data.clone())];
    (Ended { messages, error: Some(last.data.clone()), ..Ended::default() }, last)
}

/// Writes down what became of the job, and then tells its client, who may ask for it at once.
fn finish(server: &Server, job: &Job, ended: Ended, last: &Last) {
    let stage = match last.name {
        "execution_success" => Stage::Completed,
        "execution_interrupted" => Stage::Cancelled,
        _ => Stage::Failed,
    };
    if !job.body.unlisted {
        let _ = server.store.end(&job.id, stage, now(), &ended);
    }
    server.queue.done(&job.id);
    let client = job.body.client.as_deref();
    server.clients.send(client, last.name, &last.data);
    server.clients.send(client, "executing", &json!({ "node": null, "display_node": null, "prompt_id": job.id }));
    if !job.body.unlisted {
        server.tell_queue();
    }
}
