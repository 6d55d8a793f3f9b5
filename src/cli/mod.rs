//! The native command line: trains, evaluates, classifies and inspects with the same code as the page.

mod classify;
mod crossval;
mod curves;
mod data;
mod evaluate;
mod features;
mod heads;
mod inspect;
mod recipe_file;
mod train;
mod trunk;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::{Parser, Subcommand};

use crate::card::{Backbone, Card};
use crate::model::Loaded;
use crate::model::weights;

/// The network that classifies where none is named.
const DEFAULT_MODEL: &[u8] = include_bytes!("../../model-weights/scratch-best.safetensors");

/// What goes before it where it is there.
const BEST_MODEL: &str = "model-weights/genre-head.safetensors";

#[derive(Parser)]
#[command(name = "genrelens", version, about = "InputKind a song and names its genre; trains the networks that do.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one command a process")]
enum Command {
    /// Name the genres of recordings.
    Classify(classify::Arguments),
    /// Train a network on log-mel features or audio.
    Train(train::Arguments),
    /// Train and measure several times over, each song being judged by a network that never heard it.
    Crossval(crossval::Arguments),
    /// Measure a network on labelled features or audio.
    Evaluate(evaluate::Arguments),
    /// Write a recording's mel-spectrogram or cepstral coefficients as a NumPy file.
    Features(features::Arguments),
    /// Show a weights file, or every network the program knows.
    Inspect(inspect::Arguments),
}

/// Anything that ends a command.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        message: String,
    },
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(String),
    /// Some of the files could not be classified; each was told.
    #[error("{failed} of {all} files could not be classified")]
    Partly {
        /// How many failed.
        failed: usize,
        /// How many there were.
        all: usize,
    },
}

impl CliError {
    fn content(path: &Path, message: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), message: message.to_string() }
    }
}

/// Runs the command line of this process and gives its exit code.
pub fn main() -> std::process::ExitCode {
    end_with_the_reader();
    let result = match Arguments::parse().command {
        Command::Classify(arguments) => classify::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Crossval(arguments) => crossval::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Features(arguments) => features::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("genrelens: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// Ends the program quietly where nobody reads its output any more, as in `genrelens inspect --all | head`. Rust ignores the
/// signal that other programs end by, and would panic on the next line.
fn end_with_the_reader() {
    #[cfg(unix)]
    #[allow(unsafe_code, reason = "the standard library has no stable way to do this")]
    // SAFETY: before any other thread or handler of this program is there, a signal gets its default action back.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// The engine of this build: CUDA or Vulkan where it was built in, otherwise the CPU.
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

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|source| CliError::File { path: path.to_owned(), source })
}

/// The card and the bytes of a weights file, or of the built-in one. A card beside the file (`.json`) goes before the
/// one inside it: it also states the SHA-256.
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

/// The network that classifies where none is named: the head on MusiCNN of the current folder's `model-weights/`, where
/// that and MusiCNN are there, and the built-in one otherwise.
fn load_default() -> Result<Loaded, CliError> {
    let head = Path::new(BEST_MODEL);
    let card = std::fs::read(head.with_extension("json")).ok();
    let backbones = card.and_then(|json| serde_json::from_slice::<Card>(&json).ok()).map(|card| card.backbones);
    let there = |backbone: &Backbone| head.with_file_name(format!("{}.safetensors", backbone.name)).exists();
    let complete = head.exists() && backbones.is_some_and(|backbones| backbones.iter().all(there));
    load(complete.then_some(head))
}

/// A weights file in use, or the built-in one. What it listens through is looked for beside it, by name.
fn load(path: Option<&Path>) -> Result<Loaded, CliError> {
    let (card, bytes) = weights_file(path)?;
    let name = path.unwrap_or(Path::new("the built-in network"));
    let mut backbones = Vec::new();
    for backbone in &card.backbones {
        let file = name.with_file_name(format!("{}.safetensors", backbone.name));
        if !file.exists() {
            let message = format!(
                "listens through '{}', which is not beside it; `cargo xtask weights` fetches it",
                backbone.name
            );
            return Err(CliError::content(name, message));
        }
        backbones.push(load(Some(&file))?);
    }
    Loaded::new(bytes, card, &backbones, &device()).map_err(|error| CliError::content(name, error))
}
