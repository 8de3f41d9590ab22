//! A graph that Python checks and runs.

use crate::{
    batch,
    ending::detached,
    problems::{error, problem, problems, raised},
    session::Shared,
    supplied::Values,
    values::{of_python, to_python},
    watching::{self, News},
};
use pyo3::{prelude::*, types::PyDict};
use serde_json::{Value as Json, json};
use splatgraph::{
    graph::{self, Checked, File},
    metadata,
    registry::Registry,
    run::{CancelToken, Options, RunResult, Runner, Settings},
    store::Store,
};
use splatgraph_sdk::settings::{DEVICE, MAX_PIXELS, PRECISION, PREVIEWS};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// A graph, expanded, with the nodes and results that its runs keep.
#[pyclass(frozen)]
pub(crate) struct Graph {
    pub(crate) file: File,
    pub(crate) shared: Arc<Shared>,
    /// Made by the first run, and again when the options change.
    runner: Mutex<Option<(RunnerOptions, Arc<Runner>)>>,
    /// The run that goes on, so that no other begins and [`cancel`](Graph::cancel) can stop it.
    running: Mutex<Option<CancelToken>>,
}

/// The number of threads, the bytes for results, and the store with its size in bytes.
type RunnerOptions = (Option<usize>, u64, Option<(PathBuf, u64)>);

/// Everything that a check and a run get from Python besides the graph.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Given {
    /// Values of named inputs, as text.
    inputs: Vec<(String, String)>,
    /// Values of inputs of nodes, as text.
    sets: Vec<(String, String)>,
    /// Values that take the place of outputs: the place, its type and the value.
    supply: Vec<(String, String, Py<PyAny>)>,
    /// Outputs that the run also returns.
    take: Vec<String>,
    /// The nodes that the run is for.
    until: Vec<String>,
    /// Whether nodes that write files run.
    files: bool,
    cwd: PathBuf,
    out: Option<PathBuf>,
    overwrite: bool,
}

/// Everything else that a run gets.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct RunOptions {
    pub(crate) device: String,
    pub(crate) precision: String,
    pub(crate) threads: Option<usize>,
    pub(crate) cache_bytes: u64,
    /// The folder of the store of results.
    pub(crate) store: Option<PathBuf>,
    /// Bytes.
    pub(crate) store_size: u64,
    pub(crate) max_pixels: Option<u64>,
    pub(crate) previews: bool,
    /// Whether pictures are written with the graph in them.
    pub(crate) metadata: bool,
}

impl RunOptions {
    fn of_runner(&self) -> RunnerOptions {
        (self.threads, self.cache_bytes, self.store.clone().map(|folder| (folder, self.store_size)))
    }

    /// The store of results.
    pub(crate) fn open_store(&self) -> Result<Option<Arc<Store>>, String> {
        let store = self.store.as_ref().map(|folder| Store::open(folder, self.store_size).map(Arc::new));
        store.transpose().map_err(|why| format!("store: {why}"))
    }

    /// The settings for the nodes of a checked graph.
    pub(crate) fn settings(&self, checked: &Checked, shared: &Shared, registry: &Registry) -> Result<Settings, String> {
        let mut settings = Settings::new();
        let chosen = shared.devices.choose(checked, Some(&self.device)).map_err(|error| error.to_string())?;
        if let Some(chosen) = chosen {
            settings.insert(DEVICE.to_owned(), chosen.device.id.into());
            if self.precision != "f32" {
                settings.insert(PRECISION.to_owned(), self.precision.as_str().into());
            }
        }
        if let Some(pixels) = self.max_pixels {
            settings.insert(MAX_PIXELS.to_owned(), pixels.into());
        }
        if self.previews {
            settings.insert(PREVIEWS.to_owned(), true.into());
        }
        if self.metadata {
            metadata::add_to(&mut settings, checked, registry).map_err(|error| error.to_string())?;
        }
        Ok(settings)
    }
}

impl Graph {
    pub(crate) fn new(file: File, shared: Arc<Shared>) -> Self {
        let file = file.adapted(&shared.registry);
        Self { file, shared, runner: Mutex::default(), running: Mutex::default() }
    }

