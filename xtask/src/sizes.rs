//! What the built page weighs, as files and as a web server sends them, held against budgets.

use crate::compress::{BEST_QUALITY, Compressed, LARGE, LARGE_QUALITY};
use crate::networks::{self, Offered};
use crate::precache::{Keeper, WORKER, keeper};
use crate::workspace::Result;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// All that a visitor without a GPU loads before the first answer, in bytes after brotli.
const FIRST_ANSWER_BUDGET: u64 = 2_500_000;
/// All that is kept for working without a connection, both engines and the first network, in bytes after brotli.
const OFFLINE_BUDGET: u64 = 6_500_000;

/// What a file of `dist/` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Page,
    CpuEngine,
    FirstNetwork,
    Shell,
    GpuEngine,
    Keeping,
    OtherNetworks,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Page,
        Self::CpuEngine,
        Self::FirstNetwork,
        Self::Shell,
        Self::GpuEngine,
        Self::Keeping,
        Self::OtherNetworks,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Page => "page, wasm and js",
            Self::CpuEngine => "CPU engine",
            Self::FirstNetwork => "network of the first answer",
            Self::Shell => "html, css and the rest",
            Self::GpuEngine => "GPU engine (fetched later)",
            Self::Keeping => "for working offline (later)",
            Self::OtherNetworks => "other networks (on request)",
        }
    }

    fn before_first_answer(self) -> bool {
        !self.is_on_request() && !matches!(self, Self::GpuEngine | Self::Keeping)
    }

    fn is_on_request(self) -> bool {
        self == Self::OtherNetworks
    }
}

/// The part that a file belongs to, where that network answers first; everything unknown counts as loaded with the page.
/// None is never sent.
fn part_of(file: &str, first: &str) -> Option<Part> {
    if let Some(file) = file.strip_prefix("model-weights/").filter(|file| !is_pressed(file)) {
        let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
        // The list itself is read before any network.
        return Some(match (stem == first || stem == "networks", ending) {
            (true, _) => Part::FirstNetwork,
            (false, "safetensors") => Part::OtherNetworks,
            (false, _) => Part::Keeping,
        });
    }
    let name = file.rsplit('/').next().unwrap_or(file);
    let kind = name.rsplit('.').next().unwrap_or_default();
    let part = match () {
        () if file == WORKER || file.starts_with("icons/") || kind == "webmanifest" => Part::Keeping,
        () if keeper(file) == Keeper::Nobody => return None,
        () if name.starts_with("gpu_worker") => Part::GpuEngine,
        () if name.starts_with("cpu_worker") => Part::CpuEngine,
        () if kind == "wasm" || kind == "js" => Part::Page,
        () => Part::Shell,
    };
    Some(part)
}

fn is_pressed(file: &str) -> bool {
    file.ends_with(".br") || file.ends_with(".gz")
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    files: usize,
    raw: u64,
    brotli: u64,
}

impl Weight {
    fn plus(self, other: Self) -> Self {
        Self { files: self.files + other.files, raw: self.raw + other.raw, brotli: self.brotli + other.brotli }
    }
}

/// A file with what it is for and what it weighs.
type Weighed = (String, Part, Weight);

/// Puts compressed files beside those of the site, prints all files, and fails where a budget is exceeded.
pub fn report(dist: &Path, cache: &Path) -> Result {
    let store = Compressed::in_cache(cache);
    let list = networks::offered(dist)?;
    let mut all = Vec::new();
    for (name, file) in files_under(dist)? {
        let Some(part) = part_of(&name, &list.first) else { continue };
        let data = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        store.write_beside(&file, &data)?;
        let weight = Weight { files: 1, raw: data.len() as u64, brotli: store.brotli(&data).len() as u64 };
        all.push((name, part, weight));
    }
    store.tidy();
    println!("\n{}\n{}\n{}", files(&all), table(&all), on_request(&all, &list.networks));
    within_budgets(&all)
}

