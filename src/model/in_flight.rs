//! Windows on their way through a network on a graphics processor.
//!
//! To read back from a graphics processor means to wait for all that was asked of it, and for the browser: Firefox answers
//! every 100 ms. So batches of windows are launched without waiting, and many of them are read back at once. All batches
//! have one shape, the last one padded: another shape may need other programs, which take time to compile, and which the
//! self-test has not compared with the CPU engine.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use burn::tensor::{ExecutionError, Tensor, TensorData};

use super::loaded::{Loaded, WindowPrediction};
use super::windows::{WindowSpan, Windowing};
use crate::dsp::Segment;

/// The windows of one recording, in their order. `Place` is what the caller keeps of a window until it is predicted.
pub(crate) struct InFlight<'a, Place> {
    loaded: &'a Loaded,
    /// The windows of a batch that is not full yet: their values, and how many they are.
    values: Vec<f32>,
    waiting: usize,
    /// Batches that are launched and not being read: their outputs.
    launched: Vec<(Tensor<2>, Rows)>,
    reading: VecDeque<Reading>,
    /// Of every window that is not predicted yet, those being read first.
    places: VecDeque<Place>,
}

/// How many windows a batch has, and how many rows of padding follow them.
#[derive(Clone, Copy)]
struct Rows {
    windows: usize,
    padding: usize,
}

/// Outputs of several batches, on their way back from the device.
struct Reading {
    batches: Vec<Rows>,
    data: Pin<Box<dyn Future<Output = Outputs>>>,
    /// Set if they were back when they were first asked for.
    done: Option<Outputs>,
}

type Outputs = Result<TensorData, ExecutionError>;

impl<'a, Place> InFlight<'a, Place> {
    pub(crate) fn new(loaded: &'a Loaded) -> Self {
        Self {
            loaded,
            values: Vec::new(),
            waiting: 0,
            launched: Vec::new(),
            reading: VecDeque::new(),
            places: VecDeque::new(),
        }
    }

    /// Adds a window of a prepared segment, and launches its batch if that is full now.
    pub(crate) fn push(&mut self, segment: &Segment, span: WindowSpan, place: Place) {
        let windowing = self.loaded.windowing();
        let Windowing { bands, frames, .. } = windowing;
        let values = windowing.values(std::slice::from_ref(segment), &[WindowSpan { segment: 0, ..span }]);
        if span.columns == frames {
            self.values.extend(values);
            self.waiting += 1;
            if self.waiting == self.loaded.windows_per_launch() {
                self.launch_waiting();
            }
        } else {
            // The only window of a segment that is shorter than a window.
            self.launch_waiting();
            let outputs = self.loaded.launch(values, bands, span.columns);
            self.launched.push((outputs, Rows { windows: 1, padding: 0 }));
        }
        self.places.push_back(place);
    }

    /// Launches the windows whose batch is not full, padded with zeros.
    pub(crate) fn launch_waiting(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let Windowing { bands, frames, .. } = self.loaded.windowing();
        let (batch, windows) = (self.loaded.windows_per_launch(), std::mem::take(&mut self.waiting));
        let mut values = std::mem::take(&mut self.values);
        values.resize(batch * bands * frames, 0.0);
        let outputs = self.loaded.launch(values, bands, frames);
        self.launched.push((outputs, Rows { windows, padding: batch - windows }));
    }

    /// Begins to read back what is launched, by one copy from the device. Does not wait.
    pub(crate) fn begin_reading(&mut self) {
        let (outputs, batches): (Vec<_>, Vec<_>) = std::mem::take(&mut self.launched).into_iter().unzip();
        let rows = match <[Tensor<2>; 1]>::try_from(outputs) {
            Ok([rows]) => rows,
            Err(none) if none.is_empty() => return,
            Err(several) => Tensor::cat(several, 0),
        };
        let mut data: Pin<Box<dyn Future<Output = Outputs>>> = Box::pin(rows.into_data_async());
        // A future begins when it is first polled, and the device has to copy before it computes what is launched next.
        let done = match data.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outputs) => Some(outputs),
            Poll::Pending => None,
        };
        self.reading.push_back(Reading { batches, data, done });
    }

    /// How many readings have begun and are not taken.
    pub(crate) fn readings(&self) -> usize {
        self.reading.len()
    }

    /// The windows of the oldest reading, none if there is no reading. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn read(&mut self) -> Result<Vec<(Place, WindowPrediction)>, ExecutionError> {
        let Some(Reading { batches, data, done }) = self.reading.pop_front() else { return Ok(Vec::new()) };
        let data = match done {
            Some(outputs) => outputs?,
            None => data.await?, // waits for the device
        };
        let values: Vec<f32> = data.iter::<f32>().collect();
        let rows = batches.iter().map(|Rows { windows, padding }| windows + padding).sum::<usize>();
        let mut rows = values.chunks((values.len() / rows.max(1)).max(1));
        let mut predictions = Vec::new();
        for Rows { windows, padding } in batches {
            let of_windows = rows.by_ref().take(windows).map(|row| self.loaded.prediction(row));
            predictions.extend(self.places.drain(..windows.min(self.places.len())).zip(of_windows));
            rows.by_ref().take(padding).for_each(drop);
        }
        Ok(predictions)
    }
}
