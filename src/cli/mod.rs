//! The native command line: trains, evaluates, classifies and inspects with the same code as the page.

mod classify;
mod crossval;
mod curves;
mod data;
mod ensemble;
mod evaluate;
mod features;
mod heads;
mod index;
mod inspect;
mod left_out;
mod output;
mod parallel;
mod pretrained;
mod recipe_file;
mod svg;
mod train;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::{Parser, Subcommand};

use crate::card::{Backbone, Card};
use crate::model::Loaded;
use crate::model::weights;

/// The network that classifies if none is named and [`BEST_MODEL`] is absent.
const DEFAULT_MODEL: &[u8] = include_bytes!("../../model-weights/scratch-best.safetensors");

/// The network that classifies if none is named: more accurate, but its backbones are not in the repository.
const BEST_MODEL: &str = "model-weights/genre-head.safetensors";

#[derive(Parser)]
#[command(name = "genrelens", version, about = "Classifies the genre of music; trains the networks that do.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one command a process")]
enum Command {
    /// Classify the genres of recordings.
    Classify(classify::Arguments),
    /// Train a network on log-mel features or audio.
    Train(train::Arguments),
    /// Cross-validate: evaluate every song with a network that was not trained on it.
    Crossval(crossval::Arguments),
    /// Compare networks and their ensembles by the predictions that cross-validations kept.
    Ensemble(ensemble::Arguments),
    /// Evaluate a network on labelled features or audio.
    Evaluate(evaluate::Arguments),
    /// Write a recording's mel-spectrogram or cepstral coefficients as a NumPy file.
    Features(features::Arguments),
    /// Show a weights file, or every network that the program knows.
    Inspect(inspect::Arguments),
}

/// Anything that ends a command.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file with unexpected content; the message says what was expected and what was found.
    #[error("{}: {message}", path.display())]
    Content { path: PathBuf, message: String },
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(String),
    /// Some of the files could not be classified; the error of each is printed already.
    #[error("{failed} of {all} files could not be classified")]
    Partly { failed: usize, all: usize },
}

impl CliError {
    fn content(path: &Path, message: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), message: message.to_string() }
    }
}

/// Runs the command line of this process and gives its exit code.
pub fn main() -> std::process::ExitCode {
    end_on_closed_pipe();
    let result = match Arguments::parse().command {
        Command::Classify(arguments) => classify::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Crossval(arguments) => crossval::run(&arguments),
        Command::Ensemble(arguments) => ensemble::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Features(arguments) => features::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            output::warn(&error.to_string());
            std::process::ExitCode::FAILURE
        }
    }
}

/// Ends the program quietly if nobody reads its output any more, as in `genrelens inspect --all | head`. Rust ignores the
/// signal SIGPIPE, which ends other programs, and would panic on the next line that it prints.
fn end_on_closed_pipe() {
    #[cfg(unix)]
    #[allow(unsafe_code, reason = "the standard library has no stable way to do this")]
    // SAFETY: no other thread runs and no handler is installed yet; the signal only gets its default action back.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// The engine of this build: CUDA or Vulkan if it was built in, otherwise the CPU.
fn device() -> Device {
    #[cfg(feature = "cuda")]
    return Device::cuda(0);
    #[cfg(all(feature = "vulkan", not(feature = "cuda")))]
    return Device::vulkan(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(not(any(feature = "cuda", feature = "vulkan")))]
    Device::flex()
}

fn open(path: &Path) -> Result<std::fs::File, CliError> {
    std::fs::File::open(path).map_err(|source| CliError::File { path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|source| CliError::File { path: path.to_owned(), source })
}

/// The card and the bytes of a weights file, or of the built-in one. A card beside the file (`.json`) takes precedence over
/// the one inside it, because it also states the SHA-256.
fn weights_file(path: Option<&Path>) -> Result<(Card, Vec<u8>), CliError> {
    let Some(path) = path else {
        let card = weights::embedded_card(DEFAULT_MODEL).map_err(|error| CliError::Usage(error.to_string()))?;
        return Ok((card, DEFAULT_MODEL.to_vec()));
    };
    let bytes = read(path)?;
    let beside = path.with_extension("json");
    let card = match std::fs::read(&beside) {
        Ok(json) => serde_json::from_slice(&json).map_err(|error| CliError::content(&beside, error))?,
        Err(_) => weights::embedded_card(&bytes).map_err(|error| CliError::content(path, error))?,
    };
    Ok((card, bytes))
}

/// The network that classifies if none is named: the head on MusiCNN in the current folder's `model-weights/` if that and
/// MusiCNN are there, otherwise the built-in one.
fn load_default() -> Result<Loaded, CliError> {
    let head = Path::new(BEST_MODEL);
    let card = std::fs::read(head.with_extension("json")).ok();
    let backbones = card.and_then(|json| serde_json::from_slice::<Card>(&json).ok()).map(|card| card.backbones);
    let there = |backbone: &Backbone| head.with_file_name(format!("{}.safetensors", backbone.name)).exists();
    let complete = head.exists() && backbones.is_some_and(|backbones| backbones.iter().all(there));
    load(complete.then_some(head))
}

/// A network from a weights file, or the built-in one. Its backbones are looked for beside it, by name.
fn load(path: Option<&Path>) -> Result<Loaded, CliError> {
    let (card, bytes) = weights_file(path)?;
    let name = path.unwrap_or(Path::new("the built-in network"));
    let backbones = card.backbones.iter().map(|backbone| load_backbone(name, &backbone.name));
    let backbones = backbones.collect::<Result<Vec<_>, _>>()?;
    Loaded::new(bytes, card, &backbones, &device()).map_err(|error| CliError::content(name, error))
}

/// The backbone of this name of a head, which has none of its own: a card that names itself would lead round in a circle.
fn load_backbone(head: &Path, name: &str) -> Result<Loaded, CliError> {
    let file = head.with_file_name(format!("{name}.safetensors"));
    if !file.exists() {
        let message = format!("needs the backbone '{name}', which is not beside it; `cargo xtask weights` fetches it");
        return Err(CliError::content(head, message));
    }
    let (card, bytes) = weights_file(Some(&file))?;
    if !card.backbones.is_empty() {
        return Err(CliError::content(
            head,
            format!("its backbone '{name}' is a head, which has backbones of its own"),
        ));
    }
    Loaded::new(bytes, card, &[], &device()).map_err(|error| CliError::content(&file, error))
}