    /// Checks the graph with the values of Python in it. The values are kept in `values`.
    fn checked(
        &self,
        py: Python<'_>,
        given: &Given,
        values: &Values,
        results_are_kept: bool,
    ) -> PyResult<(Checked, Registry)> {
        self.shared.check_process(py)?;
        let (mut file, mut registry) = (self.file.clone(), self.shared.registry.clone());
        if !given.supply.is_empty() {
            let supplied = given.supply.iter();
            let supplied =
                supplied.map(|(name, socket, value)| Ok((name.clone(), socket.clone(), of_python(value.bind(py))?)));
            let supplied = supplied.collect::<PyResult<Vec<_>>>()?;
            let put = detached(py, || values.put_into(&mut file, supplied, results_are_kept, &registry));
            registry = put.map_err(|found| problem(py, found))?;
        }
        for name in &given.take {
            file.take(name, &registry).map_err(|found| problem(py, found))?;
        }
        // A run for some nodes is also for those whose outputs are taken.
        let taken = given.take.iter().filter(|_| !given.until.is_empty());
        let taken = taken.filter_map(|name| Some(graph::Target::parse(name)?.node));
        let until: Vec<String> = given.until.iter().cloned().chain(taken).collect();
        if !given.files {
            file.leave_out_writers(&registry);
        }
        let of_graph = graph::Given {
            inputs: given.inputs.clone(),
            sets: given.sets.clone(),
            cwd: given.cwd.clone(),
            out_dir: given.out.clone(),
            stem: given.supply.first().map(|(name, ..)| graph::file_name_part(name)),
            model_dirs: self.shared.models.clone(),
            overwrite: given.overwrite,
            until: until.clone(),
            ..graph::Given::default()
        };
        let checked = detached(py, || graph::check_with_files(file, &registry, &of_graph));
        let checked = checked.map_err(|found| problems(py, &found))?;
        let checked = checked.until_named(&until).map_err(|(_, found)| problem(py, found))?;
        Ok((checked, registry))
    }

