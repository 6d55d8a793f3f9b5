//! Sentences about what is drawn, for the readout under the pointer and for people who do not see the drawing.

use crate::protocol::{Prediction, SpectrogramInfo};
use crate::view::draw::axes::clock;
use crate::view::draw::bars::charted_scores;
use crate::view::draw::reading::Reading;
use crate::view::draw::strip::{Stretch, stretches};
use crate::view::format::{NBSP, frequency, genre, percent};

/// A genre of the strip's legend, with its share of the recording's time, 0 to 1.
pub fn legend(label: &str, share: f64) -> String {
    format!("{} {} of the time", genre(label), percent(share as f32))
}

/// What the network says at a time of the recording, in seconds.
pub fn moment(seconds: f64, stretch: Option<(&Stretch, &str)>) -> String {
    match stretch {
        Some((stretch, label)) => {
            format!("{} · {} {}", clock(seconds, 1), genre(label), percent(stretch.probability))
        }
        None => clock(seconds, 1),
    }
}

/// What lies under the pointer, with the genre of that stretch where it is known.
pub fn reading(reading: &Reading, stretch: Option<(&Stretch, &str)>) -> String {
    // A true minus, and no minus before a zero.
    let level = format!("{:.0}", reading.db.abs());
    let sign = if level == "0" { "" } else { "\u{2212}" };
    let place = format!("{} · {} · {sign}{level}{NBSP}dB", clock(reading.seconds, 1), frequency(reading.hz));
    match stretch {
        Some((stretch, label)) => format!("{place} · {} {}", genre(label), percent(stretch.probability)),
        None => place,
    }
}

/// The spectrogram's description for those who do not see it.
pub fn spectrogram_label(file: &str, info: &SpectrogramInfo) -> String {
    let range = match (info.band_hz.first(), info.band_hz.last()) {
        (Some(&low), Some(&high)) => format!(", {} to {}", frequency(low), frequency(high)),
        _ => String::new(),
    };
    format!("Mel-spectrogram of {file}: {} long{range}", clock(info.duration_seconds, 0))
}

/// What a network's labels are.
fn labels(prediction: &Prediction) -> &'static str {
    if prediction.multi_label { "tags" } else { "genres" }
}

/// The heading of the column of labels.
pub fn label_heading(prediction: &Prediction) -> &'static str {
    if prediction.multi_label { "Tag" } else { "Genre" }
}

/// The bars' description for those who do not see them.
pub fn bars_label(prediction: &Prediction) -> String {
    let bars: Vec<String> = charted_scores(prediction)
        .iter()
        .map(|score| format!("{} {}", genre(&score.label), percent(score.probability)))
        .collect();
    format!("Bar chart of the {}: {}", labels(prediction), bars.join(", "))
}

/// The strip's description for those who do not see it.
pub fn strip_label(prediction: &Prediction) -> String {
    let all = stretches(&prediction.windows);
    let runs: Vec<String> = all
        .chunk_by(|a, b| a.winner == b.winner)
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let label = prediction.labels.get(first.winner)?;
            Some(format!("{} from {} to {}", genre(label), clock(first.start_seconds, 0), clock(last.end_seconds, 0)))
        })
        .collect();
    format!("{} over time: {}", label_heading(prediction), runs.join(", "))
}
