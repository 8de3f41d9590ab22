//! Loads packs into the process of Python.

use crate::{
    ending::{attached, detached},
    graph::Graph,
    problems::error,
};
use pyo3::prelude::*;
use splatgraph::{
    devices::Devices,
    graph::{self, Origin, model_folders},
    graph_source::Content,
    packs::{self, Containment, Helper, LOOK_OVER_COMMAND, Launch, Log, Looks, Surroundings},
    registry::Registry,
};
use splatgraph_sdk::host::LogLevel;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Packs, and what all graphs of a session share.
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) models: Vec<PathBuf>,
    pub(crate) devices: Devices,
    /// The process that made the session. Its threads are gone in a fork.
    process: u32,
}

impl Shared {
    /// Refuses to work in a fork of the process.
    pub(crate) fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(error(
            py,
            "expected the process that loaded the packs, got a fork of it, where the threads of packs are gone; start processes with \
             multiprocessing.get_context(\"spawn\"), or make a new splatgraph.Session in the fork before any other runs",
        ))
    }
}

/// Packs that are loaded, with their settings.
#[pyclass(frozen)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    warnings: Vec<String>,
}

/// What a session gets from Python.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Given {
    /// The program `splatgraph`, which finds packs and serves those that run in processes of their own.
    program: PathBuf,
    /// Folders of packs, which come first.
    packs: Vec<PathBuf>,
    contain: Vec<String>,
    in_process: Vec<String>,
    /// In seconds.
    node_timeout: Option<f64>,
    pack_memory_mb: Option<u64>,
    models: Vec<PathBuf>,
}

#[pymethods]
impl Session {
    /// Loads packs.
    #[new]
    fn new(py: Python<'_>, given: Given) -> PyResult<Self> {
        let Given { program, packs, contain, in_process, node_timeout, pack_memory_mb, models } = given;
        if let Some(folder) = packs.iter().find(|folder| !folder.is_dir()) {
            return Err(error(py, format!("packs: expected folders, got {}", folder.to_string_lossy())));
        }
        let node_timeout = node_timeout.map(Duration::try_from_secs_f64).transpose();
        let node_timeout = node_timeout.map_err(|_| error(py, "node_timeout: expected seconds above 0"))?;
        Ok(detached(py, || {
            let executable = dunce::canonicalize(&program).unwrap_or_else(|_| program.clone());
            let around = Surroundings { executable: Some(executable), ..Surroundings::of_process() };
            let containment = cfg!(unix).then(|| {
                let launch = Launch::of_program(program.clone());
                let memory = pack_memory_mb.map(|mb| mb << 20).or(launch.memory);
                Containment::new(contain, in_process, &around, Launch { memory, node_timeout, ..launch })
            });
            let helper = Helper {
                program,
                arguments: vec![LOOK_OVER_COMMAND.into()],
                memory: packs::memory_file(&around),
                looks: Looks::Unknown,
                containment,
            };
            let found = packs::load_all(&packs::places(&packs, &around), Some(&helper), &log());
            let refused = found.refused.iter().map(ToString::to_string);
            let warnings = refused.chain(found.hidden.iter().map(ToString::to_string)).collect();
            let shared = Shared {
                registry: found.registry(),
                models: model_folders(&models),
                devices: Devices::default(),
                process: std::process::id(),
            };
            Self { shared: Arc::new(shared), warnings }
        }))
    }

    /// Texts about packs that can't be loaded or are hidden by others.
    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// The manifests of all packs, in JSON.
    fn manifests(&self) -> String {
        let manifests: Vec<_> = self.shared.registry.packs().iter().map(|pack| &pack.manifest).collect();
        serde_json::to_string(&manifests).unwrap_or_default()
    }

    /// Reads the graph in a file: JSON, a picture with a graph in it, or a bundle.
    fn read(&self, py: Python<'_>, path: PathBuf) -> PyResult<Graph> {
        self.shared.check_process(py)?;
        let shown = path.to_string_lossy().into_owned();
        let content = detached(py, || Content::of_file(&path));
        let content = content.map_err(|why| error(py, format!("the graph cannot be read: {why}\n  {shown}")))?;
        let parsed = content.parse(Some(path)).map_err(|why| error(py, format!("{why}\n  {shown}")))?;
        let file = parsed.map_err(|problems| crate::problems::problems(py, &problems))?;
        Ok(Graph::new(detached(py, || graph::expand(file)), self.shared.clone()))
    }

    /// Parses a text that the program of the user made. Its paths are relative to `folder`.
    fn parse(&self, py: Python<'_>, text: &str, folder: &str) -> PyResult<Graph> {
        self.shared.check_process(py)?;
        let origin = Origin::File(Path::new(folder).join("the graph"));
        let parsed = graph::File::parse(text, origin);
        let mut file = parsed.map_err(|problems| crate::problems::problems(py, &problems))?;
        // Nobody wrote the text, so places in it say nothing.
        for node in &mut file.nodes {
            node.place = None;
            node.inputs.iter_mut().for_each(|input| input.place = None);
        }
        file.inputs.iter_mut().for_each(|input| input.place = None);
        file.outputs.iter_mut().for_each(|output| output.place = None);
        Ok(Graph::new(detached(py, || graph::expand(file)), self.shared.clone()))
    }
}

/// Passes messages of packs outside a run to Python's logging, where the interpreter still runs.
fn log() -> Log {
    Arc::new(|pack, level, message| {
        let text = format!("pack `{pack}`: {message}");
        let _ = attached(|py| log_line(py, level, &text));
    })
}

/// Writes a line into Python's log `splatgraph`.
pub(crate) fn log_line(py: Python<'_>, level: LogLevel, text: &str) -> PyResult<()> {
    let method = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warning",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    };
    py.import("logging")?.call_method1("getLogger", ("splatgraph",))?.call_method1(method, ("%s", text))?;
    Ok(())
}
