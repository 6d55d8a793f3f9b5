//! `cargo xtask test`: runs the stages, the cheapest first, and prints a summary.

use crate::selection::{self, Selected};
use crate::stages::{Outcome, Request, Stage};
use crate::workspace::{Result, Workspace};
use clap::Args;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// The stages or groups of stages to run, all if none is named; test files or filters follow their stage
    #[arg(value_name = "STAGE")]
    pub words: Vec<String>,
    /// Go on after a stage that fails
    #[arg(long)]
    pub keep_going: bool,
    /// Print the stages instead of running them
    #[arg(long)]
    pub list: bool,
}

const AFTER_HELP: &str = "\
Examples:
  cargo xtask test native              the stages of one group
  cargo xtask test unit mel            tests with `mel` in their names
  cargo xtask test wasm-pack dom       one test file in the browser
  cargo xtask test playwright first    one test file of the built page, tests/e2e/first.test.mjs";

pub fn command(workspace: &mut Workspace, options: &Options) -> Result<ExitCode> {
    let selected = selection::select(&options.words)?;
    selection::check_files(workspace, &selected)?;
    if options.list {
        selected.iter().for_each(|(stage, _)| println!("{:<12} {:<8} {}", stage.name, stage.group, stage.about));
        return Ok(ExitCode::SUCCESS);
    }
    println!("Compiled files: {}", workspace.target.display());
    crate::weights::if_possible(workspace);
    let results = run_all(workspace, &selected, options.keep_going);
    println!("\n{}", summary(&results));
    let failed = results.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Name, outcome and duration of each stage.
type Results = Vec<(&'static str, Outcome, Duration)>;

fn run_all(workspace: &mut Workspace, selected: &[Selected], keep_going: bool) -> Results {
    let mut results = Results::new();
    for (stage, request) in selected {
        let stop = !keep_going && results.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
        // Stages that did not run stay in the summary, so that nobody takes it for a complete run.
        if stop {
            results.push((stage.name, Outcome::NotRun, Duration::ZERO));
            continue;
        }
        println!("\n=== {}: {}", stage.name, stage.about);
        let start = Instant::now();
        let outcome = run_one(workspace, stage, request, &results);
        let time = start.elapsed();
        println!("=== {}: {} in {}", stage.name, describe(&outcome), clock(time));
        results.push((stage.name, outcome, time));
    }
    results
}

fn run_one(workspace: &mut Workspace, stage: &Stage, request: &Request, earlier: &Results) -> Outcome {
    let prerequisite = earlier.iter().find(|(name, _, _)| Some(*name) == stage.after);
    if let Some((name, Outcome::Failed(_), _)) = prerequisite {
        return Outcome::Failed(format!("there is nothing to test: {name} failed"));
    }
    (stage.run)(workspace, request).unwrap_or_else(Outcome::Failed)
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passed".into(),
        Outcome::Skipped(reason) => format!("SKIPPED, {reason}"),
        Outcome::Failed(reason) => format!("FAILED, {reason}"),
        Outcome::NotRun => "not run".into(),
    }
}

fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

fn summary(results: &Results) -> String {
    let mut text = String::new();
    for (name, outcome, time) in results {
        let _ = writeln!(text, "{name:<12} {:>6}  {}", clock(*time), describe(outcome));
    }
    let total = clock(results.iter().map(|(_, _, time)| *time).sum());
    let _ = writeln!(text, "{:<12} {total:>6}", "together");
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|(_, outcome, _)| wanted(outcome)).count();
    let passed = count(|outcome| *outcome == Outcome::Passed);
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_) | Outcome::NotRun));
    let _ = write!(text, "\nstages: {passed} passed, {failed} failed, {skipped} skipped");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::STAGES;

    #[test]
    fn the_summary_ends_with_the_counts() {
        let results = vec![
            ("fmt", Outcome::Passed, Duration::from_secs(2)),
            ("deny", Outcome::Skipped("no tool".into()), Duration::ZERO),
            ("unit", Outcome::Failed("broken".into()), Duration::from_secs(61)),
            ("dist", Outcome::NotRun, Duration::ZERO),
        ];
        let text = summary(&results);
        assert!(text.contains("unit           1:01  FAILED, broken"), "{text}");
        assert!(text.contains("together       1:03"), "{text}");
        assert_eq!(text.lines().last(), Some("stages: 1 passed, 1 failed, 2 skipped"));
    }

    #[test]
    fn a_stage_fails_with_its_prerequisite() {
        let mut workspace = Workspace::find().unwrap();
        let earlier = vec![("dist", Outcome::Failed("x".into()), Duration::ZERO)];
        let stage = STAGES.iter().find(|stage| stage.name == "playwright").unwrap();
        assert!(matches!(run_one(&mut workspace, stage, &Request::default(), &earlier), Outcome::Failed(_)));
    }
}
