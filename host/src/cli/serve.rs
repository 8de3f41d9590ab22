//! `splatgraph serve`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use splatgraph::graph;
use splatgraph::run::CancelToken;
use splatgraph::serve::{self, FrontEnd, Options as ServeOptions};

use super::failure::{FAILED, Failure, Outcome};
use super::graphs;
use super::options::{StoreOptions, ThreadsOption};
use super::output::{self, shown};
use super::run_packs::RunPacks;
use super::signals::Signals;

/// Run graphs for a browser and other clients, with the protocol of ComfyUI
///
/// Opens an address with a page at `/lite`, and with the official ComfyUI front end at `/` if you have it: `pip install
/// comfyui-frontend-package`. Programs for ComfyUI can use the address too. Uploads, settings, saved graphs and the history are kept
/// in a folder of yours. Ctrl-C ends the server; jobs that wait go on at its next start.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 ended by Ctrl-C; 1 the server cannot start; 2 the command line is wrong.")]
pub(crate) struct Options {
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8188")]
    listen: String,
    /// The folder of the ComfyUI front end [default: that of the Python package comfyui-frontend-package]
    #[arg(long, value_name = "DIR")]
    frontend: Option<PathBuf>,
    /// Show the graphs in this folder, and let graphs read the files in it; may be given several times [default: graphs/, or those
    /// that came with the program]
    #[arg(long, value_name = "DIR")]
    graphs: Vec<PathBuf>,
    /// Write results into this folder [default: the folder output of --data]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep the database, uploads and previews in this folder [default: the folder splatgraph/serve of your data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Search for models in this folder too; may be given several times
    #[arg(long = "models", value_name = "DIR")]
    models: Vec<PathBuf>,
    #[command(flatten)]
    packs: RunPacks,
    #[command(flatten)]
    threads: ThreadsOption,
    /// The device that nodes compute on; `splatgraph devices` lists them
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// How many jobs run at the same time
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Megabytes of memory for results that are kept from job to job
    #[arg(long, value_name = "MB", default_value_t = 512)]
    cache: u64,
    #[command(flatten)]
    store: StoreOptions,
    /// The most pixels of a picture that nodes read
    #[arg(long, value_name = "N")]
    max_pixels: Option<std::num::NonZeroU64>,
    /// Replace the files of earlier jobs. Without this option, a file gets a number if its name is taken
    #[arg(long)]
    overwrite: bool,
    /// A name by which clients call this machine, as they may not use others; may be given several times
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// What clients have to know to use the server; needed for addresses that other machines reach. The variable
    /// SPLATGRAPH_TOKEN has it too, which other users of this machine can't see
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
}

impl Options {
    fn token(&self) -> Option<String> {
        self.token.clone().or_else(|| std::env::var("SPLATGRAPH_TOKEN").ok().filter(|token| !token.is_empty()))
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let listen = address(&options.listen)?;
    let token = options.token();
    if !listen.ip().is_loopback() && token.is_none() {
        return Err(Failure::usage(format!(
            "expected --token TEXT, as other machines can reach {listen}; clients then open http://{listen}/?token=TEXT"
        )));
    }
    if let Some(token) = &token
        && !(token.len() >= 8 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)))
    {
        return Err(Failure::usage("--token: expected at least 8 letters, digits or -_.~, got another text"));
    }
    if let Some(folder) = &options.frontend
        && FrontEnd::in_folder(folder).is_none()
    {
        return Err(Failure::usage(format!("--frontend: expected a folder with an index.html\n  {}", shown(folder))));
    }
    let registry = options.packs.folders()?.load()?;
    let cores = available_parallelism().map_or(1, usize::from);
    let data = match &options.data {
        Some(folder) => absolute(folder)?,
        None => graph::data_folder()
            .ok_or_else(|| Failure::usage("--data: expected a folder, as there is no home folder"))?
            .join("serve"),
    };
    let out = options.out.as_ref().map_or_else(|| Ok(data.join("output")), |folder| absolute(folder))?;
    let graphs = graph_folders(&options.graphs)?;
    let models = graph::model_folders(&options.models).iter().map(|folder| absolute(folder)).collect::<Outcome<_>>()?;
    let serve_options = ServeOptions {
        listen,
        names: options.names.clone(),
        token: token.clone(),
        frontend: options.frontend.clone(),
        graphs,
        data,
        out,
        models,
        device: options.device.clone(),
        jobs: options.jobs.map_or((cores / 2).clamp(1, 4), Into::into),
        threads: options.threads.get(),
        cache_bytes: options.cache << 20,
        store: options.store.open()?,
        max_pixels: options.max_pixels.map(Into::into),
        overwrite: options.overwrite,
    };
    let cancel = CancelToken::new();
    let _signals = Signals::cancel(&cancel, || output::note("ending; press Ctrl-C again to end at once"))
        .map_err(|error| Failure::usage(format!("Ctrl-C cannot be listened for: {error}")))?;
    let out = serve_options.out.clone();
    let token = token.map(|token| format!("?token={token}")).unwrap_or_default();
    let ready = move |address: SocketAddr| {
        let ip = if address.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { address.ip() };
        output::note(&format!("listening at http://{}/{token}", SocketAddr::new(ip, address.port())));
        output::note(&format!("results go to {}", shown(&out)));
    };
    let found = |front_end: Option<&FrontEnd>| match front_end {
        Some(FrontEnd { version: Some(version), .. }) => output::note(&format!("ComfyUI front end {version}")),
        Some(_) => {}
        None => output::note(
            "no ComfyUI front end, so the address shows the page /lite; get it with `pip install comfyui-frontend-package`",
        ),
    };
    let stop = async move { cancel.cancelled().await };
    serve::serve(serve_options, registry, ready, found, stop).map_err(|error| Failure::new(FAILED, error))
}

/// The address of a text such as `127.0.0.1:8188`, `localhost:8188` or `:8188`.
fn address(text: &str) -> Outcome<SocketAddr> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.replacen("localhost", "127.0.0.1", 1),
    };
    full.parse()
        .map_err(|_| Failure::usage(format!("--listen: expected an address such as 127.0.0.1:8188, got `{text}`")))
}

fn absolute(folder: &Path) -> Outcome<PathBuf> {
    std::path::absolute(folder)
        .map_err(|error| Failure::usage(format!("the current directory cannot be read: {error}")))
}

/// The folders with graphs: those that are given, else `graphs` here, else those that came with the program.
fn graph_folders(given: &[PathBuf]) -> Outcome<Vec<PathBuf>> {
    if let Some(folder) = given.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("--graphs: the folder does not exist\n  {}", shown(folder))));
    }
    let here = PathBuf::from("graphs");
    let default = if here.is_dir() { Some(here) } else { graphs::folder() };
    let folders = if given.is_empty() { default.into_iter().collect() } else { given.to_vec() };
    folders.iter().map(|folder| absolute(folder)).collect()
}
