//! What all requests and jobs of a server share.

use super::{
    clients::Clients,
    events::Last,
    folders::Folders,
    front_end::FrontEnd,
    job::{Body, Job, Stage, now},
    options::Options,
    queue::{Cancelled, Queue},
    store::{self, Store},
};
use crate::{
    devices::Devices,
    graph::{self, Checked, File, Given, Link, NamedOutput, Origin, OutputName, Problems},
    metadata,
    registry::Registry,
    run::{Runner, Settings},
    workflow,
};
use serde_json::{Map, Value as Json, json};
use splatgraph_sdk::settings::{DEVICE, DRAFTS, MAX_PIXELS, PNG_TEXT, PREVIEWS};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};
use tokio::sync::Notify;

/// The clients whose last jobs are remembered.
const LAST_JOBS: usize = 64;

pub(super) struct Server {
    pub(super) options: Options,
    pub(super) registry: Registry,
    pub(super) runner: Runner,
    pub(super) devices: Devices,
    pub(super) store: Store,
    pub(super) queue: Queue,
    pub(super) clients: Clients,
    pub(super) folders: Folders,
    /// Something about the queue changed, which clients are told.
    pub(super) queue_changed: Notify,
    /// The front end, once it was looked for.
    front_end: OnceLock<Option<FrontEnd>>,
    names: Mutex<Names>,
    last: Mutex<HashMap<String, LastJob>>,
}

/// The files that jobs write.
#[derive(Default)]
struct Names {
    /// For each path that a graph names without a number, the last file that was written for it.
    last: HashMap<PathBuf, PathBuf>,
    /// The files of the jobs that run.
    taken: Vec<PathBuf>,
}

/// The last job of a client, so that its values can be asked for.
#[derive(Clone)]
pub(super) struct LastJob {
    pub(super) id: String,
    pub(super) checked: Checked,
    pub(super) settings: Settings,
}

/// A job that is ready to run.
pub(super) struct Ready {
    pub(super) checked: Checked,
    pub(super) settings: Settings,
    /// For each node, whether it will run.
    pub(super) runs: Vec<bool>,
    /// For each written file, the path without a number and the path.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Server {
    pub(super) fn new(options: Options, registry: Registry, store: Store, runner: Runner) -> Self {
        let folders = options.folders();
        Self {
            options,
            registry,
            runner,
            devices: Devices::default(),
            store,
            queue: Queue::default(),
            clients: Clients::default(),
            folders,
            queue_changed: Notify::new(),
            front_end: OnceLock::new(),
            names: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// The front end, if the user has one.
    pub(super) fn front_end(&self) -> Option<&FrontEnd> {
        let find = || match &self.options.frontend {
            Some(folder) => FrontEnd::in_folder(folder),
            None => FrontEnd::installed(),
        };
        self.front_end.get_or_init(find).as_ref()
    }

    /// Tells clients soon that the queue changed.
    pub(super) fn tell_queue(&self) {
        self.queue_changed.notify_one();
    }

    /// The number of jobs, as the protocol has it.
    pub(super) fn queue_status(&self) -> Json {
        json!({ "exec_info": { "queue_remaining": self.queue.remaining() } })
    }

    /// The folders for a job.
    pub(super) fn given(&self) -> Given {
        Given {
            cwd: self.folders.output.clone(),
            out_dir: Some(self.folders.output.clone()),
            model_dirs: self.options.models.clone(),
            overwrite: self.options.overwrite,
            reads_in: self.folders.readable(),
            ..Given::default()
        }
    }

    /// The graph of a job, as far as its output nodes need it.
    pub(super) fn graph(&self, body: &Body) -> Result<File, Problems> {
        Ok(self.narrowed(File::parse(&body.graph.to_string(), Origin::Text)?, body))
    }

    /// The parsed graph of a job, as far as its output nodes need it.
    pub(super) fn narrowed(&self, file: File, body: &Body) -> File {
        let mut file = file.adapted(&self.registry);
        if body.is_prompt {
            let needed = super::prompt::needed(&file, &body.outputs);
            let needed: Vec<bool> = file.nodes.iter().map(|node| needed.contains(node.id.as_str())).collect();
            let mut needed = needed.into_iter();
            file.nodes.retain(|_| needed.next().unwrap_or(false));
            if body.unlisted {
                // It also runs for nodes that are no output nodes.
                let class = |id: &String| self.registry.class(&file.node(id)?.class_type);
                let has_outputs = |id: &&String| class(id).is_some_and(|class| !class.spec.outputs.is_empty());
                let first = |id: &String| Link { node: id.clone(), output: OutputName::Index(0) };
                let named = |id: &String| NamedOutput { name: id.clone(), link: first(id), place: None };
                file.outputs = body.outputs.iter().filter(has_outputs).map(named).collect();
            }
            if let Some(workflow) = body.workflow() {
                // Paths may name inputs of the graph.
                workflow::add_names(&mut file, workflow);
            }
        }
        graph::expand(file)
    }

    /// Checks a job, and chooses the files that it writes. No other job chooses them until [`done`](Self::done).
    pub(super) fn prepare(&self, job: &Job) -> Result<Ready, Refused> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut again = Given { taken: names.taken.clone(), ..self.given() };
        again.replaces = names.last.values().filter(|path| !names.taken.contains(path)).cloned().collect();
        let mut checked = graph::check_with_files(self.graph(&job.body)?, &self.registry, &again)?;
        let mut settings = self.settings(job, &checked)?;
        let mut runs = self.runner.would_run(&checked, &settings, &|_| true);
        if !self.options.overwrite {
            // A file of an earlier job stands for the same result only if its node would not run.
            let unchanged = |replaced: &PathBuf| {
                let mut nodes = checked.nodes.iter().zip(&runs);
                nodes.any(|(node, runs)| !runs && node.writes.iter().any(|file| file.path == *replaced))
            };
            let kept: Vec<PathBuf> = again.replaces.iter().filter(|path| unchanged(path)).cloned().collect();
            let writes =
                |path: &PathBuf| checked.nodes.iter().any(|node| node.writes.iter().any(|file| file.path == *path));
            if again.replaces.iter().any(|path| writes(path) && !kept.contains(path)) {
                again.replaces = kept;
                checked = graph::check_with_files(self.graph(&job.body)?, &self.registry, &again)?;
                settings = self.settings(job, &checked)?;
                runs = self.runner.would_run(&checked, &settings, &|_| true);
            }
        }
        if checked.nodes.iter().zip(&runs).any(|(node, runs)| *runs && node.class.spec.output) {
            self.add_texts(&mut settings, job, &checked)?;
        }
        let written = checked.nodes.iter().flat_map(|node| &node.writes);
        let files: Vec<_> = written.map(|file| (file.without_number(), file.path.clone())).collect();
        names.taken.extend(files.iter().map(|(_, path)| path.clone()));
        Ok(Ready { checked, settings, runs, files })
    }

    /// Gives back the files of a job, and remembers those that it wrote.
    pub(super) fn done(&self, ready: &Ready) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for (asked, path) in &ready.files {
            if let Some(position) = names.taken.iter().position(|taken| taken == path) {
                names.taken.swap_remove(position);
            }
            names.last.insert(asked.clone(), path.clone());
        }
    }

