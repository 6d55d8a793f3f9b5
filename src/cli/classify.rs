//! `genrelens classify`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{CliError, load, read};
use crate::card::Card;
use crate::engine::{Quiet, classify};
use crate::model::Network;
use crate::protocol::Prediction;

#[derive(Args)]
pub struct Arguments {
    /// WAV files
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
    let bytes = read(path)?;
    pollster::block_on(classify(&bytes, card, network, &mut Quiet)).map_err(|error| CliError::content(path, error))
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
