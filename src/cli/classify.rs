//! `genrelens classify`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{CliError, load, open};
use crate::card::Card;
use crate::engine::{Host, classify, front_end};
use crate::hearing::Hearing;
use crate::model::Network;
use crate::protocol::{Event, Payload, Prediction};

#[derive(Args)]
pub struct Arguments {
    /// Recordings: WAV, AU, AIFF, FLAC, MP3, AAC, M4A
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Weights file; the built-in network where not given
    #[arg(long)]
    model: Option<PathBuf>,
    /// Print one JSON object a line and file
    #[arg(long)]
    json: bool,
}

/// The JSON object of one file.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    genres: BTreeMap<&'a str, f32>,
    windows: usize,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let (card, network) = load(arguments.model.as_deref())?;
    let mut failed = 0;
    for path in &arguments.files {
        match prediction(path, &card, &network) {
            Ok(prediction) if arguments.json => println!("{}", json(path, &prediction)?),
            Ok(prediction) => print!("{}", text(path, &prediction)),
            // One bad file does not lose the others' answers.
            Err(error) => {
                failed += 1;
                eprintln!("genrelens: {error}");
            }
        }
    }
    if failed > 0 { Err(CliError::Partly { failed, all: arguments.files.len() }) } else { Ok(()) }
}

fn prediction(path: &Path, card: &Card, network: &Network) -> Result<Prediction, CliError> {
    let told = |error: crate::engine::EngineError| CliError::content(path, error);
    let front_end = front_end(card).map_err(told)?;
    let hearing = Hearing::open(open(path)?, front_end).map_err(|error| told(error.into()))?;
    pollster::block_on(classify(hearing, card, network, &mut Terminal { path })).map_err(told)
}

/// Tells warnings, and nothing else.
struct Terminal<'a> {
    path: &'a Path,
}

impl Host for Terminal<'_> {
    fn send(&mut self, event: Event, _payload: Payload) {
        if let Event::Warning { message } = event {
            eprintln!("genrelens: {}: {message}", self.path.display());
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
    let line = Line {
        file: path.display().to_string(),
        genres: prediction.genres.iter().map(|score| (score.label.as_str(), score.probability)).collect(),
        windows: prediction.windows.len(),
    };
    serde_json::to_string(&line).map_err(|error| CliError::content(path, error))
}

fn text(path: &Path, prediction: &Prediction) -> String {
    let mut text = format!("{} ({} windows, {})\n", path.display(), prediction.windows.len(), prediction.model);
    for score in &prediction.genres {
        let bar = "#".repeat((score.probability * 40.0).round() as usize);
        text += &format!("  {:12}{:5.1} %  {bar}\n", score.label, score.probability * 100.0);
    }
    text
}
