//! `genrelens inspect`.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args;

use super::output::{printable, shown};
use super::{CliError, weights_file};
use crate::card::Card;
use crate::model::Shape;
use crate::model::registry::{self, ENTRIES};
use crate::model::weights;

#[derive(Args)]
pub(super) struct Arguments {
    /// Weights file
    #[arg(required_unless_present_any = ["all", "table"], conflicts_with_all = ["all", "table"])]
    file: Option<PathBuf>,
    /// Show every network that the program knows, with the parameter count of its paper's configuration
    #[arg(long, conflicts_with = "table")]
    all: bool,
    /// Show the cards of a folder of weights as a Markdown table
    #[arg(long)]
    table: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    match (&arguments.file, &arguments.table) {
        (Some(path), _) => file(path),
        (None, Some(folder)) => table(folder),
        (None, None) => {
            all();
            Ok(())
        }
    }
}

fn table(folder: &Path) -> Result<(), CliError> {
    let read = std::fs::read_dir(folder).map_err(|source| CliError::File { path: folder.to_owned(), source })?;
    let mut files: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    files.sort();
    println!(
        "| network | architecture | parameters | kB | accuracy (95 %) | balanced | epochs | s per epoch | min in total | reported by its paper |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for path in files {
        let (card, bytes) = weights_file(Some(&path))?;
        let size = bytes.len() / 1000;
        let network = weights::from_bytes(bytes, &card, &Device::flex()).map_err(|e| CliError::content(&path, e))?;
        let entry = registry::entry(&card.architecture).map_err(|error| CliError::content(&path, error))?;
        let figure = |name: &str, digits: usize| {
            card.figures.get(name).map_or("–".to_owned(), |figure| format!("{figure:.digits$}"))
        };
        let interval = match card.figures.get("valid_song_accuracy_low") {
            Some(_) => format!(" ({}–{})", figure("valid_song_accuracy_low", 2), figure("valid_song_accuracy_high", 2)),
            None => String::new(),
        };
        let all = card.figures.get("epochs").zip(card.figures.get("seconds_per_epoch"));
        let minutes = all.map_or("–".to_owned(), |(epochs, seconds)| format!("{:.0}", epochs * seconds / 60.0));
        println!(
            "| `{}` | `{}` | {} | {size} | {}{interval} | {} | {} | {} | {minutes} | {} |",
            shown(&card.name),
            card.architecture,
            grouped(network.parameters()),
            figure("valid_song_accuracy", 3),
            figure("valid_song_balanced_accuracy", 3),
            figure("epochs", 0),
            figure("seconds_per_epoch", 1),
            entry.reported,
        );
    }
    Ok(())
}

fn all() {
    for entry in ENTRIES {
        let blueprint = entry.documented();
        let Shape { bands, frames, classes } = blueprint.build.shape;
        let network = blueprint.init(&Device::flex());
        println!("{}  {} parameters", entry.id, grouped(network.parameters()));
        println!("  input {bands} bands x {frames} frames, {classes} classes");
        println!("  {}\n  {}", entry.summary, entry.source);
        if !entry.reported.is_empty() {
            println!("  reported by the paper: {}", entry.reported);
        }
        println!();
    }
}

fn file(path: &Path) -> Result<(), CliError> {
    let (card, bytes) = weights_file(Some(path))?;
    let network = weights::from_bytes(bytes, &card, &Device::flex()).map_err(|e| CliError::content(path, e))?;
    let entry = registry::entry(&card.architecture).map_err(|error| CliError::content(path, error))?;
    print!("{}", printable(&card_text(&card)));
    println!("source        {}", entry.source);
    println!("\nlayers");
    for (name, shape) in network.layers() {
        println!("  {name:28}{:20}{:>12}", format!("{shape:?}"), grouped(shape.iter().product()));
    }
    println!("  {:48}{:>12}", "trainable parameters", grouped(network.parameters()));
    let documented = entry.documented().init(&Device::flex()).parameters();
    println!("\nthe paper's configuration has {} parameters", grouped(documented));
    Ok(())
}

fn card_text(card: &Card) -> String {
    let one = |text: &String| shown(text);
    let labels: Vec<String> = card.labels.iter().map(one).collect();
    let mut text = format!("name          {}\nsummary       {}\n", one(&card.name), one(&card.summary));
    text += &format!("architecture  {}\n", one(&card.architecture));
    let input = format!("{} bands x {} frames, front end {}", card.bands, card.frames, one(&card.front_end));
    text += &format!("input         {input}\nlabels        {}\n", labels.join(", "));
    text += &format!(
        "data          {}\nlicence       {}\nsha256        {}\n",
        one(&card.data),
        one(&card.licence),
        one(&card.sha256)
    );
    for (name, figure) in &card.figures {
        text += &format!("{:30}{figure}\n", one(name));
    }
    if !card.recipe.is_empty() {
        text += &format!("recipe        {}\n", card.recipe);
    }
    text
}

/// 1001162 as `1 001 162`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(super::grouped(1_001_162), "1 001 162");
        assert_eq!(super::grouped(64), "64");
    }
}
