//! Features that are computed once, by layers that are not trained, and then trained on instead of windows.

use burn::tensor::ExecutionError;

use super::observer::{FitError, TrainObserver};
use crate::dataset::labelled_set::{LabelledSet, Song};
use crate::dsp::Segment;
use crate::model::predict::WINDOWS_PER_BATCH;
use crate::model::windows::{WindowSpan, Windowing};
use crate::model::{Frozen, Part};

/// Added to every standard deviation: a constant feature would otherwise be divided by 0.
const LEAST_DEVIATION: f64 = 1e-6;

/// The same songs with one segment each, which has a column per window: the input of the network's `part`.
pub(super) async fn inputs_of(
    network: &Frozen,
    part: Part,
    windowing: &Windowing,
    set: &LabelledSet,
    observer: &mut impl TrainObserver,
) -> Result<LabelledSet, FitError> {
    let mut songs = Vec::with_capacity(set.songs.len());
    for song in &set.songs {
        let mut rows = Vec::new();
        let spans = windowing.spans(&song.segments);
        // Only windows of one length fit in one batch.
        for spans in spans.chunk_by(|a, b| a.columns == b.columns).flat_map(|equal| equal.chunks(WINDOWS_PER_BATCH)) {
            // A cancel is noticed between batches.
            observer.pause().await?;
            rows.extend(inputs(network, part, windowing, &song.segments, spans).await?);
        }
        songs.push(Song { segments: vec![feature_segment(&rows)], ..song.clone() });
    }
    Ok(LabelledSet { songs, ..set.clone() })
}

/// The input of a network's part for windows of one length: `[windows][values]`. Waits for the device.
pub(crate) async fn inputs(
    network: &Frozen,
    part: Part,
    windowing: &Windowing,
    segments: &[Segment],
    spans: &[WindowSpan],
) -> Result<Vec<Vec<f32>>, ExecutionError> {
    let Some(first) = spans.first() else { return Ok(Vec::new()) };
    network.inputs_of_part(part, windowing.values(segments, spans), windowing.bands, first.columns).await
}

/// Rows of features, `[windows][features]`, as a segment with a column per window.
pub(crate) fn feature_segment(rows: &[Vec<f32>]) -> Segment {
    let bands = rows.first().map_or(0, Vec::len);
    Segment { start_seconds: 0.0, columns: rows.len(), bands, values: rows.concat() }
}

/// The number of values per window in a set of precomputed columns; 0 for an empty set.
pub(super) fn width_of(set: &LabelledSet) -> usize {
    set.songs.iter().flat_map(|song| &song.segments).map(|segment| segment.bands).next().unwrap_or(0)
}

/// Mean and standard deviation of every feature over the songs, which all have the same weight.
pub(super) fn moments_of(set: &LabelledSet) -> (Vec<f32>, Vec<f32>) {
    let segments = || set.songs.iter().flat_map(|song| &song.segments);
    let rows: Vec<&[f32]> = segments().flat_map(|segment| segment.values.chunks_exact(segment.bands)).collect();
    let weights: Vec<f64> =
        // Every song weighs 1, however many windows it has.
        segments().flat_map(|segment| vec![1.0 / segment.columns as f64; segment.columns]).collect();
    let (mean, deviation) = moments(&rows, &weights);
    let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
    (narrow(mean), narrow(deviation))
}

/// Weighted mean and standard deviation of every feature of `[rows][features]`.
pub(super) fn moments(rows: &[&[f32]], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let whole: f64 = weights.iter().sum();
    let features = rows.first().map_or(0, |row| row.len());
    let mean_of = |value: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
        let mut sums = vec![0.0; features];
        for (row, weight) in rows.iter().zip(weights) {
            let values = row.iter().enumerate().map(|(index, &found)| value(index, f64::from(found)));
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value / whole);
        }
        sums
    };
    let mean = mean_of(&|_, value| value);
    let variance = mean_of(&|index, value| (value - mean[index]).powi(2));
    (mean, variance.into_iter().map(|variance| variance.sqrt() + LEAST_DEVIATION).collect())
}
