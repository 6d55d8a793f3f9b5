//! A network with its weights and its card, ready to classify; a head with its backbones.

use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, ExecutionError, Tensor};

use super::backbones::{Backbones, Embeddings};
use super::blueprint::Blueprint;
use super::frozen::Frozen;
use super::layers::Layers;
use super::predict::{Output, is_cpu, read_rows};
use super::registry::Network;
use super::spec::{InputKind, Shape};
use super::weights::{self, WeightsError};
use super::windows::{InputSpec, WindowSpan, Windowing, to_tensor};
use crate::card::{Architecture, Backbone, Card};
use crate::dsp::{FrontEnd, Segment};
use crate::eval::probabilities::probabilities;

/// The most windows of a batch on a graphics processor: networks of short windows have hundreds in a segment, whose
/// layers' outputs would take too much memory.
const MOST_WINDOWS_PER_LAUNCH: usize = 32;

/// A network in use.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub(crate) card: Card,
    blueprint: Blueprint,
    network: Frozen,
    backbones: Backbones,
    // Filled in when a head first asks: a network that is no backbone never pays for the run on silence. Clones share it.
    feature_width: Arc<OnceLock<usize>>,
}

/// The prediction for one window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WindowPrediction {
    /// One probability a label, 0..1.
    pub probabilities: Vec<f32>,
    /// `[backbones with tags][tags]`, probabilities 0..1.
    pub tags: Vec<Vec<f32>>,
}

impl Loaded {
    /// The network of a card with these weights, on this device; its backbones are taken from `known`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`]: those of [`from_bytes`](weights::from_bytes), and those of [`Loaded::of`].
    pub(crate) fn new(bytes: Vec<u8>, card: Card, known: &[Self], device: &Device) -> Result<Self, WeightsError> {
        let network = weights::from_bytes(bytes, &card, device)?;
        Self::of(network, card, known)
    }

    /// A network that is in memory already, with its card; its backbones are taken from `known`.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Backbone`] or [`WeightsError::OtherBackbone`] if a backbone is not among the known networks,
    /// [`WeightsError::Blueprint`] if the card describes no network, and [`WeightsError::InputMismatch`] if the input
    /// does not fit the network.
    pub(crate) fn of(network: Network, card: Card, known: &[Self]) -> Result<Self, WeightsError> {
        let blueprint = card.blueprint()?;
        let backbone = |wanted: &Backbone| {
            let found = known.iter().find(|backbone| backbone.card.name == wanted.name);
            match found {
                // A head fits only the features of the very weights that it was trained on.
                Some(backbone) if backbone.card.sha256 == wanted.sha256 => Ok((backbone.clone(), wanted.output)),
                Some(_) => Err(WeightsError::OtherBackbone { backbone: wanted.name.clone() }),
                None => Err(WeightsError::Backbone { backbone: wanted.name.clone() }),
            }
        };
        let backbones = Backbones::new(card.backbones.iter().map(backbone).collect::<Result<_, _>>()?, &card.name)?;
        let Shape { bands, frames, .. } = blueprint.build.shape;
        let network = Frozen::new(network, [bands, frames]);
        let loaded = Self { card, blueprint, network, backbones, feature_width: Arc::default() };
        loaded.check_input()?;
        Ok(loaded)
    }

    /// Checks that the input is what the network expects: a card may come from anywhere, and a wrong size would stop
    /// the engine in the middle of a recording.
    fn check_input(&self) -> Result<(), WeightsError> {
        let Self { card, blueprint, backbones, .. } = self;
        let mismatch = |difference: String| WeightsError::InputMismatch { name: card.name.clone(), difference };
        let (expected, is_head) = (blueprint.build.shape.bands, blueprint.entry.input_kind == InputKind::Features);
        if is_head == backbones.is_empty() {
            let differs = if is_head { "it is a head without backbones" } else { "it has backbones but is no head" };
            return Err(mismatch(differs.to_owned()));
        }
        let bands = blueprint.front_end.mel_bands;
        // A picture is resized to the network's rows, whatever the front end's bands.
        if !is_head && blueprint.entry.input_kind != InputKind::Pictures && bands != expected {
            return Err(mismatch(format!("it expects {expected} mel bands, its front end has {bands}")));
        }
        let (frames, least) = (blueprint.build.shape.frames, blueprint.entry.min_frames);
        if frames < least {
            return Err(mismatch(format!("its windows have {frames} frames, it needs at least {least}")));
        }
        if backbones.input_spec().is_some_and(|input_spec| input_spec.front_end != blueprint.front_end) {
            return Err(mismatch("its backbones have another front end".to_owned()));
        }
        let features = backbones.features();
        if is_head && features != expected {
            return Err(mismatch(format!("it expects {expected} features, its backbones have {features}")));
        }
        Ok(())
    }

    pub(crate) fn architecture(&self) -> Architecture {
        let entry = self.blueprint.entry;
        let (summary, source) = (entry.summary.to_owned(), entry.source.to_owned());
        Architecture { summary, source, parameters: self.network().parameters() }
    }

    pub(crate) fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    pub(crate) fn network(&self) -> &Network {
        self.network.network()
    }

    /// The network as it is computed without training.
    pub(crate) fn frozen(&self) -> &Frozen {
        &self.network
    }

    pub(crate) fn backbones(&self) -> &Backbones {
        &self.backbones
    }

