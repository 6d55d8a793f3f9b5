//! `genrelens evaluate`.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, data, load, open};
use crate::card::Card;
use crate::engine::hear;
use crate::train::fit::validate;
use crate::train::metrics::Metrics;
use crate::train::set::{LabelledSet, Song};

#[derive(Args)]
pub struct Arguments {
    /// Weights file; the built-in network where not given
    #[arg(long)]
    model: Option<PathBuf>,
    /// Folder with features.npy and index.csv
    #[arg(long, required_unless_present = "audio", conflicts_with = "audio")]
    features: Option<PathBuf>,
    /// Folder with index.csv and <genre>/<track>.wav
    #[arg(long)]
    audio: Option<PathBuf>,
    /// Split of the index to measure on
    #[arg(long)]
    split: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let (card, network) = load(arguments.model.as_deref())?;
    let set = songs(arguments, &card)?;
    let set = with_labels_of(&card, set)?;
    let (_, metrics) = pollster::block_on(validate(&network, card.shape(), &set))
        .map_err(|error| CliError::Usage(format!("the engine failed ({error})")))?;
    if arguments.json {
        let json = serde_json::to_string(&metrics).map_err(|error| CliError::Usage(error.to_string()))?;
        println!("{json}");
    } else {
        print!("{}", report(&metrics));
    }
    Ok(())
}

fn songs(arguments: &Arguments, card: &Card) -> Result<LabelledSet, CliError> {
    match (&arguments.features, &arguments.audio) {
        (Some(folder), _) => data::from_features(folder, &arguments.split),
        (None, Some(folder)) => {
            let data::AudioFiles { labels, files } = data::audio_files(folder, &arguments.split)?;
            let song = |(path, label): &(PathBuf, usize)| -> Result<Song, CliError> {
                let segments = hear(open(path)?, card).map_err(|error| CliError::content(path, error))?;
                Ok(Song { name: path.display().to_string(), label: *label, segments })
            };
            let songs = files.iter().map(song).collect::<Result<_, _>>()?;
            Ok(LabelledSet { labels, songs })
        }
        (None, None) => Err(CliError::Usage("name a folder with --features or --audio".to_owned())),
    }
}

/// The set with its labels numbered as the network numbers them.
fn with_labels_of(card: &Card, set: LabelledSet) -> Result<LabelledSet, CliError> {
    let LabelledSet { labels, mut songs } = set;
    for song in &mut songs {
        let label = &labels[song.label];
        let place = card.labels.iter().position(|known| known == label);
        song.label = place.ok_or_else(|| {
            CliError::Usage(format!("the set has the genre '{label}'; the network knows {}", card.labels.join(", ")))
        })?;
        let bands = song.segments.first().map_or(card.bands, |segment| segment.bands);
        if bands != card.bands {
            let expected = card.bands;
            return Err(CliError::Usage(format!("the network hears {expected} mel bands, the set has {bands}")));
        }
    }
    Ok(LabelledSet { labels: card.labels.clone(), songs })
}

fn report(metrics: &Metrics) -> String {
    let mut text = format!(
        "songs               {}\naccuracy            {:.4}\nbalanced accuracy   {:.4}\nmacro F1            {:.4}\n\n",
        metrics.n, metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1
    );
    text += &format!("{:18}{:>10}{:>10}{:>10}{:>10}\n", "", "precision", "recall", "F1", "support");
    for class in &metrics.per_class {
        let (precision, recall, f1) = (class.precision, class.recall, class.f1);
        text += &format!("{:18}{precision:10.3}{recall:10.3}{f1:10.3}{:10}\n", class.label, class.support);
    }
    text += "\nconfusion matrix (rows: truth, columns: answer)\n";
    text += &format!("{:12}", "");
    text.extend(metrics.labels.iter().map(|label| format!("{:>8}", shortened(label))));
    for (label, row) in metrics.labels.iter().zip(&metrics.confusion) {
        text += &format!("\n{label:12}");
        text.extend(row.iter().map(|count| format!("{count:8}")));
    }
    text.push('\n');
    text
}

fn shortened(label: &str) -> String {
    label.chars().take(7).collect()
}
