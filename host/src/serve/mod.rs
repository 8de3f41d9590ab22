//! `splatgraph serve`: an HTTP server that runs graphs for clients.
//!
//! It speaks the protocol of ComfyUI, so that its official front end and many clients can use the nodes here. All requests for
//! jobs, of whatever form, end in one table: `store` keeps it in a database, `queue` has the jobs that wait and run, and threads of
//! `worker` run them. `events` tells `clients` how a job goes.

mod clients;
mod events;
mod folders;
mod front_end;
mod gallery;
mod guard;
mod job;
mod options;
mod prompt;
mod queue;
mod routes;
mod server;
mod shown;
mod socket;
mod store;
mod worker;

pub use front_end::FrontEnd;
pub use options::Options;

use crate::{registry::Registry, run, words::shown};
use serde_json::json;
use server::Server;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, thread, time::Duration};
use store::Store;
use tokio::net::TcpListener;

/// How soon after another message clients are told again that the queue changed.
const PAUSE: Duration = Duration::from_millis(50);
/// How long requests have to end when the server ends.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// A server that can't start, or that ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened at.
    #[error("{address} cannot be listened at: {error}; choose another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        error: io::Error,
    },
    /// A folder can't be used.
    #[error("the folders of the server cannot be created: {error}\n  {}", shown(path))]
    Folder {
        /// The folder with the data.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The database can't be used.
    #[error("the database cannot be used: {error}\n  {}", shown(path))]
    Database {
        /// The file.
        path: PathBuf,
        /// The error.
        error: String,
    },
    /// Threads can't be started.
    #[error("threads cannot be started: {0}")]
    Threads(io::Error),
}

/// Serves until `stop` ends. Calls `ready` with the address when the server listens, and soon after `found` with the front end, if
/// there is one.
///
/// # Errors
/// See [`ServeError`].
pub fn serve(
    options: Options,
    registry: Registry,
    ready: impl FnOnce(SocketAddr),
    found: impl FnOnce(Option<&FrontEnd>) + Send + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("serve").enable_all().build();
    let runtime = runtime.map_err(ServeError::Threads)?;
    let address = options.listen;
    let listen = |error| ServeError::Listen { address, error };
    // The first, as another server may use the database.
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let options = Options { listen: address, ..options };
    let server = start(options, registry)?;
    let workers = (0..server.options.jobs.max(1)).map(|_| {
        let server = server.clone();
        thread::Builder::new().name("job".to_owned()).spawn(move || worker::work(&server))
    });
    let workers = workers.collect::<io::Result<Vec<_>>>().map_err(ServeError::Threads)?;
    ready(address);
    let looking = server.clone();
    runtime.spawn_blocking(move || found(looking.front_end()));
    runtime.spawn(tell_queue(server.clone()));
    let ended = server.clone();
    let stop = async move {
        stop.await;
        // Jobs that wait or run go on at the next start.
        ended.queue.end();
    };
    let served = axum::serve(listener, routes::router(server)).with_graceful_shutdown(stop);
    let served = runtime.block_on(served.into_future());
    for worker in workers {
        // A worker that panicked has nothing to end.
        let _ = worker.join();
    }
    runtime.shutdown_timeout(LAST_REQUESTS);
    served.map_err(|error| ServeError::Listen { address, error })
}

/// Opens the folders and the database, and puts the jobs of the last start into the queue.
fn start(options: Options, registry: Registry) -> Result<Arc<Server>, ServeError> {
    let folders = options.folders();
    folders.create().map_err(|error| ServeError::Folder { path: options.data.clone(), error })?;
    let path = options.data.join("serve.sqlite");
    let wrong = |error: rusqlite::Error| ServeError::Database { path: path.clone(), error: error.to_string() };
    let store = Store::open(&path).map_err(wrong)?;
    let waiting = store.waiting().map_err(wrong)?;
    let next = store.largest_number().map_err(wrong)? + 1.0;
    let kept = options.store.clone();
    let runner =
        run::Runner::new(run::Options { threads: options.threads, cache_bytes: options.cache_bytes, store: kept });
    let server = Server::new(options, registry, store, runner.map_err(ServeError::Threads)?);
    server.queue.start_at(next.max(0.0).floor());
    for job in waiting {
        server.queue.add(job);
    }
    Ok(Arc::new(server))
}

/// Tells all clients when the queue changes, at most once in a while.
async fn tell_queue(server: Arc<Server>) {
    loop {
        server.queue_changed.notified().await;
        server.clients.send(None, "status", &json!({ "status": server.queue_status() }));
        tokio::time::sleep(PAUSE).await;
    }
}
