//! `cargo xtask bench`: times GenreLens on this machine, and in the same run other programs that do the same work.
//!
//! The parts are the front end natively and in a browser, beside librosa and essentia.js; an epoch of training in a
//! browser, beside TensorFlow.js; training runs on the built page: their time, cancelling them, and memory; inference in a
//! browser, beside TensorFlow.js and ONNX Runtime Web; and how long the built page takes to answer.

use crate::workspace::{Result, Workspace, capture, read_json, run};
use crate::{build, tools};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

/// The front end that the targets are about: frames of 2048 samples, a hop of 512, 128 mel bands.
const COMPARED_FRONT_END: &str = "gtzan-logmel";
/// The most that our time in the browser may be, in multiples of librosa's native time.
const MAX_LIBROSA_RATIO: f64 = 1.5;
/// The least that essentia.js's time must be, in multiples of ours in the same browser.
const MIN_ESSENTIA_SPEEDUP: f64 = 50.0;
/// The largest share of the processors that other programs may use without a warning about the figures.
const MAX_OTHER_LOAD: f64 = 0.1;

/// The median time of one measurement.
#[derive(Debug, PartialEq)]
struct Row {
    /// The name by which the targets refer to it; empty if no target does.
    key: String,
    what: String,
    runs: String,
    milliseconds: f64,
}

#[derive(Args, Debug)]
pub struct Options {
    /// What to time; everything if nothing is named
    #[arg(value_name = "PART")]
    pub parts: Vec<Part>,
    /// Use this machine's graphics adapter instead of Chromium's emulated one; for `training`, `inference` and `page`
    #[arg(long)]
    pub gpu: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The front end, natively and in a browser, beside librosa and essentia.js
    FrontEnd,
    /// An epoch of training in a browser, beside TensorFlow.js
    Training,
    /// Training runs on the built page: their time, cancelling them, frame rate and memory
    #[value(alias = "lessons")]
    TrainingRuns,
    /// Networks and a step of training in a browser, beside TensorFlow.js and ONNX Runtime Web
    Inference,
    /// The built page: bytes, and the time until it can be used and until its first answer
    Page,
}

impl Part {
    /// Measures this part, and returns whether its targets are met.
    fn run(self, workspace: &mut Workspace, gpu: bool) -> Result<bool> {
        match self {
            Self::FrontEnd => time_front_end(workspace),
            Self::Training => time_by_script(workspace, "time-training.mjs", gpu),
            Self::TrainingRuns => time_training_runs(workspace),
            Self::Inference => time_by_script(workspace, "time-inference.mjs", gpu),
            Self::Page => time_by_script(workspace, "time-page.mjs", gpu),
        }
    }
}

/// Scripts in `tests/e2e`, one for each target of training runs; a script fails if its target is missed.
const TRAINING_RUN_SCRIPTS: [&str; 4] =
    ["time-training-job.mjs", "time-cancel.mjs", "time-frames.mjs", "memory-training.mjs"];

