//! `genrelens evaluate`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::data::Folder;
use super::left_out::LeftOut;
use super::output::{json_line, printable, shown};
use super::parallel::in_order;
use super::{CliError, load, load_default};
use crate::card::Card;
use crate::dataset::labelled_set::{LabelledSet, Song};
use crate::engine::EngineError;
use crate::eval::confidence::Interval;
use crate::eval::evaluate::TaskMetrics;
use crate::eval::evaluation::Evaluation;
use crate::eval::metrics::Metrics;
use crate::eval::probabilities::song_probabilities;
use crate::eval::tags::TagMetrics;
use crate::model::Loaded;

/// Windows that go through the network at once: more take more memory and are hardly faster.
const WINDOWS_AT_ONCE: usize = 32;

#[derive(Args)]
pub(super) struct Arguments {
    /// Weights file; if not given, model-weights/genre-head.safetensors with MusiCNN if both are there, otherwise the
    /// built-in network
    #[arg(long)]
    model: Option<PathBuf>,
    #[command(flatten)]
    folder: Folder,
    /// Split of the index to evaluate on; several are joined by a plus
    #[arg(long)]
    split: String,
    /// End at the first recording that cannot be read, instead of leaving it out
    #[arg(long)]
    strict: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let loaded = match &arguments.model {
        Some(path) => load(Some(path))?,
        None => load_default()?,
    };
    // Before any recording is read, which may take hours.
    with_labels_of(&loaded.card, arguments.folder.listed(&arguments.split)?)?;
    let mut left_out = LeftOut::new(arguments.strict);
    let songs = arguments.folder.songs(&arguments.split, &loaded.input_spec(), &mut left_out)?;
    left_out.report()?;
    let set = with_labels_of(&loaded.card, songs)?;
    print(&Evaluation::of(&set, &predictions(&loaded, &set)?), &left_out, arguments.json)
}

/// Prints figures, as a table or as one JSON object.
pub(super) fn print(evaluation: &Evaluation, left_out: &LeftOut, as_json: bool) -> Result<(), CliError> {
    if as_json {
        return print_json(evaluation, left_out);
    }
    let text = match &evaluation.metrics {
        TaskMetrics::Classes(metrics) => interval_lines(evaluation) + &report(metrics),
        TaskMetrics::Tags(tags) => tag_report(tags),
    };
    print!("{}", printable(&text));
    Ok(())
}

/// A result with the number of recordings that it leaves out.
#[derive(Serialize)]
struct WithLeftOut<'a, T> {
    #[serde(flatten)]
    result: &'a T,
    left_out: usize,
}

/// Prints a result as one JSON object.
pub(super) fn print_json(result: &impl Serialize, left_out: &LeftOut) -> Result<(), CliError> {
    println!("{}", json_line(&WithLeftOut { result, left_out: left_out.count() })?);
    Ok(())
}

fn interval_lines(evaluation: &Evaluation) -> String {
    let line = |name: &str, interval: Option<Interval>| {
        interval.map_or(String::new(), |Interval { low, high }| {
            format!("{name:20}{low:.3} to {high:.3} (95 %, bootstrap over songs)\n")
        })
    };
    line("accuracy within", evaluation.accuracy_interval)
        + &line("balanced within", evaluation.balanced_accuracy_interval)
}

/// Probabilities of every song, `[songs][labels]`.
fn predictions(loaded: &Loaded, set: &LabelledSet) -> Result<Vec<Vec<f32>>, CliError> {
    let mut found = Vec::with_capacity(set.songs.len());
    in_order(
        set.songs.iter(),
        |song| prediction(loaded, song),
        |song| {
            found.push(song?);
            Ok(())
        },
    )?;
    Ok(found)
}

fn prediction(loaded: &Loaded, song: &Song) -> Result<Vec<f32>, CliError> {
    let failed = |error| CliError::Usage(format!("the engine failed ({error})"));
    let mut windows = Vec::new();
    let spans = loaded.windowing().spans(&song.segments);
    // Only windows of one length fit in one batch.
    for spans in spans.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_AT_ONCE)) {
        windows.extend(pollster::block_on(loaded.predict(&song.segments, spans)).map_err(failed)?);
    }
    let probabilities = song_probabilities(windows.iter().map(|window| window.probabilities.as_slice()));
    if probabilities.iter().any(|value| !value.is_finite()) {
        let network = loaded.card.name.clone();
        return Err(CliError::Usage(EngineError::NotFinite { network }.to_string()));
    }
    Ok(probabilities)
}

/// The set with its targets in the order of the network's outputs.
fn with_labels_of(card: &Card, set: LabelledSet) -> Result<LabelledSet, CliError> {
    if set.multi_label != card.multi_label {
        let kind = |many| if many { "several labels per song" } else { "one label per song" };
        let (found, expected) = (kind(set.multi_label), kind(card.multi_label));
        return Err(CliError::Usage(format!("the network predicts {expected}; the set has {found}")));
    }
    // The index sorts its labels; a network may have more of them and in another order.
    let place = |label: &String| {
        card.labels.iter().position(|known| known.nfc().eq(label.chars())).ok_or_else(|| {
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
    Ok(LabelledSet { labels: card.labels.clone(), multi_label: set.multi_label, songs })
}

fn tag_report(tags: &TagMetrics) -> String {
    let mut text =
        format!("songs               {}\n{:24}{:>10}{:>10}{:>10}\n", tags.n, "", "ROC-AUC", "PR-AUC", "support");
    let figure = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.3}"));
    for tag in &tags.per_tag {
        text += &format!(
            "{:24}{:>10}{:>10}{:10}\n",
            shown(&tag.label),
            figure(tag.roc_auc),
            figure(tag.pr_auc),
            tag.support
        );
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
        text += &format!("{:18}{precision:10.3}{recall:10.3}{f1:10.3}{:10}\n", shown(&class.label), class.support);
    }
    text += "\nconfusion matrix (rows: truth, columns: prediction)\n";
    text += &format!("{:12}", "");
    text.extend(metrics.labels.iter().map(|label| format!("{:>8}", shortened(label))));
    for (label, row) in metrics.labels.iter().zip(&metrics.confusion) {
        text += &format!("\n{:12}", shown(label));
        text.extend(row.iter().map(|count| format!("{count:8}")));
    }
    text.push('\n');
    text
}

fn shortened(label: &str) -> String {
    shown(label).chars().take(7).collect()
}