    /// Adds to the settings that nodes write the job into pictures.
    fn add_texts(&self, settings: &mut Settings, job: &Job, checked: &Checked) -> Result<(), Refused> {
        let added = metadata::add_to(settings, checked, &self.registry);
        added.map_err(|error| Refused::Other(error.to_string()))?;
        if let (Some(Json::Object(texts)), Some(Json::Object(more))) =
            (settings.get_mut(PNG_TEXT), job.body.extra.get("extra_pnginfo"))
        {
            texts.extend(more.iter().map(|(key, value)| (key.clone(), value.to_string().into())));
        }
        Ok(())
    }

    /// The settings that decide how nodes run.
    fn settings(&self, job: &Job, checked: &Checked) -> Result<Settings, Refused> {
        let mut settings = Settings::new();
        if let Some(pixels) = self.options.max_pixels {
            settings.insert(MAX_PIXELS.to_owned(), pixels.into());
        }
        let features = self.clients.features(job.body.client.as_deref());
        if asks_for_previews(&job.body.extra).unwrap_or(features.previews) {
            settings.insert(PREVIEWS.to_owned(), true.into());
            // The editors of inputs show drafts. The front end would draw them into nodes, over what is below.
            settings.insert(DRAFTS.to_owned(), features.ours.into());
        }
        let device = self.devices.choose(checked, Some(&self.options.device));
        if let Some(chosen) = device.map_err(|error| Refused::Other(error.to_string()))? {
            settings.insert(DEVICE.to_owned(), chosen.device.id.into());
        }
        Ok(settings)
    }

    /// Remembers the job of a client, so that its values can be asked for.
    pub(super) fn remember(&self, job: &Job, ready: &Ready) {
        let Some(client) = &job.body.client else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= LAST_JOBS && !last.contains_key(client) {
            last.retain(|client, _| self.clients.is_connected(client));
        }
        if last.len() < LAST_JOBS {
            let (checked, settings) = (ready.checked.clone(), ready.settings.clone());
            last.insert(client.clone(), LastJob { id: job.id.clone(), checked, settings });
        }
    }

    /// The job with this id, if it is the last of its client.
    pub(super) fn last_job(&self, id: &str) -> Option<LastJob> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.values().find(|job| job.id == id).cloned()
    }

    /// Cancels jobs. Returns whether each of them had not ended.
    pub(super) fn cancel(&self, ids: &[String]) -> store::Result<bool> {
        let mut all = true;
        for id in ids {
            match self.queue.cancel(id) {
                Cancelled::Waiting(job) => {
                    self.store.end(&job.id, Stage::Cancelled, now(), &super::job::Ended::default())?;
                    self.tell_stopped(&job);
                }
                Cancelled::Running => {}
                Cancelled::Unknown => all = false,
            }
        }
        self.tell_queue();
        Ok(all)
    }

    /// Tells the client of a job that waited that it will not run. Only our pages hear of it: the official front end takes it for the end
    /// of the job that runs.
    pub(super) fn tell_stopped(&self, job: &Job) {
        let last = Last::interrupted(&job.id, "", "", &[]);
        self.clients.send_ours(job.body.client.as_deref(), last.name, &last.data);
    }
}

/// Whether a request asks for previews, or for none. `None` if it leaves this to what its client understands; a client that
/// connects while the job starts has not said so yet.
fn asks_for_previews(extra: &Map<String, Json>) -> Option<bool> {
    match extra.get("preview_method").and_then(Json::as_str)? {
        "none" => Some(false),
        "auto" | "latent2rgb" | "taesd" => Some(true),
        _ => None,
    }
}

/// Why a job can't start.
#[derive(Debug)]
pub(super) enum Refused {
    Problems(Problems),
    Other(String),
}

impl From<Problems> for Refused {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}
