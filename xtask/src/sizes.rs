//! Sizes of the built page, raw and compressed by brotli, and their budgets.

use crate::compress::{BEST_QUALITY, CompressionCache, LARGE_BYTES, LARGE_QUALITY};
use crate::networks::{self, ListedNetwork};
use crate::precache::{CacheStore, SERVICE_WORKER, cache_store};
use crate::workspace::Result;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes, after brotli, that a visitor without a GPU may have to download before the first answer.
const FIRST_ANSWER_BUDGET: u64 = 2_100_000;
/// Bytes, after brotli, of everything that the page needs offline: both engines and the first network.
const OFFLINE_BUDGET: u64 = 5_000_000;
/// Bytes, after brotli, of the GPU engine.
const GPU_ENGINE_BUDGET: u64 = 2_800_000;

/// The purpose of a file of `dist/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Page,
    CpuEngine,
    FirstNetwork,
    Shell,
    GpuEngine,
    Offline,
    OtherNetworks,
}

impl Category {
    const ALL: [Self; 7] = [
        Self::Page,
        Self::CpuEngine,
        Self::FirstNetwork,
        Self::Shell,
        Self::GpuEngine,
        Self::Offline,
        Self::OtherNetworks,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Page => "page, wasm and js",
            Self::CpuEngine => "CPU engine",
            Self::FirstNetwork => "network of the first answer",
            Self::Shell => "html, css and the rest",
            Self::GpuEngine => "GPU engine (fetched later)",
            Self::Offline => "for working offline (later)",
            Self::OtherNetworks => "other networks (on request)",
        }
    }

    fn before_first_answer(self) -> bool {
        !self.is_on_request() && !matches!(self, Self::GpuEngine | Self::Offline)
    }

    fn is_on_request(self) -> bool {
        self == Self::OtherNetworks
    }
}

/// The category of a file; none if the file is never sent. `first` is the name of the first network. Unknown files count
/// as loaded with the page, so that a new kind of file cannot slip past the budgets.
fn category_of(file: &str, first: &str) -> Option<Category> {
    if let Some(file) = file.strip_prefix("model-weights/").filter(|file| !is_compressed(file)) {
        let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
        // The page reads the list before any network.
        return Some(match (stem == first || stem == "networks", ending) {
            (true, _) => Category::FirstNetwork,
            (false, "safetensors") => Category::OtherNetworks,
            (false, _) => Category::Offline,
        });
    }
    let name = file.rsplit('/').next().unwrap_or(file);
    let kind = name.rsplit('.').next().unwrap_or_default();
    let category = match () {
        // The browser reads these when it installs the page, after the first answer.
        () if file == SERVICE_WORKER || file.starts_with("icons/") || kind == "webmanifest" => Category::Offline,
        () if cache_store(file) == CacheStore::Uncached => return None,
        () if name.starts_with("gpu_worker") => Category::GpuEngine,
        () if name.starts_with("cpu_worker") => Category::CpuEngine,
        () if kind == "wasm" || kind == "js" => Category::Page,
        () => Category::Shell,
    };
    Some(category)
}

fn is_compressed(file: &str) -> bool {
    file.ends_with(".br") || file.ends_with(".gz")
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    files: usize,
    raw: u64,
    brotli: u64,
}

impl Size {
    fn plus(self, other: Self) -> Self {
        Self { files: self.files + other.files, raw: self.raw + other.raw, brotli: self.brotli + other.brotli }
    }
}

/// Name, category and size of a file.
type SizedFile = (String, Category, Size);

/// Writes compressed files beside those of the site, prints all sizes, and fails if a budget is exceeded.
pub fn report(dist: &Path, cache: &Path) -> Result {
    let store = CompressionCache::in_folder(cache);
    let list = networks::read_list(dist)?;
    let mut all = Vec::new();
    for (name, file) in files_under(dist)? {
        let Some(category) = category_of(&name, &list.first) else { continue };
        let data = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        store.write_beside(&file, &data)?;
        let size = Size { files: 1, raw: data.len() as u64, brotli: store.brotli(&data).len() as u64 };
        all.push((name, category, size));
    }
    store.remove_unused();
    println!("\n{}\n{}\n{}", files(&all), table(&all), sizes_on_request(&all, &list.networks));
    within_budgets(&all)
}

