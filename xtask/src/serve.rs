//! `cargo xtask serve`: serves the built page on this machine's loopback address.
//!
//! Compiling the GPU engine takes longer than all the rest. Unless it is compiled already, the page is first built and
//! served without it, and the whole site takes that one's place as soon as it is built.

use crate::build_times::{BuildTimes, Step};
use crate::site_server::{self, Site};
use crate::workspace::{Result, Workspace};
use crate::{build, sizes, tools};
use clap::Args;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

const DEFAULT_PORT: u16 = 8080;
/// How many ports after the requested one are tried if it is taken.
const MORE_PORTS: u16 = 100;

#[derive(Args, Debug, PartialEq, Eq)]
pub struct Options {
    /// The port to listen on; if it is taken, the next free one
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PORT)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
    #[command(flatten)]
    pub build: build::Options,
}

pub fn command(workspace: &mut Workspace, options: &Options) -> Result {
    let server = if build::has_gpu_engine(workspace) {
        build::command(workspace, &options.build)?;
        serve(workspace.root.join("dist"), options)?
    } else {
        serve_before_the_gpu_engine(workspace, options)?
    };
    server.join().map_err(|_| "the server has stopped".into())
}

type Server = thread::JoinHandle<()>;

/// Starts to serve a folder, and tells where.
fn serve(folder: PathBuf, options: &Options) -> Result<Server> {
    start(folder, options).map(|(server, _)| server)
}

fn start(folder: PathBuf, options: &Options) -> Result<(Server, Arc<Site>)> {
    let base = options.build.base_path.as_deref().unwrap_or("/");
    let site = Arc::new(Site::new(folder, base)?);
    let listener = listen(options.port)?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let address = format!("http://127.0.0.1:{port}{base}");
    println!("GenreLens is served at {address}  (Ctrl+C ends it)");
    if !options.no_open {
        open_browser(&address);
    }
    let served = Arc::clone(&site);
    Ok((thread::spawn(move || site_server::serve(&listener, &served)), site))
}

/// Serves the page as soon as it is built with its CPU engine, and then the whole site in its place.
fn serve_before_the_gpu_engine(workspace: &mut Workspace, options: &Options) -> Result<Server> {
    const SERVED: &str = "the page is served, at first without its GPU engine";
    let base = options.build.base_path.as_deref();
    let mut times = BuildTimes::in_folder(&workspace.cache);
    let was_compiled = |file: &str| workspace.target.join(tools::WASM_TARGET).join(file).is_file();
    let page = Step::Page { first: !was_compiled("web/cpu_worker.wasm") };
    let gpu_engine = Step::GpuEngine { first: !was_compiled("web-gpu/gpu_worker.wasm") };
    if tools::has_page_tools(workspace)? {
        build::prepare(workspace)?;
    } else {
        times.tell(Step::Tools, &[page], SERVED, || build::prepare(workspace))?;
    }
    let first = times.tell(page, &[], SERVED, || build::compile_without_gpu(workspace, base))?;
    let (server, site) = start(first.clone(), options)?;
    println!("Its GPU engine is being built meanwhile; the page works on the processor and says when it is there.");
    let whole = times.tell(gpu_engine, &[], "the GPU engine is there too", || {
        let dist = build::compile(workspace, base)?;
        sizes::report(&dist, &workspace.cache)?;
        Ok(dist)
    });
    match whole.and_then(|dist| site.replace(dist)) {
        Ok(()) => {
            let _ = fs::remove_dir_all(first);
            println!("The whole site is served now, with its GPU engine: pages that are open offer to load it.");
        }
        // The page that is served is of use without it.
        Err(reason) => eprintln!("xtask: {reason}\nThe page is still served, without its GPU engine (Ctrl+C ends it)."),
    }
    Ok(server)
}

fn listen(port: u16) -> Result<TcpListener> {
    let last = port.saturating_add(MORE_PORTS);
    for candidate in port..=last {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, candidate)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => println!("Port {candidate} is taken."),
            Err(error) => return Err(format!("port {candidate}: {error}")),
        }
    }
    Err(format!("the ports {port} to {last} are all taken: choose another by --port"))
}

fn open_browser(address: &str) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let opener = match std::env::consts::OS {
        "macos" => "open",
        _ if is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") => "xdg-open",
        _ => return,
    };
    let browser =
        Command::new(opener).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if browser.is_err() {
        println!("No browser was opened: `{opener}` is not installed.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_skipped() {
        let first = listen(0).unwrap();
        let taken = first.local_addr().unwrap().port();
        if taken < u16::MAX {
            assert!(listen(taken).unwrap().local_addr().unwrap().port() > taken);
        }
    }
}
