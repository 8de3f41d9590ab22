//! The pack `hostile_00`, which does what no pack may do. Tests write copies of it with other ids and modes.
#![cfg(unix)]
#![expect(unsafe_code, reason = "the pack does on purpose what packs may not do")]

use splatgraph_sdk::prelude::*;
use std::{thread, time::Duration};

/// When and how the pack misbehaves while it is looked over. Tests write another text over it.
#[used]
static MODE: [u8; 24] = *b"mode:honest.............";

fn mode() -> String {
    let text = String::from_utf8_lossy(std::hint::black_box(&MODE)).into_owned();
    text.trim_start_matches("mode:").trim_end_matches('.').to_owned()
}

extern "C" fn open() {
    if let Some(deed) = mode().strip_prefix("open-") {
        act(deed);
    }
}

/// A constructor, which the system calls when it opens the library.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static OPEN: extern "C" fn() = open;

/// The SDK calls this for the manifest.
fn absent() -> Vec<(&'static str, String)> {
    match mode().strip_prefix("list-") {
        Some("huge") => return vec![("ActNow", "x".repeat(200_000_000))],
        Some(deed) => act(deed),
        None => {}
    }
    Vec::new()
}

fn devices() -> Vec<splatgraph_sdk::spec::DeviceSpec> {
    if let Some(deed) = mode().strip_prefix("devices-") {
        act(deed);
    }
    Vec::new()
}

/// Recurses for ever, with a frame that the compiler can't leave out.
fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 512]);
    if frame[0] == u64::MAX { 0 } else { 1 + overflow(depth + 1) + frame[1] }
}

fn close(descriptor: i32) {
    // SAFETY: it is not, which is the point.
    unsafe { libc::close(descriptor) };
}

fn act(deed: &str) {
    match deed {
        "exit-0" => std::process::exit(0),
        "exit-3" => std::process::exit(3),
        // SAFETY: it ends the process.
        "quick-exit-0" => unsafe { libc::_exit(0) },
        "abort" => std::process::abort(),
        // SAFETY: it is not, which is the point.
        "segv" => unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) },
        "overflow" => drop(std::hint::black_box(overflow(0))),
        // SAFETY: it ends the process.
        "kill" => drop(unsafe { libc::raise(libc::SIGKILL) }),
        "hang" => thread::sleep(Duration::from_secs(3600)),
        "panic" => panic!("the hostile pack panics on purpose"),
        "exit-0-in-a-thread" => drop(thread::spawn(|| std::process::exit(0)).join()),
        "touch" => {
            if let Some(trace) = std::env::var_os("HOSTILE_TRACE") {
                std::fs::write(trace, "").expect("the test names a file that can be written");
            }
        }
        "second-abort" => {
            let trace = std::env::var_os("HOSTILE_TRACE").unwrap_or_default();
            if std::path::Path::new(&trace).exists() {
                std::process::abort();
            }
            act("touch");
        }
        "first-hang" => {
            let trace = std::env::var_os("HOSTILE_TRACE").unwrap_or_default();
            if !std::path::Path::new(&trace).exists() {
                act("touch");
                act("hang");
            }
        }
        "fork-exit-7" => {
            // SAFETY: the new process only exits.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: it runs the handlers of this process.
                unsafe { libc::exit(7) };
            }
            let mut status = 0;
            // SAFETY: the status is a number.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!(libc::WEXITSTATUS(status), 7, "the exit code of the new process");
        }
        "touch-exit" => {
            act("touch");
            act("exit-0");
        }
        "print" => println!("the hostile pack prints to stdout"),
        "child" => {
            // It keeps the output of the process open.
            drop(std::process::Command::new("sleep").arg("3600").spawn());
            std::process::exit(0);
        }
        "close-all" => (0..1024).for_each(close),
        "close-std" => (0..3).for_each(close),
        "close-1" => close(1),
        "memory" => {
            let mut kept = Vec::new();
            loop {
                kept.push(vec![1u8; 64 << 20]);
            }
        }
        _ => act_on_process(deed),
    }
}

/// Sends a signal to this process.
fn raise(signal: i32) {
    // SAFETY: it is not, which is the point.
    unsafe { libc::raise(signal) };
}

/// Limits a resource of this process.
fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the limit is a whole structure.
    unsafe { libc::setrlimit(resource, &raw const limit) };
}