pub fn command(workspace: &mut Workspace, options: &Options) -> Result<ExitCode> {
    let mut targets_met = true;
    for part in selected(&options.parts) {
        targets_met &= part.run(workspace, options.gpu)?;
    }
    Ok(if targets_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The named parts, each once and in the order of their definition; all of them if none is named.
fn selected(named: &[Part]) -> Vec<Part> {
    let is_selected = |part: &&Part| named.is_empty() || named.contains(part);
    Part::value_variants().iter().filter(is_selected).copied().collect()
}

fn time_front_end(workspace: &mut Workspace) -> Result<bool> {
    tools::for_bench(workspace)?;
    let page = assemble_page(workspace)?;
    run(cargo_bench(workspace).arg("--no-run"))?;
    // Before the first timing: later this program's own work would count too.
    let load = processor_load();
    let mut rows = native_rows(workspace)?;
    let front_ends = workspace.target.join("bench/front-ends.json");
    // Before librosa, which computes the front ends that this run writes to the file.
    let browser = browser_rows(workspace, &page, &front_ends)?;
    rows.extend(librosa_rows(workspace, &front_ends)?);
    rows.extend(browser);
    println!("\n{}", table(&rows));
    warn_if_busy(load);
    let (lines, targets_met) = check_targets(&rows)?;
    println!("{lines}");
    Ok(targets_met)
}

/// Runs one of the scripts that time the built page in `benches/browser`. They only report: what they measure has no target
/// that a run on an emulated graphics adapter, or on a busy machine, could miss.
fn time_by_script(workspace: &mut Workspace, file: &str, gpu: bool) -> Result<bool> {
    tools::for_playwright(workspace)?;
    tools::browser_peers(workspace)?;
    build::site(workspace, None)?;
    let load = processor_load();
    let mut node = script(workspace, &format!("benches/browser/{file}"))?;
    run(node.args(gpu.then_some("--gpu")))?;
    warn_if_busy(load);
    Ok(true)
}

fn time_training_runs(workspace: &mut Workspace) -> Result<bool> {
    tools::for_playwright(workspace)?;
    build::site(workspace, None)?;
    let load = processor_load();
    let mut targets_met = true;
    for file in TRAINING_RUN_SCRIPTS {
        let outcome = run(&mut script(workspace, &format!("tests/e2e/{file}"))?);
        // A missed target does not keep the other scripts from running.
        outcome.inspect_err(|error| println!("{error}")).unwrap_or_else(|_| targets_met = false);
    }
    warn_if_busy(load);
    Ok(targets_met)
}

fn script(workspace: &Workspace, file: &str) -> Result<Command> {
    let mut node = workspace.command("node");
    node.arg(workspace.root.join(file)).env("CHROMIUM", tools::browser(workspace)?);
    Ok(node)
}

fn warn_if_busy(load: Option<f64>) {
    if let Some(share) = load.filter(|share| *share > MAX_OTHER_LOAD) {
        println!(
            "Other programs took {:.0} % of the processors: the figures are unreliable, repeat this on an idle machine.\n",
            100.0 * share
        );
    }
}

/// Assembles the benchmark's page in a folder of its own: our front end with and without SIMD, essentia.js and the
/// script that times them.
fn assemble_page(workspace: &Workspace) -> Result<PathBuf> {
    let page = workspace.target.join("bench/page");
    let source = workspace.root.join("benches/browser");
    let essentia = source.join("node_modules/essentia.js/dist");
    for file in ["index.html", "page.mjs"] {
        copy(&source.join(file), &page.join(file))?;
    }
    for file in ["essentia.js-core.es.js", "essentia-wasm.es.js"] {
        copy(&essentia.join(file), &page.join("essentia").join(file))?;
    }
    build_front_end(workspace, &mut workspace.command("cargo"), &workspace.target, &page.join("simd"))?;
    // RUSTFLAGS replaces the flags in .cargo/config.toml. Without simd128, Cargo.toml leaves rustfft's SIMD kernels out
    // too.
    let mut cargo = workspace.command("cargo");
    cargo.env("RUSTFLAGS", "-Ctarget-feature=-simd128");
    build_front_end(workspace, &mut cargo, &workspace.target.join("bench/no-simd"), &page.join("no-simd"))?;
    Ok(page)
}

fn copy(from: &Path, to: &Path) -> Result {
    let failure = |error| format!("{}: {error}", from.display());
    fs::create_dir_all(to.parent().unwrap_or(to)).map_err(failure)?;
    fs::copy(from, to).map(drop).map_err(failure)
}

fn build_front_end(workspace: &Workspace, cargo: &mut Command, target: &Path, module: &Path) -> Result {
    cargo.args(["build", "--locked", "--profile", "web", "--target", "wasm32-unknown-unknown"]);
    cargo.args(["--no-default-features", "--features", "browser-bench", "--bin", "front_end_bench"]);
    run(cargo.arg("--target-dir").arg(target))?;
    let mut bindgen = workspace.command("wasm-bindgen");
    bindgen.args(["--target", "web", "--no-typescript", "--out-dir"]).arg(module);
    run(bindgen.arg(target.join("wasm32-unknown-unknown/web/front_end_bench.wasm")))
}

fn cargo_bench(workspace: &Workspace) -> Command {
    let mut cargo = workspace.command("cargo");
    cargo.args(["bench", "--locked", "--no-default-features", "--bench", "front_end"]);
    cargo
}

fn native_rows(workspace: &Workspace) -> Result<Vec<Row>> {
    let folder = workspace.target.join("bench/criterion");
    // An earlier run may have left a benchmark that has another name by now.
    let _ = fs::remove_dir_all(&folder);
    run(cargo_bench(workspace).env("CRITERION_HOME", &folder).args(["--", "--noplot"]))?;
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut rows: Vec<Row> = entries.flatten().filter_map(|entry| criterion_row(&entry.path().join("new"))).collect();
    rows.sort_by(|a, b| a.what.cmp(&b.what));
    Ok(rows)
}

/// The median in the files that criterion wrote for a benchmark.
fn criterion_row(folder: &Path) -> Option<Row> {
    let json = |file: &str| read_json(&folder.join(file)).ok();
    estimated_row(&json("estimates.json")?, &json("benchmark.json")?, &json("sample.json")?)
}

fn estimated_row(estimates: &Value, benchmark: &Value, sample: &Value) -> Option<Row> {
    let nanoseconds = estimates["median"]["point_estimate"].as_f64()?;
    let what = format!("native: ours, 1 thread, {}", benchmark["full_id"].as_str()?);
    // Each sample is the time of several runs.
    let samples = sample["times"].as_array()?.len();
    Some(Row { key: String::new(), what, runs: samples.to_string(), milliseconds: nanoseconds / 1e6 })
}

fn browser_rows(workspace: &Workspace, page: &Path, front_ends: &Path) -> Result<Vec<Row>> {
    let mut node = script(workspace, "benches/browser/run.mjs")?;
    node.arg(front_ends).arg(COMPARED_FRONT_END).env("GENRELENS_DIST", page);
    parse_rows(&capture(&mut node)?)
}

fn librosa_rows(workspace: &Workspace, front_ends: &Path) -> Result<Vec<Row>> {
    let mut python = workspace.command(tools::python(workspace));
    parse_rows(&capture(python.arg(workspace.root.join("benches/librosa_times.py")).arg(front_ends))?)
}

/// Parses lines of key, description, number of runs and milliseconds, separated by tabs.
fn parse_rows(printed: &str) -> Result<Vec<Row>> {
    printed
        .lines()
        .map(|line| parse_row(line).ok_or_else(|| format!("this line is not a measurement: {line}")))
        .collect()
}

fn parse_row(line: &str) -> Option<Row> {
    let mut fields = line.split('\t').map(str::to_owned);
    let (key, what, runs) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Row { key, what, runs, milliseconds: fields.next()?.parse().ok()? })
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or_default();
    let line = |what: &str, runs: &str, time: &str| format!("| {what:<width$} | {runs:>4} | {time:>9} |\n");
    let head = line("what", "runs", "median ms") + &format!("|{:-<1$}|-----:|----------:|\n", "", width + 2);
    let lines = rows.iter().map(|row| line(&row.what, &row.runs, &format!("{:.2}", row.milliseconds)));
    head + &lines.collect::<String>()
}

/// The figures that have targets, as text, and whether the targets are met.
fn check_targets(rows: &[Row]) -> Result<(String, bool)> {
    let milliseconds_of = |key: &str| {
        let key = format!("{key}/{COMPARED_FRONT_END}");
        let row = rows.iter().find(|row| row.key == key);
        row.map(|row| row.milliseconds).ok_or_else(|| format!("{key} was not measured"))
    };
    let (ours, librosa, essentia, plain) = (
        milliseconds_of("simd")?,
        milliseconds_of("librosa")?,
        milliseconds_of("essentia")?,
        milliseconds_of("no-simd")?,
    );
    let (slower, faster) = (ours / librosa, essentia / ours);
    let lines = format!(
        "2048/512/128, 30 s: browser {ours:.1} ms, librosa native {librosa:.1} ms: {slower:.2} (at most \
         {MAX_LIBROSA_RATIO})\nessentia.js {essentia:.0} ms: {faster:.0} times (at least {MIN_ESSENTIA_SPEEDUP})\n\
         without SIMD {plain:.1} ms: {:.2} times",
        plain / ours
    );
    Ok((lines, slower <= MAX_LIBROSA_RATIO && faster >= MIN_ESSENTIA_SPEEDUP))
}

/// The share of the processors that other programs use; none if the system has no `/proc/stat`.
fn processor_load() -> Option<f64> {
    let before = processor_times(&fs::read_to_string("/proc/stat").ok()?)?;
    thread::sleep(Duration::from_secs(2));
    let after = processor_times(&fs::read_to_string("/proc/stat").ok()?)?;
    Some(1.0 - (after.0 - before.0) / (after.1 - before.1))
}

/// Idle and total time since the start of the machine, in ticks, from the first line of `/proc/stat`.
fn processor_times(stat: &str) -> Option<(f64, f64)> {
    let times = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map(str::parse);
    let times: Vec<f64> = times.collect::<std::result::Result<_, _>>().ok()?;
    // User, nice, system, idle, iowait, irq, softirq, steal; the guest times that follow are parts of user and nice.
    let total = times.get(..8)?.iter().sum();
    Some((times[3] + times[4], total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn measured(simd: f64, librosa: f64, essentia: f64) -> Vec<Row> {
        let times = [("simd", simd), ("librosa", librosa), ("essentia", essentia), ("no-simd", 20.0)];
        let line = |(key, time)| format!("{key}/{COMPARED_FRONT_END}\t{key}\t30\t{time}\n");
        parse_rows(&times.map(line).concat()).unwrap()
    }

    #[test]
    fn parts_run_once_in_their_own_order() {
        let all = [Part::FrontEnd, Part::Training, Part::TrainingRuns, Part::Inference, Part::Page];
        assert_eq!(selected(&[]), all);
        let named = [Part::TrainingRuns, Part::FrontEnd, Part::TrainingRuns];
        assert_eq!(selected(&named), [Part::FrontEnd, Part::TrainingRuns]);
    }

    #[test]
    fn both_targets_have_to_be_met() {
        let targets_met = |simd, librosa, essentia| check_targets(&measured(simd, librosa, essentia)).unwrap().1;
        assert!(targets_met(15.0, 10.0, 750.0));
        assert!(!targets_met(15.1, 10.0, 1000.0));
        assert!(!targets_met(10.0, 10.0, 499.0));
        assert!(check_targets(&[]).is_err());
    }

    #[test]
    fn criterions_files_give_a_row() {
        let estimates = json!({ "mean": { "point_estimate": 1.0 }, "median": { "point_estimate": 4.5e6 } });
        let (benchmark, sample) = (json!({ "full_id": "log-mel" }), json!({ "iters": [1], "times": [1, 2, 3] }));
        let what = "native: ours, 1 thread, log-mel".to_owned();
        let expected = Row { key: String::new(), what, runs: "3".into(), milliseconds: 4.5 };
        assert_eq!(estimated_row(&estimates, &benchmark, &sample), Some(expected));
        assert_eq!(estimated_row(&json!({}), &benchmark, &sample), None);
        assert_eq!(estimated_row(&estimates, &benchmark, &json!({ "times": 3 })), None);
    }

    #[test]
    fn a_line_is_a_row_or_an_error() {
        let expected = Row { key: "a/b".into(), what: "c, d".into(), runs: "3".into(), milliseconds: 1.5 };
        assert_eq!(parse_rows("a/b\tc, d\t3\t1.5\n"), Ok(vec![expected]));
        assert!(parse_rows("warning: something\n").is_err());
    }

    #[test]
    fn the_table_is_as_wide_as_its_widest_row() {
        let text = table(&measured(1.0, 2.0, 3.0));
        assert!(text.lines().all(|line| line.len() == text.lines().next().unwrap().len()), "{text}");
    }

    #[test]
    fn idle_time_is_read_from_the_first_line() {
        let stat = "cpu  10 0 20 60 5 1 2 2 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(processor_times(stat), Some((65.0, 100.0)));
        assert_eq!(processor_times(""), None);
    }
}