    fn runner(&self, given: &RunOptions) -> Result<Arc<Runner>, String> {
        let options = given.of_runner();
        let mut kept = self.runner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, runner)) = &*kept
            && *of == options
        {
            return Ok(runner.clone());
        }
        let options_of_host =
            Options { threads: given.threads, cache_bytes: given.cache_bytes, store: given.open_store()? };
        let runner = Runner::new(options_of_host);
        let runner = Arc::new(runner.map_err(|why| format!("threads for the run cannot be started: {why}"))?);
        *kept = Some((options, runner.clone()));
        Ok(runner)
    }

    /// The token of a run. [`cancel`](Self::cancel) finds it.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<CancelToken> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Err(error(
                py,
                "expected a graph that does not run, got one that runs in another thread; copy it with graph.copy()",
            ));
        }
        Ok(running.insert(CancelToken::new()).clone())
    }

    pub(crate) fn end(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[pymethods]
impl Graph {
    /// The title, description, inputs, outputs and nodes, in JSON.
    fn about(&self) -> String {
        let class = |id: &str| graph::class_of(self.file.node(id)?, &self.shared.registry);
        let inputs = self.file.inputs.iter().map(|input| {
            let first = input.targets.first();
            let spec = first.and_then(|target| {
                let spec = class(&target.node)?.spec.inputs.iter().find(|spec| spec.name == target.input)?.clone();
                serde_json::to_value(spec).ok()
            });
            let value = first.and_then(|target| match self.file.node(&target.node)?.input(&target.input)? {
                graph::Source::Literal(value) => Some(value.clone()),
                _ => None,
            });
            json!({"name": input.name, "spec": spec, "value": value})
        });
        let outputs = self.file.outputs.iter().map(
            |output| json!({"name": output.name, "type": self.file.output_type(&output.link, &self.shared.registry)}),
        );
        let nodes = self.file.nodes.iter().map(|node| {
            let class = graph::class_of(node, &self.shared.registry);
            let outputs = class.iter().flat_map(|class| &class.spec.outputs);
            let outputs: Vec<&str> = outputs.map(|output| output.name.as_str()).collect();
            json!({"id": node.id, "class": node.class_type, "outputs": outputs})
        });
        json!({
            "title": self.file.title,
            "description": self.file.description,
            "inputs": inputs.collect::<Vec<_>>(),
            "outputs": outputs.collect::<Vec<_>>(),
            "nodes": nodes.collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// The graph as JSON, with the graphs in it replaced by their nodes.
    fn text(&self) -> String {
        serde_json::to_string_pretty(&self.file.to_json()).unwrap_or_default()
    }

    /// The drawing of the graph as text.
    fn drawing(&self) -> String {
        graph::draw(&self.file, Some(&self.shared.registry))
    }

    /// The type of the values that the output `node.output` or the named input gives or takes.
    fn socket(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        self.file.socket_of(name, &self.shared.registry).map_err(|found| problem(py, found))
    }

    /// A graph with other classes for some nodes, and texts about the changes.
    fn swapped(&self, py: Python<'_>, swaps: Vec<(String, String)>) -> PyResult<(Self, Vec<String>)> {
        let swapped = graph::swap(self.file.clone(), &swaps, &self.shared.registry);
        let (file, said) = swapped.map_err(|found| problems(py, &found))?;
        Ok((Self::new(graph::expand(file), self.shared.clone()), said))
    }

    /// The same graph, which runs apart from this one.
    fn copy(&self) -> Self {
        Self::new(self.file.clone(), self.shared.clone())
    }

    /// Checks the graph and its files. Returns warnings.
    fn check(&self, py: Python<'_>, given: Given) -> PyResult<Vec<String>> {
        let values = Values::default();
        let (checked, _) = self.checked(py, &given, &values, false)?;
        Ok(checked.warnings.iter().map(ToString::to_string).collect())
    }

    /// Runs the graph. Returns warnings, the outputs, and a report in JSON.
    fn run(
        &self,
        py: Python<'_>,
        given: Given,
        options: RunOptions,
        watch: Option<Py<PyAny>>,
    ) -> PyResult<(Vec<String>, Py<PyDict>, String)> {
        let values = Values::default();
        let results_are_kept = options.cache_bytes > 0 || options.store.is_some();
        let (checked, registry) = self.checked(py, &given, &values, results_are_kept)?;
        if let Some(folder) = &given.out {
            std::fs::create_dir_all(folder).map_err(|why| {
                error(py, format!("the folder for output cannot be created: {why}\n  {}", folder.to_string_lossy()))
            })?;
        }
        let settings = detached(py, || options.settings(&checked, &self.shared, &registry));
        let settings = settings.map_err(|why| error(py, why))?;
        let runner = self.runner(&options).map_err(|why| error(py, why))?;
        let cancel = self.begin(py)?;
        let ran = watching::run(py, &cancel, watch.as_ref(), |sender| {
            let events = move |event| _ = sender.send(News::Event(None, Box::new(event)));
            runner.run(&checked, &settings, events, &cancel)
        });
        self.end();
        detached(py, || values.forget());
        let result = ran?;
        let outputs = PyDict::new(py);
        for (name, value) in &result.outputs {
            outputs.set_item(name, to_python(py, value)?)?;
        }
        let report = report(&result).to_string();
        if result.cancelled {
            return Err(raised(py, "Cancelled", ("the run was cancelled",)));
        }
        if !result.failures.is_empty() {
            let text = result.failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            return Err(raised(py, "RunError", (text, report, outputs)));
        }
        let warnings = checked.warnings.iter().map(ToString::to_string).collect();
        Ok((warnings, outputs.unbind(), report))
    }

    /// Runs the graph over many items. Returns warnings and the summary, in JSON.
    fn batch(
        &self,
        py: Python<'_>,
        given: batch::Given,
        options: RunOptions,
        watch: Option<Py<PyAny>>,
    ) -> PyResult<(Vec<String>, String)> {
        batch::run(self, py, given, options, watch)
    }

    /// Whether a run goes on in another thread.
    fn running(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Cancels the run that goes on in another thread, if one does. Returns whether one did.
    fn cancel(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(CancelToken::cancel).is_some()
    }

    /// Gives back the memory of nodes and results that are kept for the next run.
    fn forget(&self, py: Python<'_>) {
        let runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner).take();
        detached(py, || drop(runner));
    }
}

/// Which nodes ran, which failed, and which files were written.
fn report(result: &RunResult) -> Json {
    let nodes = result.nodes.iter().map(
        |node| json!({"node": &*node.node, "status": node.status.name(), "ms": node.ms, "why": node.why.to_string()}),
    );
    let written = result.written.iter().map(|(node, path)| json!({"node": &**node, "path": path.to_string_lossy()}));
    json!({
        "nodes": nodes.collect::<Vec<_>>(),
        "written": written.collect::<Vec<_>>(),
        "failures": result.failures.iter().map(splatgraph::run::NodeFailure::to_json).collect::<Vec<_>>(),
    })
}
