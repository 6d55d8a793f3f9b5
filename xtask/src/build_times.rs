//! How long the steps of a build take, and how much time is therefore left.
//!
//! The times of earlier builds are kept in the cache folder. Until there are any, typical ones are scaled by how this
//! machine did in the steps whose times are known.

use crate::workspace::{Result, read_json};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two lines that tell how much is left.
const INTERVAL: Duration = Duration::from_secs(120);
/// The time of a step that has overrun its estimate, as a share of what it has taken.
const OVERRUN: f64 = 0.25;

/// A step of a build that may take minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Installing the tools.
    Tools,
    /// Compiling the page and its CPU engine, from nothing or after a change.
    Page { first: bool },
    /// Compiling the GPU engine and putting the whole site together, from nothing or after a change.
    GpuEngine { first: bool },
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Tools,
        Self::Page { first: true },
        Self::Page { first: false },
        Self::GpuEngine { first: true },
        Self::GpuEngine { first: false },
    ];

    /// Its name in the file of times.
    fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Page { first: true } => "page from nothing",
            Self::Page { first: false } => "page after a change",
            Self::GpuEngine { first: true } => "GPU engine from nothing",
            Self::GpuEngine { first: false } => "GPU engine after a change",
        }
    }

    /// Seconds on two cores, roughly; scaled once this machine has times of its own.
    fn typical_seconds(self) -> f64 {
        match self {
            Self::Tools => 420.0,
            Self::Page { first: true } => 360.0,
            Self::Page { first: false } => 120.0,
            Self::GpuEngine { first: true } => 900.0,
            Self::GpuEngine { first: false } => 300.0,
        }
    }
}

/// The times of earlier builds, by the names of their steps, in seconds.
pub struct BuildTimes {
    file: PathBuf,
    seconds: Map<String, Value>,
}

impl BuildTimes {
    /// `cache` is a folder that stays between builds. Times that cannot be read are as good as none.
    pub fn in_folder(cache: &Path) -> Self {
        let file = cache.join("build-times.json");
        let seconds = read_json(&file).ok().and_then(|value| value.as_object().cloned()).unwrap_or_default();
        Self { file, seconds }
    }

    fn known(&self, step: Step) -> Option<f64> {
        self.seconds.get(step.name())?.as_f64().filter(|seconds| *seconds > 0.0)
    }

    /// How long a step will take.
    fn estimate(&self, step: Step) -> Duration {
        let seconds = self.known(step).unwrap_or_else(|| step.typical_seconds() * self.pace());
        // A damaged file may hold any number.
        Duration::try_from_secs_f64(seconds).unwrap_or(INTERVAL)
    }

    /// The time of this machine for the steps that are known, as a share of their typical time.
    fn pace(&self) -> f64 {
        let known = Step::ALL.iter().filter_map(|step| Some((self.known(*step)?, step.typical_seconds())));
        let (own, typical) = known.fold((0.0, 0.0), |(own, typical), known| (own + known.0, typical + known.1));
        if typical > 0.0 { own / typical } else { 1.0 }
    }

    fn record(&mut self, step: Step, time: Duration) {
        self.seconds.insert(step.name().to_owned(), time.as_secs_f64().into());
        // Without them the next build tells typical times.
        let _ = fs::write(&self.file, format!("{:#}\n", Value::Object(self.seconds.clone())));
    }

    /// Does a step, with a line every two minutes that tells the time that is left until `goal`, a sentence without a
    /// full stop; `then` are the steps between this one and the goal.
    ///
    /// # Errors
    ///
    /// That of the step.
    pub fn tell<T>(&mut self, step: Step, then: &[Step], goal: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let estimate = self.estimate(step);
        let rest: Duration = then.iter().map(|step| self.estimate(*step)).sum();
        println!("{}", time_left(estimate, Duration::ZERO, rest, goal));
        let start = Instant::now();
        let (ended, waits) = mpsc::channel::<()>();
        let done = thread::scope(|scope| {
            scope.spawn(move || {
                while waits.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    println!("{}", time_left(estimate, start.elapsed(), rest, goal));
                }
            });
            let done = work();
            drop(ended);
            done
        })?;
        self.record(step, start.elapsed());
        Ok(done)
    }
}

/// A line that tells how much time is left: `rest` after the present step, which takes about `estimate`.
fn time_left(estimate: Duration, elapsed: Duration, rest: Duration, goal: &str) -> String {
    match estimate.checked_sub(elapsed) {
        Some(step) => format!("{} left until {goal}.", minutes(step + rest)),
        None => {
            format!("{} left until {goal}: this takes longer than expected.", minutes(elapsed.mul_f64(OVERRUN) + rest))
        }
    }
}

fn minutes(time: Duration) -> String {
    match (time.as_secs() + 30) / 60 {
        0 => "Less than a minute is".into(),
        1 => "About a minute is".into(),
        minutes => format!("About {minutes} minutes are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_time_left_is_told_in_minutes() {
        let line = |estimate: u32, elapsed: u32, rest: u32| {
            time_left(estimate * MINUTE, elapsed * MINUTE, rest * MINUTE, "the page is served")
        };
        assert_eq!(line(3, 0, 10), "About 13 minutes are left until the page is served.");
        assert_eq!(line(3, 2, 0), "About a minute is left until the page is served.");
        assert_eq!(line(3, 3, 0), "Less than a minute is left until the page is served.");
        assert_eq!(
            line(3, 8, 10),
            "About 12 minutes are left until the page is served: this takes longer than expected."
        );
    }

    #[test]
    fn times_are_kept_and_tell_the_pace_of_the_machine() {
        let folder = std::env::temp_dir().join(format!("xtask-times-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let typical = |step: Step| Duration::from_secs_f64(step.typical_seconds());
        let (tools, page, gpu) = (Step::Tools, Step::Page { first: true }, Step::GpuEngine { first: false });
        let mut times = BuildTimes::in_folder(&folder);
        assert_eq!((times.estimate(tools), times.estimate(gpu)), (typical(tools), typical(gpu)));
        times.record(tools, typical(tools) / 2);
        let mut times = BuildTimes::in_folder(&folder);
        assert_eq!((times.estimate(tools), times.estimate(gpu)), (typical(tools) / 2, typical(gpu) / 2), "as fast");
        times.record(page, typical(page) * 3);
        assert_eq!(times.estimate(page), typical(page) * 3);
        for damaged in ["", "[]", "{\"tools\": -1, \"page from nothing\": 1e300}", "{\"tools\": \"x\"}"] {
            fs::write(folder.join("build-times.json"), damaged).unwrap();
            let times = BuildTimes::in_folder(&folder);
            assert!(Step::ALL.iter().all(|step| times.estimate(*step) > Duration::ZERO), "{damaged}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_no_time() {
        let folder = std::env::temp_dir().join(format!("xtask-no-times-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut times = BuildTimes::in_folder(&folder);
        let failed: Result = times.tell(Step::Tools, &[], "it fails", || Err("so it does".into()));
        assert_eq!((failed, times.known(Step::Tools)), (Err("so it does".into()), None));
        assert_eq!(times.tell(Step::Tools, &[], "it is done", || Ok(7)), Ok(7));
        assert!(BuildTimes::in_folder(&folder).seconds.contains_key("tools"));
        fs::remove_dir_all(folder).unwrap();
    }
}