fn within_budgets(all: &[SizedFile]) -> Result {
    let first = sum(all, Category::before_first_answer);
    // No file at all would be within every budget.
    if first.files == 0 {
        return Err("dist/ is empty".into());
    }
    let offline = sum(all, |category| !category.is_on_request());
    let gpu_engine = sum(all, |category| category == Category::GpuEngine);
    for (what, size, budget) in [
        ("the CPU path to a first answer", first, FIRST_ANSWER_BUDGET),
        ("the page offline", offline, OFFLINE_BUDGET),
        ("the GPU engine", gpu_engine, GPU_ENGINE_BUDGET),
    ] {
        let over = size.brotli.saturating_sub(budget);
        if over > 0 {
            return Err(format!("{what} is {} over its budget", megabytes(over)));
        }
    }
    Ok(())
}

fn sum(all: &[SizedFile], is_counted: impl Fn(Category) -> bool) -> Size {
    all.iter()
        .filter(|(_, category, _)| is_counted(*category))
        .fold(Size::default(), |total, (_, _, size)| total.plus(*size))
}

/// A table of every file that is sent, by category in the order of loading.
fn files(all: &[SizedFile]) -> String {
    let mut text = format!("{:<62}{:>12}{:>12}\n", "file", "raw", "brotli");
    for category in Category::ALL {
        let _ = writeln!(text, "{}:", category.name());
        for (name, _, size) in all.iter().filter(|(_, other, _)| *other == category) {
            let _ = writeln!(text, "  {name:<60}{:>12}{:>12}", megabytes(size.raw), megabytes(size.brotli));
        }
    }
    text
}

fn table(all: &[SizedFile]) -> String {
    let mut text = format!("{:<34}{:>6}{:>12}{:>12}\n", "dist/", "files", "raw", "brotli");
    let mut row = |name: &str, size: Size| {
        let (raw, brotli) = (megabytes(size.raw), megabytes(size.brotli));
        let _ = writeln!(text, "{name:<34}{:>6}{raw:>12}{brotli:>12}", size.files);
    };
    for category in Category::ALL {
        row(category.name(), sum(all, |other| other == category));
    }
    row("CPU path to a first answer", sum(all, Category::before_first_answer));
    row("the whole page offline", sum(all, |category| !category.is_on_request()));
    let _ = writeln!(
        text,
        "budgets: {} for the first answer, {} offline, {} for the GPU engine; brotli quality {LARGE_QUALITY} for files over {}, {BEST_QUALITY} \
         for the others",
        megabytes(FIRST_ANSWER_BUDGET),
        megabytes(OFFLINE_BUDGET),
        megabytes(GPU_ENGINE_BUDGET),
        megabytes(LARGE_BYTES as u64)
    );
    text
}

/// A table of what each network downloads when it is selected, its backbones included.
fn sizes_on_request(all: &[SizedFile], networks: &[ListedNetwork]) -> String {
    let mut text = format!("{:<40}{:>12}{:>12}\n", "a network, with its backbones", "raw", "brotli");
    for network in networks {
        let files: Vec<String> = network
            .backbones
            .iter()
            .chain([&network.name])
            .map(|name| format!("model-weights/{name}.safetensors"))
            .collect();
        let sizes = all.iter().filter(|(name, _, _)| files.contains(name));
        let total = sizes.fold(Size::default(), |total, (_, _, size)| total.plus(*size));
        let _ = writeln!(text, "{:<40}{:>12}{:>12}", network.name, megabytes(total.raw), megabytes(total.brotli));
    }
    text
}

/// Millions of bytes, to the kilobyte.
fn megabytes(bytes: u64) -> String {
    format!("{:.3} MB", bytes as f64 / 1e6)
}

