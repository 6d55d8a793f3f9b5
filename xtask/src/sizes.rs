//! What the built page weighs, as files and as a web server sends them, held against the budget.

use crate::house::Result;
use crate::networks;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// All that a visitor without a GPU loads before the first answer, in bytes after brotli.
const BUDGET: u64 = 2_500_000;
/// Beyond this size the best quality takes minutes and gains about a tenth: such files are pressed a little less.
const LARGE: usize = 8_000_000;
const LARGE_QUALITY: i32 = 9;
const BEST_QUALITY: i32 = 11;

/// What a file of `dist/` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Page,
    CpuEngine,
    FirstNetwork,
    Shell,
    GpuEngine,
    OtherNetworks,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Page, Self::CpuEngine, Self::FirstNetwork, Self::Shell, Self::GpuEngine, Self::OtherNetworks];

    fn name(self) -> &'static str {
        match self {
            Self::Page => "page, wasm and js",
            Self::CpuEngine => "CPU engine",
            Self::FirstNetwork => "network of the first answer",
            Self::Shell => "html, css and the rest",
            Self::GpuEngine => "GPU engine (fetched later)",
            Self::OtherNetworks => "other networks (on request)",
        }
    }

    fn before_first_answer(self) -> bool {
        !matches!(self, Self::GpuEngine | Self::OtherNetworks)
    }
}

