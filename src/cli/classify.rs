//! `genrelens classify`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::output::{json_line, printable, shown, warn};
use super::parallel::in_order;
use super::{CliError, load, load_default, open};
use crate::audio_pipeline::AudioPipeline;
use crate::engine::classify::classify;
use crate::engine::{EngineError, Host};
use crate::model::Loaded;
use crate::protocol::{Coverage, Event, Payload, Prediction, QuickLook, Score};
use crate::view::classify::tag_words::{self, Family, Heard};
use crate::view::format::percent;

/// The most probable tags that are printed.
const TAGS_SHOWN: usize = 8;

#[derive(Args)]
pub(super) struct Arguments {
    /// Recordings: WAV, AU, AIFF, FLAC, MP3, AAC, M4A
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Weights file; if not given, model-weights/genre-head.safetensors with MusiCNN if both are there, otherwise the
    /// built-in network
    #[arg(long)]
    model: Option<PathBuf>,
    /// Hear a minute that is spread over each recording, not all of it
    #[arg(long)]
    quick_look: bool,
    /// Print one JSON object per file, one per line
    #[arg(long)]
    json: bool,
}

/// The JSON object of one file.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    genres: BTreeMap<&'a str, f32>,
    windows: usize,
    /// Seconds of the recording that were heard, if it was not heard whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_seconds: Option<f64>,
    /// The song's probabilities by network, then by tag.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, BTreeMap<&'a str, f32>>,
    /// What stands out among MusiCNN's tags, as a sentence and by family, the strongest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    sounds_like: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    families: BTreeMap<Family, Vec<Heard>>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let loaded = match &arguments.model {
        Some(path) => load(Some(path))?,
        None => load_default()?,
    };
    let coverage = if arguments.quick_look { Coverage::QuickLook } else { Coverage::Whole };
    let mut failed = 0;
    let work = |path| {
        let mut terminal = Terminal::default();
        (path, prediction(path, coverage, &loaded, &mut terminal), terminal.warnings)
    };
    in_order(arguments.files.iter().map(PathBuf::as_path), work, |(path, prediction, warnings)| {
        warnings.iter().for_each(|message| warn(&format!("{}: {message}", path.display())));
        match prediction {
            Ok(prediction) if arguments.json => println!("{}", json(path, &prediction)?),
            Ok(prediction) => print!("{}", printable(&text(path, &prediction))),
            // One bad file does not stop the others.
            Err(error) => {
                failed += 1;
                warn(&error.to_string());
            }
        }
        Ok(())
    })?;
    if failed > 0 { Err(CliError::Partly { failed, all: arguments.files.len() }) } else { Ok(()) }
}

fn prediction(
    path: &Path,
    coverage: Coverage,
    loaded: &Loaded,
    terminal: &mut Terminal,
) -> Result<Prediction, CliError> {
    let named = |error: EngineError| CliError::content(path, error);
    let pipeline = AudioPipeline::open(open(path)?, loaded.front_end()).map_err(|error| named(error.into()))?;
    pollster::block_on(classify(pipeline, coverage, loaded, terminal)).map_err(named)
}

/// Keeps the warnings about a recording, which are printed with its result.
#[derive(Default)]
struct Terminal {
    warnings: Vec<String>,
}

impl Host for Terminal {
    fn send(&mut self, event: Event, _payload: Payload) {
        if let Event::Warning { message } = event {
            self.warnings.push(message);
        }
    }

    fn cancelled(&self) -> bool {
        false
    }

    async fn pause(&mut self) {}

    fn now_milliseconds(&self) -> f64 {
        0.0
    }
}

fn json(path: &Path, prediction: &Prediction) -> Result<String, CliError> {
    let families = tag_words::heard(&prediction.tags);
    let line = Line {
        file: path.display().to_string(),
        genres: scores(&prediction.genres),
        windows: prediction.windows.len(),
        heard_seconds: prediction.quick_look.map(|look| look.heard_seconds),
        tags: prediction.tags.iter().map(|tags| (tags.model.as_str(), scores(&tags.tags))).collect(),
        sounds_like: prediction.tags.iter().any(tag_words::knows).then(|| tag_words::sounds_like(&families)),
        families: families.into_iter().collect(),
    };
    json_line(&line)
}

fn scores(scores: &[Score]) -> BTreeMap<&str, f32> {
    scores.iter().map(|score| (score.label.as_str(), score.probability)).collect()
}

fn text(path: &Path, prediction: &Prediction) -> String {
    let (file, model) = (shown(&path.display().to_string()), shown(&prediction.model));
    let look = prediction.quick_look.map_or_else(String::new, |QuickLook { heard_seconds, duration_seconds }| {
        format!("quick look at {heard_seconds:.0} of {duration_seconds:.0} s, ")
    });
    let mut text = format!("{file} ({look}{} windows, {model})\n", prediction.windows.len());
    let most = if prediction.multi_label { TAGS_SHOWN } else { prediction.genres.len() };
    for score in prediction.genres.iter().take(most) {
        let bar = "#".repeat((score.probability * 40.0).round() as usize);
        text += &format!("  {:18}{:5.1} %  {bar}\n", shown(&score.label), score.probability * 100.0);
    }
    if prediction.tags.iter().any(tag_words::knows) {
        let families = tag_words::heard(&prediction.tags);
        text += &format!("  {}\n", tag_words::sounds_like(&families));
        for (family, words) in families {
            let percentile = |word: &Heard| format!("{} {}", word.label(), percent(word.percentile()));
            text += &format!("    {family}: {}\n", words.iter().map(percentile).collect::<Vec<_>>().join(", "));
        }
    }
    for tags in prediction.tags.iter().filter(|tags| !tag_words::knows(tags)) {
        let percent = |score: &Score| format!("{} {:.0} %", shown(&score.label), score.probability * 100.0);
        let first: Vec<String> = tags.tags.iter().take(TAGS_SHOWN).map(percent).collect();
        text += &format!("  tags of {}: {}\n", shown(&tags.model), first.join(", "));
    }
    text
}
