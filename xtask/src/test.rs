//! `cargo xtask test`: every check, the cheapest first, and what came of them.

use crate::stages::{Asked, Outcome, STAGES, Stage};
use crate::workspace::{Result, Workspace};
use clap::Args;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
pub struct Options {
    /// The stages or groups of stages to run; all of them if none is named
    #[arg(value_name = "STAGE")]
    pub words: Vec<String>,
    /// Go on after a stage that fails
    #[arg(long)]
    pub keep_going: bool,
    /// Print the stages instead of running them
    #[arg(long)]
    pub list: bool,
}

pub fn command(workspace: &mut Workspace, options: &Options) -> Result<ExitCode> {
    let stages = select(&options.words)?;
    if options.list {
        stages.iter().for_each(|stage| println!("{:<12} {:<8} {}", stage.name, stage.group, stage.about));
        return Ok(ExitCode::SUCCESS);
    }
    println!("Compiled files: {}", workspace.target.display());
    crate::weights::if_possible(workspace);
    let results = run_all(workspace, &stages, &options.words, options.keep_going);
    println!("\n{}", summary(&results));
    let failed = results.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The stages of those names and groups, in the order they run; all of them where none is named.
fn select(names: &[String]) -> Result<Vec<&'static Stage>> {
    let matches = |stage: &Stage, name: &str| stage.name == name || stage.group == name;
    if let Some(unknown) = names.iter().find(|name| !STAGES.iter().any(|stage| matches(stage, name))) {
        let known: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        return Err(format!("there is no stage `{unknown}`: native, browser and e2e, or {}", known.join(", ")));
    }
    let chosen = |stage: &&Stage| names.is_empty() || names.iter().any(|name| matches(stage, name));
    Ok(STAGES.iter().filter(chosen).collect())
}

type Results = Vec<(&'static str, Outcome, Duration)>;

fn run_all(workspace: &mut Workspace, stages: &[&'static Stage], names: &[String], keep_going: bool) -> Results {
    let mut results = Results::new();
    for stage in stages {
        let stop = !keep_going && results.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)));
        if stop {
            results.push((stage.name, Outcome::NotRun, Duration::ZERO));
            continue;
        }
        println!("\n=== {}: {}", stage.name, stage.about);
        let start = Instant::now();
        let asked = Asked(names.iter().any(|name| *name == stage.name));
        let outcome = run_one(workspace, stage, &results, asked);
        let time = start.elapsed();
        println!("=== {}: {} in {}", stage.name, told(&outcome), clock(time));
        results.push((stage.name, outcome, time));
    }
    results
}

fn run_one(workspace: &mut Workspace, stage: &Stage, before: &Results, asked: Asked) -> Outcome {
    let ground = before.iter().find(|(name, _, _)| Some(*name) == stage.after);
    if let Some((name, Outcome::Failed(_), _)) = ground {
        return Outcome::Failed(format!("there is nothing to test: {name} failed"));
    }
    (stage.run)(workspace, asked).unwrap_or_else(Outcome::Failed)
}

fn told(outcome: &Outcome) -> String {
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
        let _ = writeln!(text, "{name:<12} {:>6}  {}", clock(*time), told(outcome));
    }
    let total = clock(results.iter().map(|(_, _, time)| *time).sum());
    let _ = writeln!(text, "{:<12} {total:>6}", "together");
    let count = |wanted: fn(&Outcome) -> bool| results.iter().filter(|(_, outcome, _)| wanted(outcome)).count();
    let passed = count(|outcome| *outcome == Outcome::Passed);
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_) | Outcome::NotRun));
    let _ = write!(text, "\n{passed} passed, {failed} failed, {skipped} skipped");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &[&str]) -> Result<Vec<&'static str>> {
        let words: Vec<String> = chosen.iter().map(|word| (*word).to_owned()).collect();
        Ok(select(&words)?.iter().map(|stage| stage.name).collect())
    }

    #[test]
    fn stages_are_chosen_by_name_and_group_in_their_order() {
        assert_eq!(names(&[]).map(|all| all.len()), Ok(STAGES.len()));
        assert_eq!(names(&["e2e", "fmt"]), Ok(vec!["fmt", "dist", "playwright"]));
        assert_eq!(names(&["browser"]), Ok(vec!["wasm-clippy", "wasm-pack"]));
        assert!(names(&["units"]).is_err());
    }

    #[test]
    fn the_summary_ends_in_a_line_that_counts() {
        let results = vec![
            ("fmt", Outcome::Passed, Duration::from_secs(2)),
            ("deny", Outcome::Skipped("no tool".into()), Duration::ZERO),
            ("unit", Outcome::Failed("broken".into()), Duration::from_secs(61)),
            ("dist", Outcome::NotRun, Duration::ZERO),
        ];
        let text = summary(&results);
        assert!(text.contains("unit           1:01  FAILED, broken"), "{text}");
        assert!(text.contains("together       1:03"), "{text}");
        assert_eq!(text.lines().last(), Some("1 passed, 1 failed, 2 skipped"));
    }

    #[test]
    fn a_stage_fails_with_the_one_it_stands_on() {
        let mut workspace = Workspace::find().unwrap();
        let before = vec![("dist", Outcome::Failed("x".into()), Duration::ZERO)];
        let stage = STAGES.iter().find(|stage| stage.name == "playwright").unwrap();
        assert!(matches!(run_one(&mut workspace, stage, &before, Asked(false)), Outcome::Failed(_)));
    }
}
