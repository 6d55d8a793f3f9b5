//! `genrelens evaluate`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::data::{Ears, Folder};
use super::train::rounded;
use super::{CliError, load, load_default};
use crate::card::Card;
use crate::model::Loaded;
use crate::model::predict::song_probabilities;
use crate::train::interval::{Interval, bootstrap};
use crate::train::measure::{Measured, Scores, measure, pairs};
use crate::train::metrics::{Metrics, metrics};
use crate::train::set::{LabelledSet, Song};
use crate::train::tags::TagMetrics;

/// Windows heard at once.
const WINDOWS_AT_ONCE: usize = 32;

#[derive(Args)]
pub struct Arguments {
    /// Weights file; where not given, model-weights/genre-head.safetensors with MusiCNN if both are there, else the
    /// built-in network
    #[arg(long)]
    model: Option<PathBuf>,
    #[command(flatten)]
    folder: Folder,
    /// Split of the index to measure on; several joined by a plus
    #[arg(long)]
    split: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Figures with how far they can be trusted.
#[derive(Serialize)]
pub struct Trusted {
    #[serde(flatten)]
    measured: Measured,
    /// 95 % of accuracies over songs drawn again.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy_interval: Option<Interval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balanced_accuracy_interval: Option<Interval>,
}

impl Trusted {
    /// The figures of answers to a set, with intervals where a song has one label.
    pub fn of(set: &LabelledSet, answers: &[Vec<f32>]) -> Self {
        let (_, measured) = measure(set, answers);
        if set.many_labels {
            return Self { measured, accuracy_interval: None, balanced_accuracy_interval: None };
        }
        let pairs = pairs(set, answers);
        let of = |figure: fn(&Metrics) -> f64| Some(bootstrap(&pairs, |drawn| figure(&metrics(&set.labels, drawn))));
        let accuracy_interval = of(|metrics| metrics.accuracy);
        Self { measured, accuracy_interval, balanced_accuracy_interval: of(|metrics| metrics.balanced_accuracy) }
    }

    /// They under the names that cards have for them, of this part.
    pub fn figures(&self, part: &str) -> Vec<(String, f64)> {
        let named = |name: &str, figure: f64| (format!("{part}_{name}"), rounded(figure));
        let metrics = match &self.measured {
            Measured::Tags(tags) => return vec![named("roc_auc", tags.roc_auc), named("pr_auc", tags.pr_auc)],
            Measured::Classes(metrics) => metrics,
        };
        let mut figures = vec![
            named("song_accuracy", metrics.accuracy),
            named("song_balanced_accuracy", metrics.balanced_accuracy),
            named("song_macro_f1", metrics.macro_f1),
        ];
        if let Some(Interval { low, high }) = self.accuracy_interval {
            figures.extend([named("song_accuracy_low", low), named("song_accuracy_high", high)]);
        }
        figures
    }

    /// Prints them, as a table or as one JSON object.
    pub fn print(&self, as_json: bool) -> Result<(), CliError> {
        if as_json {
            let json = serde_json::to_string(self).map_err(|error| CliError::Usage(error.to_string()))?;
            println!("{json}");
            return Ok(());
        }
        match &self.measured {
            Measured::Classes(metrics) => print!("{}{}", self.interval_lines(), report(metrics)),
            Measured::Tags(tags) => print!("{}", tag_report(tags)),
        }
        Ok(())
    }

    /// The two figures that matter most.
    pub fn scores(&self) -> Scores {
        self.measured.scores()
    }

    /// How far each of them can be trusted.
    pub fn intervals(&self) -> [Option<Interval>; 2] {
        [self.accuracy_interval, self.balanced_accuracy_interval]
    }

    fn interval_lines(&self) -> String {
        let line = |name: &str, interval: Option<Interval>| {
            interval.map_or(String::new(), |Interval { low, high }| {
                format!("{name:20}{low:.3} to {high:.3} (95 %, bootstrap over songs)\n")
            })
        };
        line("accuracy within", self.accuracy_interval) + &line("balanced within", self.balanced_accuracy_interval)
    }
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let loaded = match &arguments.model {
        Some(path) => load(Some(path))?,
        None => load_default()?,
    };
    let ears =
        Ears { front_end: loaded.front_end(), windowing: loaded.windowing(), least_columns: loaded.least_columns() };
    let set = with_labels_of(&loaded.card, arguments.folder.songs(&arguments.split, &ears)?)?;
    Trusted::of(&set, &answers(&loaded, &set)?).print(arguments.json)
}

/// Every song's probabilities.
fn answers(loaded: &Loaded, set: &LabelledSet) -> Result<Vec<Vec<f32>>, CliError> {
    set.songs.iter().map(|song| answer(loaded, song)).collect()
}

fn answer(loaded: &Loaded, song: &Song) -> Result<Vec<f32>, CliError> {
    let failed = |error| CliError::Usage(format!("the engine failed ({error})"));
    let mut windows = Vec::new();
    let places = loaded.windowing().places(&song.segments);
    for places in places.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        windows.extend(pollster::block_on(loaded.hear(&song.segments, places)).map_err(failed)?);
    }
    Ok(song_probabilities(windows.iter().map(|window| window.probabilities.as_slice())))
}

/// The set with its labels numbered as the network numbers them.
fn with_labels_of(card: &Card, set: LabelledSet) -> Result<LabelledSet, CliError> {
    if set.many_labels != card.many_labels {
        let kind = |many| if many { "many labels a song" } else { "one label a song" };
        let (found, expected) = (kind(set.many_labels), kind(card.many_labels));
        return Err(CliError::Usage(format!("the network gives {expected}, the set has {found}")));
    }
    let place = |label: &String| {
        card.labels.iter().position(|known| known == label).ok_or_else(|| {
            CliError::Usage(format!("the set has the label '{label}'; the network knows {}", card.labels.join(", ")))
        })
    };
    let places = set.labels.iter().map(place).collect::<Result<Vec<usize>, _>>()?;
    let mut songs = set.songs;
    for song in &mut songs {
        let mut target = vec![0.0; card.labels.len()];
        for (&place, &value) in places.iter().zip(&song.target) {
            target[place] = value;
        }
        song.target = target;
    }
    Ok(LabelledSet { labels: card.labels.clone(), many_labels: set.many_labels, songs })
}

fn tag_report(tags: &TagMetrics) -> String {
    let mut text =
        format!("songs               {}\n{:24}{:>10}{:>10}{:>10}\n", tags.n, "", "ROC-AUC", "PR-AUC", "support");
    let figure = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.3}"));
    for tag in &tags.per_tag {
        text += &format!("{:24}{:>10}{:>10}{:10}\n", tag.label, figure(tag.roc_auc), figure(tag.pr_auc), tag.support);
    }
    text + &format!("{:24}{:10.3}{:10.3}\n", "mean of the tags", tags.roc_auc, tags.pr_auc)
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
