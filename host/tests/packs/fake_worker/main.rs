//! A worker that breaks the protocol of sdk/WORKER.md. The variable `FAKE_START` names how it starts, an input what a call does. Tests put
//! it into a `.pack.json`.

#[cfg(target_os = "linux")]
mod deeds;
#[cfg(target_os = "linux")]
mod fake;

fn main() {
    #[cfg(target_os = "linux")]
    {
        let socket = rustix::io::dup(rustix::stdio::stdin()).expect("a socket").into();
        fake::Fake { socket }.serve(&std::env::var("FAKE_START").unwrap_or_default());
    }
}