fn within_budgets(all: &[Weighed]) -> Result {
    let first = sum(all, Part::before_first_answer);
    if first.files == 0 {
        return Err("dist/ is empty".into());
    }
    let offline = sum(all, |part| !part.is_on_request());
    for (what, weight, budget) in
        [("the CPU path to a first answer", first, FIRST_ANSWER_BUDGET), ("the page offline", offline, OFFLINE_BUDGET)]
    {
        let over = weight.brotli.saturating_sub(budget);
        if over > 0 {
            return Err(format!("{what} is {} over its budget", megabytes(over)));
        }
    }
    Ok(())
}

fn sum(all: &[Weighed], counts: impl Fn(Part) -> bool) -> Weight {
    all.iter().filter(|(_, part, _)| counts(*part)).fold(Weight::default(), |total, (_, _, weight)| total.plus(*weight))
}

/// Every file that is sent, in the order in which it is.
fn files(all: &[Weighed]) -> String {
    let mut text = format!("{:<62}{:>12}{:>12}\n", "file", "raw", "brotli");
    for part in Part::ALL {
        let _ = writeln!(text, "{}:", part.name());
        for (name, _, weight) in all.iter().filter(|(_, other, _)| *other == part) {
            let _ = writeln!(text, "  {name:<60}{:>12}{:>12}", megabytes(weight.raw), megabytes(weight.brotli));
        }
    }
    text
}

fn table(all: &[Weighed]) -> String {
    let mut text = format!("{:<34}{:>6}{:>12}{:>12}\n", "dist/", "files", "raw", "brotli");
    let mut row = |name: &str, weight: Weight| {
        let (raw, brotli) = (megabytes(weight.raw), megabytes(weight.brotli));
        let _ = writeln!(text, "{name:<34}{:>6}{raw:>12}{brotli:>12}", weight.files);
    };
    for part in Part::ALL {
        row(part.name(), sum(all, |other| other == part));
    }
    row("CPU path to a first answer", sum(all, Part::before_first_answer));
    row("the whole page offline", sum(all, |part| !part.is_on_request()));
    let _ = writeln!(
        text,
        "budgets: {} for the first answer, {} offline; brotli quality {LARGE_QUALITY} for files over {}, {BEST_QUALITY} \
         for the others",
        megabytes(FIRST_ANSWER_BUDGET),
        megabytes(OFFLINE_BUDGET),
        megabytes(LARGE as u64)
    );
    text
}

/// What each network takes when it is asked for, with all that it listens through.
fn on_request(all: &[Weighed], networks: &[Offered]) -> String {
    let mut text = format!("{:<40}{:>12}{:>12}\n", "a network, with what it listens through", "raw", "brotli");
    for network in networks {
        let parts: Vec<String> = network
            .bases
            .iter()
            .chain([&network.name])
            .map(|name| format!("model-weights/{name}.safetensors"))
            .collect();
        let weights = all.iter().filter(|(name, _, _)| parts.contains(name));
        let total = weights.fold(Weight::default(), |total, (_, _, weight)| total.plus(*weight));
        let _ = writeln!(text, "{:<40}{:>12}{:>12}", network.name, megabytes(total.raw), megabytes(total.brotli));
    }
    text
}

/// Millions of bytes, to the kilobyte.
fn megabytes(bytes: u64) -> String {
    format!("{:.3} MB", bytes as f64 / 1e6)
}