/// What changes the process, or leaves something in it.
fn act_on_process(deed: &str) {
    match deed {
        "ill" => raise(libc::SIGILL),
        "fpe" => raise(libc::SIGFPE),
        // The runtime takes the first one for an overflow of the stack.
        "bus" => (0..2).for_each(|_| raise(libc::SIGBUS)),
        "pipe" => raise(libc::SIGPIPE),
        "term" => raise(libc::SIGTERM),
        "stop" => raise(libc::SIGSTOP),
        "alarm" => {
            // SAFETY: it has no conditions.
            unsafe { libc::alarm(1) };
            thread::sleep(Duration::from_secs(600));
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        "print-without-end" => loop {
            println!("the hostile pack prints to stdout");
            eprintln!("and to stderr");
        },
        "print-much" => (0..20_000).for_each(|_| println!("{}", "x".repeat(200))),
        "print-no-text" => {
            use std::io::Write;
            let _ = std::io::stdout().write_all(&vec![0xff; 1 << 20]);
        }
        "ignore-signals" => {
            for signal in 1..32 {
                // SAFETY: no handler is called.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
            thread::sleep(Duration::from_secs(600));
        }
        // SAFETY: the name is a text with its end.
        "locale" => drop(unsafe { libc::setlocale(libc::LC_ALL, c"C".as_ptr()) }),
        // SAFETY: the threads of the test pack read no variables meanwhile.
        "variables" => unsafe {
            std::env::set_var("PATH", "");
            std::env::set_var("TMPDIR", "/nowhere");
        },
        "thread-goes-on" => drop(thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        })),
        "thread-crashes-later" => drop(thread::spawn(|| {
            thread::sleep(Duration::from_millis(20));
            act("segv");
        })),
        "fork-holds-socket" => {
            // SAFETY: the new process only waits.
            if unsafe { libc::fork() } == 0 {
                thread::sleep(Duration::from_secs(30));
                // SAFETY: it ends the process.
                unsafe { libc::_exit(0) };
            }
            act("segv");
        }
        "fork-escapes" => {
            // SAFETY: the new process only waits, in a group of its own.
            if unsafe { libc::fork() } == 0 {
                // SAFETY: it has no conditions.
                unsafe { libc::setsid() };
                thread::sleep(Duration::from_secs(5));
                // SAFETY: it ends the process.
                unsafe { libc::_exit(0) };
            }
            act("segv");
        }
        "no-files" => limit(libc::RLIMIT_NOFILE, 0),
        "no-file-sizes" => limit(libc::RLIMIT_FSIZE, 0),
        "no-time" => {
            limit(libc::RLIMIT_CPU, 1);
            act("spin");
        }
        "kill-group" => {
            // SAFETY: it ends the processes of the group.
            unsafe { libc::kill(0, libc::SIGKILL) };
        }
        "move" => std::env::set_current_dir("/").expect("/ is there"),
        // SAFETY: it has no conditions.
        "umask" => drop(unsafe { libc::umask(0) }),
        _ => {}
    }
}

/// Does what it is told.
#[node(category = "Bad", outputs(value: "1"))]
fn act_now(
    /// The deed.
    #[input(default = "")]
    deed: String,
    /// Not used, to put this node into a chain.
    #[input(default = 0)]
    after: i64,
) -> Result<i64> {
    let _ = after;
    act(&deed);
    Ok(1)
}

/// Fails with a long error.
#[node(category = "Bad", outputs(never: "never given"))]
fn long_error() -> Result<i64> {
    Err(Error::new("e".repeat(200_000_000)))
}

/// A long list.
#[node(category = "Bad", outputs(numbers: "25 million"))]
fn long_list() -> Result<Vec<i64>> {
    Ok(vec![7; 25_000_000])
}

/// Long texts, for the result, the log and the progress.
#[node(category = "Bad", outputs(text: "200 MB"))]
fn long_text(ctx: &Ctx) -> Result<String> {
    let text = "t".repeat(200_000_000);
    ctx.warn(&text);
    ctx.progress(1, 2, &text);
    Ok(text)
}

/// A value that stays in the pack.
struct Kept(i64);

impl Resident for Kept {
    const TYPE: &'static str = "KEPT";
}

/// Makes a value that stays in the pack, and writes a line into a file.
#[node(category = "Kept", outputs(kept: "the value"))]
fn keep(
    /// The number in it.
    #[input(default = 1)]
    number: i64,
    /// The file, which gets a line for each run; none if empty.
    #[input(default = "")]
    trace: String,
) -> Result<Local<Kept>> {
    if !trace.is_empty() {
        let mut file = std::fs::File::options().create(true).append(true).open(trace)?;
        std::io::Write::write_all(&mut file, b"made\n")?;
    }
    Ok(Local::new(Kept(number)))
}

/// Waits, and reads a value that stays in the pack.
#[node(category = "Kept", outputs(number: "the number in it"))]
fn take_out(
    /// The value.
    kept: Local<Kept>,
    /// How long to wait, in milliseconds.
    #[input(default = 0)]
    ms: u64,
) -> Result<i64> {
    thread::sleep(Duration::from_millis(ms));
    Ok(kept.0)
}

/// Makes a picture darker.
#[node(category = "Picture", outputs(image: "half as bright"))]
fn halve(
    /// The picture.
    image: Image,
) -> Result<Image> {
    let shape = image.image.shape().to_vec();
    let halves = image.image.as_slice::<f32>()?.iter().map(|value| value / 2.0).collect::<Vec<f32>>();
    Image::new(Tensor::from_vec(shape, halves)?)
}

export_pack! {
    id: "hostile_00",
    description: "A pack that does what no pack may do",
    nodes: [act_now, long_error, long_list, long_text, keep, take_out, halve],
    devices: devices,
    absent: absent,
}
