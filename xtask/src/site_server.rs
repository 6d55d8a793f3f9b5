//! The local web server of `cargo xtask serve`: one folder at a time, with the headers that its `_headers` asks for.

use crate::policy::headers_for;
use crate::static_files::{media_type, resolve};
use crate::workspace::Result;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

/// Browsers send shorter requests to a static site; the limit keeps a client from filling the memory.
const MAX_REQUEST_BYTES: u64 = 16 * 1024;

/// The served site.
pub struct Site {
    base: String,
    content: RwLock<Content>,
}

/// A folder and the text of its `_headers`.
struct Content {
    folder: PathBuf,
    headers: String,
}

/// An opened file of the site.
struct Found {
    media_type: &'static str,
    file: File,
    headers: Vec<(String, String)>,
}

impl Content {
    fn of(folder: PathBuf) -> Result<Self> {
        let file = folder.join("_headers");
        let headers = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Self { folder, headers })
    }
}

impl Site {
    /// # Errors
    ///
    /// A sentence, if the folder has no `_headers`, as every built site has.
    pub fn new(folder: PathBuf, base: &str) -> Result<Self> {
        Ok(Self { base: base.to_owned(), content: RwLock::new(Content::of(folder)?) })
    }

    /// Serves another folder from now on. No request sees files of both, or headers of the other one; afterwards none
    /// looks into the folder before.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); then the folder before is still served.
    pub fn replace(&self, folder: PathBuf) -> Result {
        let new = Content::of(folder)?;
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The file that a request asks for.
    fn open(&self, target: &str) -> Option<Found> {
        // The path below the site still has to begin with a slash: `/name` must not match `/names/x`.
        let below = target.strip_prefix(self.base.trim_end_matches('/')).filter(|below| below.starts_with('/'))?;
        // Until the file is open: after that it stays readable, even if its folder is deleted.
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        let path = resolve(&content.folder, below)?;
        let file = File::open(&path).ok()?;
        let headers = headers_for(&content.headers, target.split('?').next().unwrap_or_default());
        Some(Found { media_type: media_type(&path), file, headers })
    }
}

/// Answers requests for ever.
pub fn serve(listener: &TcpListener, site: &Arc<Site>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let site = Arc::clone(site);
        thread::spawn(move || {
            // It fails only if the browser closes the connection early, which browsers may do.
            let _ = respond(&stream, &site);
        });
    }
}

fn respond(mut stream: &TcpStream, site: &Site) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let Some((method, target)) = request(stream)? else {
        return Ok(());
    };
    if method != "GET" && method != "HEAD" {
        return send_error(stream, "405 Method Not Allowed");
    }
    let Some(Found { media_type, mut file, headers }) = site.open(&target) else {
        return send_error(stream, "404 Not Found");
    };
    let head = response_head("200 OK", media_type, file.metadata()?.len(), &headers);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A folder with these files and headers that name it, which is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("xtask-site-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("_headers"), format!("/x/*\n  x-site: {name}\n")).unwrap();
            files.iter().for_each(|(file, text)| fs::write(folder.join(file), text).unwrap());
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn started(folder: &Folder) -> (SocketAddr, Arc<Site>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let site = Arc::new(Site::new(folder.0.clone(), "/x/").unwrap());
        let served = Arc::clone(&site);
        thread::spawn(move || serve(&listener, &served));
        (address, site)
    }

    fn fetch(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    #[test]
    fn files_are_sent_whole_and_missing_ones_are_404() {
        let folder = Folder::new("whole", &[("a.wasm", "\0asm")]);
        let (address, _site) = started(&folder);
        let fetch = |request: &str| fetch(address, request);
        let whole = fetch("GET /x/a.wasm?v=1");
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/wasm\r\nContent-Length: 4\r\n"));
        assert!(whole.contains("\r\nx-site: whole\r\n"));
        assert!(whole.ends_with("\r\n\r\n\0asm"));
        assert!(fetch("HEAD /x/a.wasm").ends_with("\r\n\r\n"));
        for absent in ["/a.wasm", "/x/../Cargo.toml", "/x", "/xx/a.wasm"] {
            assert!(fetch(&format!("GET {absent}")).starts_with("HTTP/1.1 404"), "{absent}");
        }
        assert!(fetch("POST /x/a.wasm").starts_with("HTTP/1.1 405"));
    }

    #[test]
    fn while_the_site_is_replaced_every_request_gets_one_of_the_two() {
        let text = |name: &str| name.repeat(50_000);
        let first = Folder::new("first", &[("index.html", &text("first")), ("worker.js", "same")]);
        let whole =
            Folder::new("whole-site", &[("index.html", &text("whole-site")), ("worker.js", "same"), ("gpu.js", "")]);
        let (address, site) = started(&first);
        let ended = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let ended = Arc::clone(&ended);
                thread::spawn(move || {
                    let mut seen = Vec::new();
                    while !ended.load(Ordering::Relaxed) {
                        for file in ["", "worker.js"] {
                            seen.push((file, fetch(address, &format!("GET /x/{file}"))));
                        }
                    }
                    seen
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(100));
        site.replace(whole.0.clone()).unwrap();
        drop(first);
        thread::sleep(Duration::from_millis(100));
        ended.store(true, Ordering::Relaxed);
        let mut sites = [0, 0];
        for (file, response) in clients.into_iter().flat_map(|client| client.join().unwrap()) {
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            let index = ["first", "whole-site"].iter().position(|name| head.contains(&format!("x-site: {name}\r\n")));
            let index = index.unwrap_or_else(|| panic!("{file}: {head}"));
            let expected = if file.is_empty() { text(["first", "whole-site"][index]) } else { "same".into() };
            assert!(body == expected, "{file}: {} bytes of {head}", body.len());
            sites[index] += 1;
        }
        assert!(sites[0] > 0 && sites[1] > 0, "{sites:?}");
        assert!(fetch(address, "GET /x/gpu.js").starts_with("HTTP/1.1 200"));
    }

    #[test]
    fn a_folder_that_is_no_site_does_not_replace_the_one_that_is_served() {
        let folder = Folder::new("stays", &[("a.js", "a")]);
        let (address, site) = started(&folder);
        assert!(site.replace(folder.0.join("nowhere")).unwrap_err().contains("_headers"));
        assert!(fetch(address, "GET /x/a.js").ends_with("\r\n\r\na"));
    }
}