    /// How many features its last layer classifies.
    pub(super) fn feature_width(&self) -> usize {
        *self.feature_width.get_or_init(|| {
            let Windowing { bands, frames, .. } = self.windowing();
            let columns = match self.input_kind() {
                InputKind::Windows { .. } => self.min_frames(),
                _ => frames,
            };
            // A window of silence: only the shape of the output is read, so nothing waits for the device.
            let silence = Tensor::zeros([1, bands, columns], &self.network().device());
            let [_, features] = self.network().features(silence).dims();
            features
        })
    }

    pub(crate) fn input_kind(&self) -> InputKind {
        self.blueprint.entry.input_kind
    }

    /// Its front end and windows; a head's are those of its backbones.
    pub(crate) fn input_spec(&self) -> InputSpec {
        self.backbones.input_spec().unwrap_or_else(|| self.blueprint.input_spec())
    }

    pub(crate) fn front_end(&self) -> &'static FrontEnd {
        self.input_spec().front_end
    }

    pub(crate) fn windowing(&self) -> Windowing {
        self.input_spec().windowing
    }

    /// The fewest columns of a segment that it can classify.
    pub(crate) fn min_frames(&self) -> usize {
        self.input_spec().min_frames
    }

    /// How many windows a batch on a graphics processor has: all windows of the longest segment, so that one launch is
    /// enough for a recording of 30 s.
    pub(crate) fn windows_per_launch(&self) -> usize {
        let InputSpec { front_end, windowing, .. } = self.input_spec();
        windowing.windows_of(front_end.most_columns()).min(MOST_WINDOWS_PER_LAUNCH)
    }

    /// Runs windows of one length, given as values `[windows, bands, frames]`, and leaves the outputs on the device: one
    /// row a window, for [`prediction`](Self::prediction).
    pub(super) fn launch(&self, values: Vec<f32>, bands: usize, frames: usize) -> Tensor<2> {
        let windows = to_tensor(values, bands, frames, &self.network().device());
        if self.backbones.is_empty() {
            return self.network.layers().forward(windows);
        }
        let (features, tags) = self.backbones.launch(&windows);
        let logits = self.network.layers().forward(features.unsqueeze_dim(2));
        if tags.is_empty() { logits } else { Tensor::cat([vec![logits], tags].concat(), 1) }
    }

    /// The prediction for a window from its row of a launch.
    pub(super) fn prediction(&self, row: &[f32]) -> WindowPrediction {
        let (logits, tags) = row.split_at(self.card.labels.len().min(row.len()));
        let multi_label = self.card.multi_label;
        WindowPrediction { probabilities: probabilities(logits, multi_label), tags: self.backbones.tags_of(tags) }
    }

    /// Predicts a few windows of one length. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn predict(
        &self,
        segments: &[Segment],
        spans: &[WindowSpan],
    ) -> Result<Vec<WindowPrediction>, ExecutionError> {
        let Some(first) = spans.first() else { return Ok(Vec::new()) };
        let windowing = self.windowing();
        if !is_cpu(&self.network().device()) {
            let rows = self.launch(windowing.values(segments, spans), windowing.bands, first.columns);
            return Ok(read_rows(rows).await?.iter().map(|row| self.prediction(row)).collect());
        }
        let (outputs, tags) = self.run(windowing.values(segments, spans), windowing.bands, first.columns).await?;
        let multi_label = self.card.multi_label;
        let prediction = |(output, tags): (Output, _)| WindowPrediction {
            probabilities: probabilities(&output.logits, multi_label),
            tags,
        };
        Ok(outputs.into_iter().zip(tags).map(prediction).collect())
    }

    /// Logits of windows `[windows, bands, frames]`, row-major `[windows, classes]`, to compare engines by. Waits for the
    /// device.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn logits(
        &self,
        values: Vec<f32>,
        bands: usize,
        frames: usize,
    ) -> Result<Vec<f32>, ExecutionError> {
        let (outputs, _) = self.run(values, bands, frames).await?;
        Ok(outputs.into_iter().flat_map(|output| output.logits).collect())
    }

    /// As [`logits`](Self::logits), for windows of full length, by launches like those of a recording.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn launched_logits(&self, values: Vec<f32>) -> Result<Vec<f32>, ExecutionError> {
        let Windowing { bands, frames, .. } = self.windowing();
        let batch = self.windows_per_launch() * bands * frames;
        let windows = values.len() / (bands * frames).max(1);
        let launch = |values: &[f32]| {
            let mut values = values.to_vec();
            values.resize(batch, 0.0);
            self.launch(values, bands, frames)
        };
        let rows = read_rows(Tensor::cat(values.chunks(batch.max(1)).map(launch).collect(), 0)).await?;
        let logits = |row: Vec<f32>| row.into_iter().take(self.card.labels.len());
        Ok(rows.into_iter().take(windows).flat_map(logits).collect())
    }

    /// The outputs for windows, and for each window its backbones' tags.
    async fn run(
        &self,
        values: Vec<f32>,
        bands: usize,
        frames: usize,
    ) -> Result<(Vec<Output>, Vec<Vec<Vec<f32>>>), ExecutionError> {
        if self.backbones.is_empty() {
            let found = self.network.outputs(values, bands, frames).await?;
            let no_tags = vec![Vec::new(); found.len()];
            return Ok((found, no_tags));
        }
        let Embeddings { rows, tags } = self.backbones.embed(&values, bands, frames).await?;
        let features = rows.first().map_or(0, Vec::len);
        Ok((self.network.outputs(rows.concat(), features, 1).await?, tags))
    }
}
