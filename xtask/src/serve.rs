//! `cargo xtask serve`: serves the built page on this machine's loopback address.

use crate::build;
use crate::policy::headers_for;
use crate::static_files::{media_type, resolve};
use crate::workspace::{Result, Workspace};
use clap::Args;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const DEFAULT_PORT: u16 = 8080;
/// How many ports after the requested one are tried if it is taken.
const MORE_PORTS: u16 = 100;
/// Browsers send shorter requests to a static site; the limit keeps a client from filling the memory.
const MAX_REQUEST_BYTES: u64 = 16 * 1024;

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

/// The served site.
struct Site {
    dist: PathBuf,
    base: String,
    /// The text of the site's `_headers`.
    headers: String,
}

pub fn command(workspace: &mut Workspace, options: &Options) -> Result {
    build::command(workspace, &options.build)?;
    let listener = listen(options.port)?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let base = options.build.base_path.clone().unwrap_or_else(|| "/".into());
    let address = format!("http://127.0.0.1:{port}{base}");
    println!("GenreLens is served at {address}  (Ctrl+C ends it)");
    if !options.no_open {
        open_browser(&address);
    }
    let dist = workspace.root.join("dist");
    let headers = fs::read_to_string(dist.join("_headers")).map_err(|error| format!("dist/_headers: {error}"))?;
    serve(&listener, Site { dist, base, headers })
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

fn serve(listener: &TcpListener, site: Site) -> Result {
    let site = Arc::new(site);
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let site = Arc::clone(&site);
        thread::spawn(move || {
            // It fails only if the browser closes the connection early, which browsers may do.
            let _ = respond(&stream, &site);
        });
    }
    Ok(())
}

fn respond(mut stream: &TcpStream, site: &Site) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let Some((method, target)) = request(stream)? else {
        return Ok(());
    };
    if method != "GET" && method != "HEAD" {
        return send_error(stream, "405 Method Not Allowed");
    }
    // The path below the site still has to begin with a slash: `/name` must not match `/names/x`.
    let below = target.strip_prefix(site.base.trim_end_matches('/')).filter(|below| below.starts_with('/'));
    let path = below.and_then(|below| resolve(&site.dist, below));
    let Some((path, mut file)) = path.and_then(|path| Some((path.clone(), File::open(path).ok()?))) else {
        return send_error(stream, "404 Not Found");
    };
    let extra = headers_for(&site.headers, target.split('?').next().unwrap_or_default());
    let head = response_head("200 OK", media_type(&path), file.metadata()?.len(), &extra);
    stream.write_all(head.as_bytes())?;
    if method == "GET" {
        io::copy(&mut file, &mut stream)?;
    }
    Ok(())
}

/// The method and target of the request line. The header lines are read too: closing a socket with unread input resets
/// the connection before the browser has the response.
fn request(stream: &TcpStream) -> io::Result<Option<(String, String)>> {
    let mut lines = BufReader::new(stream.take(MAX_REQUEST_BYTES)).lines();
    let Some(first) = lines.next().transpose()? else {
        return Ok(None);
    };
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    Ok(words.next().zip(words.next()).map(|(method, target)| (method.to_owned(), target.to_owned())))
}

fn send_error(mut stream: &TcpStream, status: &str) -> io::Result<()> {
    let head = response_head(status, "text/plain; charset=utf-8", status.len() as u64, &[]);
    stream.write_all(format!("{head}{status}").as_bytes())
}

fn response_head(status: &str, media_type: &str, length: u64, extra: &[(String, String)]) -> String {
    // Always revalidated: files whose names stay change with a rebuild, and the others cost nothing here.
    let extra: String =
        extra.iter().filter(|(name, _)| name != "cache-control").map(|(n, v)| format!("{n}: {v}\r\n")).collect();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nCache-Control: no-cache\r\n\
         {extra}Connection: close\r\n\r\n"
    )
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

    #[test]
    fn files_are_sent_whole_and_missing_ones_are_404() {
        let dist = std::env::temp_dir().join(format!("xtask-serve-{}", std::process::id()));
        std::fs::create_dir_all(&dist).unwrap();
        std::fs::write(dist.join("a.wasm"), b"\0asm").unwrap();
        let listener = listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let headers = "/x/*\n  referrer-policy: no-referrer\n".to_owned();
        let site = Site { dist: dist.clone(), base: "/x/".into(), headers };
        thread::spawn(move || serve(&listener, site));
        let fetch = |request: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).unwrap();
            response
        };
        let whole = fetch("GET /x/a.wasm?v=1");
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/wasm\r\nContent-Length: 4\r\n"));
        assert!(whole.contains("\r\nreferrer-policy: no-referrer\r\n"));
        assert!(whole.ends_with("\r\n\r\n\0asm"));
        assert!(fetch("HEAD /x/a.wasm").ends_with("\r\n\r\n"));
        for absent in ["/a.wasm", "/x/../Cargo.toml", "/x", "/xx/a.wasm"] {
            assert!(fetch(&format!("GET {absent}")).starts_with("HTTP/1.1 404"), "{absent}");
        }
        assert!(fetch("POST /x/a.wasm").starts_with("HTTP/1.1 405"));
        std::fs::remove_dir_all(dist).unwrap();
    }
}
