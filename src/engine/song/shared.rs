//! A recording on the CPU engine. Segments do not depend on each other: each is predicted here, or given to another worker,
//! whose prediction may come at any time. The windows are in order of time whoever predicted them.

use std::collections::{BTreeMap, HashMap};

use super::{Place, checked};
use crate::dsp::Segment;
use crate::engine::{EngineError, Host, pause};
use crate::model::Loaded;
use crate::model::loaded::WindowPrediction;
use crate::model::predict::WindowBatch;
use crate::model::windows::WindowSpan;
use crate::protocol::{PredictedWindow, SegmentShape};

/// The predictions for the segments of one recording.
pub(in crate::engine) struct SharedSong<'a> {
    loaded: &'a Loaded,
    // Small batches on a browser's CPU engine, where a cancel is noticed only between them.
    batch: WindowBatch,
    /// The number of segments so far.
    segments: usize,
    /// Segments that other workers have; kept here, because a worker may fail.
    given: BTreeMap<usize, Segment>,
    predicted: BTreeMap<usize, Vec<PredictedWindow>>,
    /// Length of the predicted segments, in seconds.
    predicted_seconds: f64,
}

impl<'a> SharedSong<'a> {
    pub(super) fn new(loaded: &'a Loaded) -> Self {
        let batch = WindowBatch::new(&loaded.network().device(), loaded.windowing().frames);
        let (given, predicted) = (BTreeMap::new(), BTreeMap::new());
        Self { loaded, batch, segments: 0, given, predicted, predicted_seconds: 0.0 }
    }

    /// Predicts the next segment, or gives it to another worker. `on_batch` is called before every batch.
    pub(super) async fn add<H: Host>(
        &mut self,
        segment: Segment,
        host: &mut H,
        on_batch: impl FnMut(f64, &mut H),
    ) -> Result<(), EngineError> {
        let number = self.segments;
        self.segments += 1;
        let Segment { start_seconds, columns, bands, .. } = segment;
        if host.give_segment(number, SegmentShape { start_seconds, columns, bands }, &segment.values) {
            self.given.insert(number, segment);
            return self.take_returned(host).await;
        }
        self.predict(number, segment, host, on_batch).await?;
        self.take_returned(host).await
    }

    /// Waits for the segments that other workers have.
    pub(super) async fn finish<H: Host>(
        &mut self,
        host: &mut H,
        mut on_progress: impl FnMut(f64, &mut H),
    ) -> Result<(), EngineError> {
        while !self.given.is_empty() {
            self.take_returned(host).await?;
            if !self.given.is_empty() {
                host.segment_returns().await;
                on_progress(self.predicted_seconds, host);
                pause(host).await?;
            }
        }
        Ok(())
    }

    /// The windows before the first segment that is not predicted yet, in order of time.
    pub(super) fn windows(&self) -> Vec<&PredictedWindow> {
        let known = self.predicted.iter().enumerate().take_while(|(place, (number, _))| place == *number);
        known.flat_map(|(_, (_, windows))| windows).collect()
    }

    /// True before the first segment is predicted.
    pub(super) fn is_empty(&self) -> bool {
        !self.predicted.contains_key(&0)
    }

    pub(super) fn predicted_seconds(&self) -> f64 {
        self.predicted_seconds
    }

    async fn predict<H: Host>(
        &mut self,
        number: usize,
        segment: Segment,
        host: &mut H,
        mut on_batch: impl FnMut(f64, &mut H),
    ) -> Result<(), EngineError> {
        let before = self.predicted_seconds;
        let seconds = segment.columns as f64 * self.loaded.front_end().seconds_per_column();
        let on_batch = |share: f64, host: &mut H| on_batch(before + share * seconds, host);
        let windows = predict_segment(self.loaded, segment, &self.batch, host, on_batch).await?;
        self.predicted.insert(number, windows);
        self.predicted_seconds = before + seconds;
        Ok(())
    }

    async fn take_returned(&mut self, host: &mut impl Host) -> Result<(), EngineError> {
        for (number, windows) in host.returned_segments() {
            let Some(segment) = self.given.remove(&number) else { continue };
            match windows {
                Some(windows) => {
                    self.predicted_seconds += segment.columns as f64 * self.loaded.front_end().seconds_per_column();
                    self.predicted.insert(number, windows);
                }
                // The other worker has failed. If the segment is the cause, it fails here too.
                None => self.predict(number, segment, host, |_, _| {}).await?,
            }
        }
        Ok(())
    }
}

/// Predicts the windows of a segment. `on_batch` is called before every batch, with the share that is predicted.
pub(in crate::engine) async fn predict_segment<H: Host>(
    loaded: &Loaded,
    segment: Segment,
    batch: &WindowBatch,
    host: &mut H,
    mut on_batch: impl FnMut(f64, &mut H),
) -> Result<Vec<PredictedWindow>, EngineError> {
    let windowing = loaded.windowing();
    let seconds = segment.columns as f64 * loaded.front_end().seconds_per_column();
    let segment = [windowing.prepare(segment)];
    let spans = windowing.spans(&segment);
    let first_alike = first_alike(&segment[0], &spans);
    let different: Vec<WindowSpan> =
        (0..spans.len()).filter(|&index| first_alike[index] == index).map(|index| spans[index]).collect();
    let mut predictions = Vec::with_capacity(different.len());
    let mut left = different.as_slice();
    while !left.is_empty() {
        on_batch(predictions.len() as f64 / different.len() as f64, host);
        pause(host).await?;
        predictions.extend(loaded.predict(&segment, batch.take(&mut left)).await?);
    }
    let mut predictions = predictions.into_iter();
    let mut windows: Vec<(Place, WindowPrediction)> = Vec::with_capacity(spans.len());
    for (index, &span) in spans.iter().enumerate() {
        let place = Place::of(&segment[0], seconds, span);
        let prediction = match windows.get(first_alike[index]) {
            Some((_, alike)) => Some(alike.clone()),
            None => predictions.next(),
        };
        windows.extend(prediction.map(|prediction| (place, prediction)));
    }
    checked(loaded, windows)
}

/// For every window of a segment the first one that has the same values, itself if there is none: silence and loops are
/// predicted once.
// Not inlined: its loops would make the browser optimize the whole request first, and what computes only after that.
#[inline(never)]
fn first_alike(segment: &Segment, spans: &[WindowSpan]) -> Vec<usize> {
    let mut known = HashMap::new();
    let first = |(index, span): (usize, &WindowSpan)| {
        // A window that is longer than its segment repeats it.
        let columns = span.start..(span.start + span.columns).min(segment.columns);
        let values = &segment.values[columns.start * segment.bands..columns.end * segment.bands];
        // By their bits: NaN is no number that could be compared.
        let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        *known.entry((span.columns, bits)).or_insert(index)
    };
    spans.iter().enumerate().map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_the_same_values_are_found() {
        let column = |at: usize| if (4..12).contains(&at) { [0.0, -80.0] } else { [at as f32, 1.0] };
        let segment = Segment { start_seconds: 0.0, columns: 15, bands: 2, values: (0..15).flat_map(column).collect() };
        let span = |start, columns| WindowSpan { segment: 0, start, columns };
        let spans = [span(0, 4), span(4, 4), span(8, 4), span(12, 4), span(4, 3), span(6, 4)];
        assert_eq!(first_alike(&segment, &spans), [0, 1, 1, 3, 4, 1]);
    }
}