/// The part that a file belongs to, where that network answers first; everything unknown counts as loaded with the page.
/// None is never sent.
fn part_of(file: &str, first: &str) -> Option<Part> {
    if let Some(file) = file.strip_prefix("model-weights/") {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        // The list itself is read before any network.
        let at_once = stem == first || stem == "networks";
        return Some(if at_once { Part::FirstNetwork } else { Part::OtherNetworks });
    }
    let name = file.rsplit('/').next().unwrap_or(file);
    let kind = name.rsplit('.').next().unwrap_or_default();
    let part = match () {
        () if name.ends_with(".d.ts") || kind == "map" => return None,
        () if name.starts_with("gpu_worker") => Part::GpuEngine,
        () if name.starts_with("cpu_worker") => Part::CpuEngine,
        () if kind == "wasm" || kind == "js" => Part::Page,
        () => Part::Shell,
    };
    Some(part)
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

/// Prints the table and fails where the way to a first answer is over the budget.
pub fn report(dist: &Path, cache: &Path) -> Result {
    let mut known = Known::read(cache.join("brotli-sizes"));
    let first = networks::first_of(dist)?;
    let (mut weights, mut others) = (Vec::new(), Vec::new());
    for file in files_under(dist)? {
        let name = file.strip_prefix(dist).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let Some(part) = part_of(&name, &first) else { continue };
        let data = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let weight = Weight { files: 1, raw: data.len() as u64, brotli: known.brotli(&data) };
        weights.push((part, weight));
        if part == Part::OtherNetworks && name.ends_with(".safetensors") {
            others.push((name, weight));
        }
    }
    known.write();
    println!("\n{}", table(&weights));
    others.iter().for_each(|(name, weight)| println!("on request: {name:<50}{:>12}", megabytes(weight.brotli)));
    within_budget(sum(&weights, Part::before_first_answer))
}

fn within_budget(path: Weight) -> Result {
    if path.files == 0 {
        return Err("dist/ is empty".into());
    }
    let over = path.brotli.saturating_sub(BUDGET);
    if over == 0 {
        Ok(())
    } else {
        Err(format!("the CPU path to a first answer is {} over its budget", megabytes(over)))
    }
}

fn sum(weights: &[(Part, Weight)], counts: impl Fn(Part) -> bool) -> Weight {
    weights.iter().filter(|(part, _)| counts(*part)).fold(Weight::default(), |total, (_, weight)| total.plus(*weight))
}

fn table(weights: &[(Part, Weight)]) -> String {
    let mut text = format!("{:<34}{:>6}{:>12}{:>12}\n", "dist/", "files", "raw", "brotli");
    let mut row = |name: &str, weight: Weight| {
        let (raw, brotli) = (megabytes(weight.raw), megabytes(weight.brotli));
        let _ = writeln!(text, "{name:<34}{:>6}{raw:>12}{brotli:>12}", weight.files);
    };
    for part in Part::ALL {
        row(part.name(), sum(weights, |other| other == part));
    }
    row("CPU path to a first answer", sum(weights, Part::before_first_answer));
    let _ = writeln!(
        text,
        "budget of that path: {}; brotli quality {LARGE_QUALITY} for files over {}, {BEST_QUALITY} for the others",
        megabytes(BUDGET),
        megabytes(LARGE as u64)
    );
    text
}

/// Millions of bytes, to the kilobyte.
fn megabytes(bytes: u64) -> String {
    format!("{:.3} MB", bytes as f64 / 1e6)
}

fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let trouble = |error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(trouble)? {
            let path = entry.map_err(trouble)?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Sizes measured before, by content: pressing an engine takes seconds, and most builds change one file.
struct Known {
    file: PathBuf,
    sizes: HashMap<String, u64>,
}

impl Known {
    fn read(file: PathBuf) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let parse =
            |line: &str| line.split_once(' ').and_then(|(key, size)| Some((key.to_owned(), size.parse().ok()?)));
        Self { file, sizes: text.lines().filter_map(parse).collect() }
    }

    fn brotli(&mut self, data: &[u8]) -> u64 {
        let quality = if data.len() > LARGE { LARGE_QUALITY } else { BEST_QUALITY };
        let mut hasher = DefaultHasher::new();
        data.hash(&mut hasher);
        let key = format!("{:016x}-{}-{quality}", hasher.finish(), data.len());
        *self.sizes.entry(key).or_insert_with(|| brotli_size(data, quality))
    }

    /// A cache that cannot be written costs seconds next time, and nothing else.
    fn write(&self) {
        let lines = self.sizes.iter().map(|(key, size)| format!("{key} {size}\n"));
        let _ = fs::write(&self.file, lines.collect::<String>());
    }
}

fn brotli_size(data: &[u8], quality: i32) -> u64 {
    // 22 is the window that every browser takes.
    let parameters =
        brotli::enc::BrotliEncoderParams { quality, lgwin: 22, size_hint: data.len(), ..Default::default() };
    let mut counted = Counter(0);
    // Reading a slice and counting bytes cannot fail.
    let _ = brotli::BrotliCompress(&mut &data[..], &mut counted, &parameters);
    counted.0
}

struct Counter(u64);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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
            ("model-weights/musicnn-mtt.json", Some(Part::OtherNetworks)),
            ("model-weights/musicnn-LICENSE", Some(Part::OtherNetworks)),
            ("style-12.css", Some(Part::Shell)),
            ("app.d.ts", None),
        ] {
            assert_eq!(part_of(file, "first-answer"), part, "{file}");
        }
    }

    #[test]
    fn the_sum_leaves_out_what_comes_later() {
        let weight = |raw, brotli| Weight { files: 1, raw, brotli };
        let weights = [
            (Part::Page, weight(300_000, 100_000)),
            (Part::CpuEngine, weight(3_000_000, 500_000)),
            (Part::GpuEngine, weight(42_000_000, 4_000_000)),
        ];
        let path = sum(&weights, Part::before_first_answer);
        assert_eq!(path, Weight { files: 2, raw: 3_300_000, brotli: 600_000 });
        let table = table(&weights);
        let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        assert!(row("CPU path").ends_with("3.300 MB    0.600 MB"), "{table}");
        assert!(row("GPU engine").ends_with("42.000 MB    4.000 MB"), "{table}");
    }

    #[test]
    fn the_budget_is_a_bound() {
        let path = |brotli| within_budget(Weight { files: 3, raw: 9_000_000, brotli });
        assert!(path(BUDGET).is_ok());
        assert!(path(BUDGET + 1).is_err());
        assert!(within_budget(Weight::default()).is_err());
    }

    #[test]
    fn brotli_presses_what_repeats() {
        assert!(brotli_size(&[7; 100_000], BEST_QUALITY) < 50);
        assert!(brotli_size(b"", BEST_QUALITY) < 4);
    }
}