/// Every file of a folder and of those in it, by its path below it, with `/` between folders.
pub fn files_under(site: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        let trouble = |error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(trouble)? {
            let path = entry.map_err(trouble)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(site).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.push((name, path));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_part() {
        for (file, part) in [
            ("index.html", Some(Part::Shell)),
            ("app-1a2b_bg.wasm", Some(Part::Page)),
            ("snippets/x/inline0.js", Some(Part::Page)),
            ("cpu_worker.js", Some(Part::CpuEngine)),
            ("cpu_worker_bg.wasm", Some(Part::CpuEngine)),
            ("gpu_worker_loader.js", Some(Part::GpuEngine)),
            ("model-weights/networks.json", Some(Part::FirstNetwork)),
            ("model-weights/first-answer.safetensors", Some(Part::FirstNetwork)),
            ("model-weights/first-answer.json", Some(Part::FirstNetwork)),
            ("model-weights/net1-gtzan.safetensors", Some(Part::OtherNetworks)),
            ("model-weights/musicnn-mtt.json", Some(Part::Keeping)),
            ("model-weights/musicnn.LICENSE.md", Some(Part::Keeping)),
            ("service-worker.js", Some(Part::Keeping)),
            ("manifest.webmanifest", Some(Part::Keeping)),
            ("icons/icon-192.png", Some(Part::Keeping)),
            ("style-12.css", Some(Part::Shell)),
            ("app.d.ts", None),
            ("_headers", None),
            ("cpu_worker_bg.wasm.br", None),
            ("model-weights/net1-gtzan.safetensors.gz", None),
        ] {
            assert_eq!(part_of(file, "first-answer"), part, "{file}");
        }
    }

    fn weighed(name: &str, part: Part, raw: u64, brotli: u64) -> Weighed {
        (name.to_owned(), part, Weight { files: 1, raw, brotli })
    }

    fn site() -> Vec<Weighed> {
        vec![
            weighed("app.wasm", Part::Page, 300_000, 100_000),
            weighed("cpu_worker_bg.wasm", Part::CpuEngine, 3_000_000, 500_000),
            weighed("gpu_worker_bg.wasm", Part::GpuEngine, 42_000_000, 4_000_000),
            weighed("service-worker.js", Part::Keeping, 8_000, 3_000),
            weighed("model-weights/base.safetensors", Part::OtherNetworks, 3_000_000, 2_900_000),
            weighed("model-weights/head.safetensors", Part::OtherNetworks, 20_000, 19_000),
        ]
    }

    #[test]
    fn the_sums_leave_out_what_comes_later() {
        let all = site();
        let path = sum(&all, Part::before_first_answer);
        assert_eq!(path, Weight { files: 2, raw: 3_300_000, brotli: 600_000 });
        let table = table(&all);
        let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(row("CPU path").ends_with("3.300 MB    0.600 MB"), "{table}");
        assert!(row("GPU engine").ends_with("42.000 MB    4.000 MB"), "{table}");
        assert!(row("the whole page offline").ends_with("45.308 MB    4.603 MB"), "{table}");
    }

    #[test]
    fn every_file_and_every_network_is_told() {
        let all = site();
        let files = files(&all);
        assert!(all.iter().all(|(name, _, _)| files.contains(name)), "{files}");
        let network = |name: &str, bases: &[&str]| Offered {
            name: name.to_owned(),
            bases: bases.iter().map(|base| (*base).to_owned()).collect(),
        };
        let told = on_request(&all, &[network("head", &["base"]), network("base", &[])]);
        assert!(told.lines().any(|line| line.starts_with("head ") && line.ends_with("3.020 MB    2.919 MB")), "{told}");
        assert!(told.lines().any(|line| line.starts_with("base ") && line.ends_with("3.000 MB    2.900 MB")), "{told}");
    }

    #[test]
    fn the_budgets_are_bounds() {
        let first = |brotli| within_budgets(&[weighed("a", Part::Page, 9_000_000, brotli)]);
        assert!(first(FIRST_ANSWER_BUDGET).is_ok());
        assert!(first(FIRST_ANSWER_BUDGET + 1).unwrap_err().contains("first answer"));
        let page = weighed("a", Part::Page, 2, 1);
        let later = |brotli| within_budgets(&[page.clone(), weighed("b", Part::GpuEngine, 9_000_000, brotli)]);
        assert!(later(OFFLINE_BUDGET - 1).is_ok());
        assert!(later(OFFLINE_BUDGET).unwrap_err().contains("offline"));
        let asked = weighed("c", Part::OtherNetworks, 90_000_000, 90_000_000);
        assert!(within_budgets(&[page, asked]).is_ok(), "what is asked for has no bound");
        assert!(within_budgets(&[]).is_err());
    }
}
