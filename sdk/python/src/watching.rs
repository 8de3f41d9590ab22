//! Waits for work in another thread while Python stays responsive: Ctrl-C cancels, and events reach a function of Python.

use crate::{
    ending::{attached, detached, wait_for_the_end},
    session::log_line,
};
use pyo3::{IntoPyObjectExt, prelude::*};
use splatgraph::run::{CancelToken, Event};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

/// How often Ctrl-C is looked for, and how often progress is passed on.
const TICK: Duration = Duration::from_millis(50);

/// Events of a run, each with the name of the item of a batch, and of the end of items.
pub(crate) enum News {
    /// An event of a node.
    Event(Option<String>, Box<Event>),
    /// The items of a batch start: how many run, and how many were done before.
    Begun(usize, usize),
    /// An item ended, and whether it failed.
    Ended(bool),
}

/// Runs `work` in a thread of its own and waits for it. `work` gets a sender of news, which reach `watch` in this thread. If `watch`
/// raises, or the user presses Ctrl-C, the run is cancelled and the exception is raised after its end.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    cancel: &CancelToken,
    watch: Option<&Py<PyAny>>,
    work: impl FnOnce(Sender<News>) -> T + Send,
) -> PyResult<T> {
    let (sender, receiver) = channel();
    detached(py, move || {
        thread::scope(|scope| {
            let job = thread::Builder::new().name("run".to_owned()).spawn_scoped(scope, || work(sender))?;
            let mut raised = None;
            while let Some(news) = next(&receiver) {
                let told = attached(|py| {
                    py.check_signals()?;
                    if raised.is_none() { tell(py, watch, news) } else { Ok(()) }
                });
                let Some(told) = told else { wait_for_the_end() };
                if let Err(error) = told {
                    cancel.cancel();
                    raised.get_or_insert(error);
                }
            }
            let done = job.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            raised.map_or(Ok(done), Err)
        })
    })
}

/// The news of a tick, maybe none; `None` at the end of the run.
fn next(receiver: &Receiver<News>) -> Option<Vec<News>> {
    let mut news = match receiver.recv_timeout(TICK) {
        Ok(first) => vec![first],
        Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
        Err(RecvTimeoutError::Disconnected) => return None,
    };
    news.extend(receiver.try_iter());
    Some(news)
}

/// Passes news on to Python.
fn tell(py: Python<'_>, watch: Option<&Py<PyAny>>, news: Vec<News>) -> PyResult<()> {
    // Of several steps of a node, the last says it all.
    let mut last_step: HashMap<(Option<String>, Arc<str>), usize> = HashMap::new();
    for (at, news) in news.iter().enumerate() {
        if let News::Event(item, event) = news
            && let Event::Progress { node, .. } = &**event
        {
            last_step.insert((item.clone(), node.clone()), at);
        }
    }
    for (at, news) in news.into_iter().enumerate() {
        match news {
            News::Event(item, event) => {
                if let Event::Progress { node, .. } = &*event
                    && last_step.get(&(item.clone(), node.clone())) != Some(&at)
                {
                    continue;
                }
                tell_event(py, watch, item, *event)?;
            }
            News::Begun(items, earlier) => call(py, watch, "begun", (items, earlier))?,
            News::Ended(failed) => call(py, watch, "ended", (failed,))?,
        }
    }
    Ok(())
}

fn tell_event(py: Python<'_>, watch: Option<&Py<PyAny>>, item: Option<String>, event: Event) -> PyResult<()> {
    match event {
        Event::Started { node } => call(py, watch, "started", (item, &*node)),
        Event::Progress { node, done, total, note } => call(py, watch, "progress", (item, &*node, done, total, note)),
        Event::Preview { node, value } => {
            call(py, watch, "preview", (item, &*node, crate::values::to_python(py, &value)?))
        }
        Event::Log { node, level, text } => log_line(py, level, &format!("{node}: {text}")),
        Event::Finished { node, ms, cached, .. } => call(py, watch, "finished", (item, &*node, ms, cached)),
        Event::Failed(failure) => call(py, watch, "failed", (item, &*failure.node, failure.to_string())),
        Event::Skipped { node, because_of } => call(py, watch, "skipped", (item, &*node, &*because_of)),
        _ => Ok(()),
    }
}

fn call<'py>(py: Python<'py>, watch: Option<&Py<PyAny>>, kind: &str, about: impl IntoPyObject<'py>) -> PyResult<()> {
    let Some(watch) = watch else { return Ok(()) };
    let about = about.into_bound_py_any(py)?;
    watch.call1(py, (kind, about))?;
    Ok(())
}