/// Every file of a folder and its subfolders, with its path relative to the folder and `/` between folders.
pub fn files_under(site: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        let failure = |error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failure)? {
            let path = entry.map_err(failure)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                // Windows separates folders by backslashes, the addresses of a site by slashes.
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
        for (file, category) in [
            ("index.html", Some(Category::Shell)),
            ("app-1a2b_bg.wasm", Some(Category::Page)),
            ("snippets/x/inline0.js", Some(Category::Page)),
            ("cpu_worker.js", Some(Category::CpuEngine)),
            ("cpu_worker_bg.wasm", Some(Category::CpuEngine)),
            ("gpu_worker_loader.js", Some(Category::GpuEngine)),
            ("model-weights/networks.json", Some(Category::FirstNetwork)),
            ("model-weights/first-answer.safetensors", Some(Category::FirstNetwork)),
            ("model-weights/first-answer.json", Some(Category::FirstNetwork)),
            ("model-weights/net1-gtzan.safetensors", Some(Category::OtherNetworks)),
            ("model-weights/musicnn-mtt.json", Some(Category::Offline)),
            ("model-weights/musicnn.LICENSE.md", Some(Category::Offline)),
            ("service-worker.js", Some(Category::Offline)),
            ("manifest.webmanifest", Some(Category::Offline)),
            ("icons/icon-192.png", Some(Category::Offline)),
            ("style-12.css", Some(Category::Shell)),
            ("app.d.ts", None),
            ("_headers", None),
            ("cpu_worker_bg.wasm.br", None),
            ("model-weights/net1-gtzan.safetensors.gz", None),
        ] {
            assert_eq!(category_of(file, "first-answer"), category, "{file}");
        }
    }

    fn sized(name: &str, category: Category, raw: u64, brotli: u64) -> SizedFile {
        (name.to_owned(), category, Size { files: 1, raw, brotli })
    }

    fn site() -> Vec<SizedFile> {
        vec![
            sized("app.wasm", Category::Page, 300_000, 100_000),
            sized("cpu_worker_bg.wasm", Category::CpuEngine, 3_000_000, 500_000),
            sized("gpu_worker_bg.wasm", Category::GpuEngine, 42_000_000, 4_000_000),
            sized("service-worker.js", Category::Offline, 8_000, 3_000),
            sized("model-weights/backbone.safetensors", Category::OtherNetworks, 3_000_000, 2_900_000),
            sized("model-weights/head.safetensors", Category::OtherNetworks, 20_000, 19_000),
        ]
    }

    #[test]
    fn the_sums_leave_out_what_is_loaded_later() {
        let all = site();
        let path = sum(&all, Category::before_first_answer);
        assert_eq!(path, Size { files: 2, raw: 3_300_000, brotli: 600_000 });
        let table = table(&all);
        let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(row("CPU path").ends_with("3.300 MB    0.600 MB"), "{table}");
        assert!(row("GPU engine").ends_with("42.000 MB    4.000 MB"), "{table}");
        assert!(row("the whole page offline").ends_with("45.308 MB    4.603 MB"), "{table}");
    }

    #[test]
    fn every_file_and_every_network_is_listed() {
        let all = site();
        let files = files(&all);
        assert!(all.iter().all(|(name, _, _)| files.contains(name)), "{files}");
        let network = |name: &str, backbones: &[&str]| ListedNetwork {
            name: name.to_owned(),
            backbones: backbones.iter().map(|backbone| (*backbone).to_owned()).collect(),
        };
        let text = sizes_on_request(&all, &[network("head", &["backbone"]), network("backbone", &[])]);
        assert!(text.lines().any(|line| line.starts_with("head ") && line.ends_with("3.020 MB    2.919 MB")), "{text}");
        assert!(
            text.lines().any(|line| line.starts_with("backbone ") && line.ends_with("3.000 MB    2.900 MB")),
            "{text}"
        );
    }

    #[test]
    fn a_size_over_budget_is_an_error() {
        let first = |brotli| within_budgets(&[sized("a", Category::Page, 9_000_000, brotli)]);
        assert!(first(FIRST_ANSWER_BUDGET).is_ok());
        assert!(first(FIRST_ANSWER_BUDGET + 1).unwrap_err().contains("first answer"));
        let page = sized("a", Category::Page, 2, 1);
        let later = |category, brotli| within_budgets(&[page.clone(), sized("b", category, 9_000_000, brotli)]);
        assert!(later(Category::Offline, OFFLINE_BUDGET - 1).is_ok());
        assert!(later(Category::Offline, OFFLINE_BUDGET).unwrap_err().contains("offline"));
        assert!(later(Category::GpuEngine, GPU_ENGINE_BUDGET).is_ok());
        assert!(later(Category::GpuEngine, GPU_ENGINE_BUDGET + 1).unwrap_err().contains("GPU engine"));
        let asked = sized("c", Category::OtherNetworks, 90_000_000, 90_000_000);
        assert!(within_budgets(&[page, asked]).is_ok(), "networks on request have no budget");
        assert!(within_budgets(&[]).is_err());
    }
}
