//! Sentences about the drawings: the readout under the pointer, and descriptions for screen readers.

use crate::protocol::{Prediction, SpectrogramInfo};
use crate::view::draw::axes::clock;
use crate::view::draw::bars::charted_scores;
use crate::view::draw::reading::Reading;
use crate::view::draw::strip::{Stretch, stretches};
use crate::view::format::{NBSP, frequency, genre, percent};

/// An entry of the strip's legend; `share` of the recording's time, 0 to 1.
pub fn legend(label: &str, share: f64) -> String {
    format!("{} {} of the time", genre(label), percent(share as f32))
}

/// The readout on the strip, at a time in seconds.
pub fn moment(seconds: f64, stretch: Option<(&Stretch, &str)>) -> String {
    match stretch {
        Some((stretch, label)) => {
            format!("{} · {} {}", clock(seconds, 1), genre(label), percent(stretch.probability))
        }
        None => clock(seconds, 1),
    }
}

/// The readout on the spectrogram, with the label of the stretch if there is a prediction.
pub(crate) fn reading(reading: &Reading, stretch: Option<(&Stretch, &str)>) -> String {
    // The minus sign instead of a hyphen, and none before a zero.
    let level = format!("{:.0}", reading.db.abs());
    let sign = if level == "0" { "" } else { "\u{2212}" };
    let text = format!("{} · {} · {sign}{level}{NBSP}dB", clock(reading.seconds, 1), frequency(reading.hz));
    match stretch {
        Some((stretch, label)) => format!("{text} · {} {}", genre(label), percent(stretch.probability)),
        None => text,
    }
}

/// The description of the spectrogram for screen readers.
pub(crate) fn spectrogram_label(file: &str, info: &SpectrogramInfo) -> String {
    let range = match (info.band_hz.first(), info.band_hz.last()) {
        (Some(&low), Some(&high)) => format!(", {} to {}", frequency(low), frequency(high)),
        _ => String::new(),
    };
    format!("Mel-spectrogram of {file}: {} long{range}", clock(info.duration_seconds, 0))
}

/// The kind of a network's labels.
fn labels(prediction: &Prediction) -> &'static str {
    if prediction.multi_label { "tags" } else { "genres" }
}

/// The heading of the column of labels.
pub(crate) fn label_heading(prediction: &Prediction) -> &'static str {
    if prediction.multi_label { "Tag" } else { "Genre" }
}

/// The description of the bar chart for screen readers.
pub(crate) fn bars_label(prediction: &Prediction) -> String {
    let bars: Vec<String> = charted_scores(prediction)
        .iter()
        .map(|score| format!("{} {}", genre(&score.label), percent(score.probability)))
        .collect();
    format!("Bar chart of the {}: {}", labels(prediction), bars.join(", "))
}

/// The description of the strip for screen readers.
pub(crate) fn strip_label(prediction: &Prediction) -> String {
    let all = stretches(&prediction.windows);
    let runs: Vec<String> = all
        // Consecutive stretches of one label are read as one.
        .chunk_by(|a, b| a.winner == b.winner)
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let label = prediction.labels.get(first.winner)?;
            Some(format!("{} from {} to {}", genre(label), clock(first.start_seconds, 0), clock(last.end_seconds, 0)))
        })
        .collect();
    format!("{} over time: {}", label_heading(prediction), runs.join(", "))
}
