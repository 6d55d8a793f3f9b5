//! The networks that a head uses as feature extractors.

use burn::tensor::{ExecutionError, Tensor};

use super::layers::Layers as _;
use super::loaded::Loaded;
use super::predict::{is_cpu, read_rows};
use super::weights::WeightsError;
use super::windows::{InputSpec, WindowSpan, Windowing, to_tensor};
use crate::card::{Backbone, BackboneOutput, Card};
use crate::dsp::Segment;
use crate::eval::probabilities::probabilities;

/// Networks with the same input, and which output of each a head uses; empty for a network that is no head.
#[derive(Debug, Clone, Default)]
pub struct Backbones(Vec<(Loaded, BackboneOutput)>);

/// What the backbones compute of a few windows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Embeddings {
    /// The features of each window, `[windows][features]`: those of all backbones, one after another.
    pub rows: Vec<Vec<f32>>,
    /// `[windows][backbones with tags][tags]`, probabilities 0..1.
    pub tags: Vec<Vec<Vec<f32>>>,
}

impl Backbones {
    /// The backbones of the head called `head`.
    ///
    /// # Errors
    ///
    /// [`WeightsError::InputMismatch`] if their inputs differ, or if one of them is itself a head.
    pub(crate) fn new(backbones: Vec<(Loaded, BackboneOutput)>, head: &str) -> Result<Self, WeightsError> {
        let mismatch = |difference: String| WeightsError::InputMismatch { name: head.to_owned(), difference };
        if let Some((backbone, _)) = backbones.iter().find(|(backbone, _)| !backbone.backbones().is_empty()) {
            let name = &backbone.card.name;
            return Err(mismatch(format!("its backbone '{name}' is a head, which has backbones of its own")));
        }
        let same_input = |a: &Loaded, b: &Loaded| a.windowing() == b.windowing() && a.front_end() == b.front_end();
        if !backbones.windows(2).all(|two| same_input(&two[0].0, &two[1].0)) {
            return Err(mismatch("its backbones have different front ends or windows".to_owned()));
        }
        Ok(Self(backbones))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The input of all of them; `None` if there are none.
    pub(crate) fn input_spec(&self) -> Option<InputSpec> {
        let (first, _) = self.0.first()?;
        let min_frames = self.0.iter().map(|(backbone, _)| backbone.min_frames()).max()?;
        Some(InputSpec { min_frames, ..first.input_spec() })
    }

    /// As a head's card names them.
    pub(crate) fn cards(&self) -> Vec<Backbone> {
        let backbone = |(backbone, output): &(Loaded, BackboneOutput)| {
            let Card { name, sha256, .. } = backbone.card.clone();
            Backbone { name, sha256, output: *output }
        };
        self.0.iter().map(backbone).collect()
    }

    /// The cards of those that predict tags, which every prediction of the head comes with.
    pub(crate) fn tag_cards(&self) -> impl Iterator<Item = &Card> {
        self.0.iter().map(|(backbone, _)| &backbone.card).filter(|card| card.multi_label)
    }

    /// How many values a head gets of a window: the sum over all backbones.
    pub(crate) fn features(&self) -> usize {
        let values = |(backbone, output): &(Loaded, BackboneOutput)| match output {
            BackboneOutput::Features => backbone.feature_width(),
            BackboneOutput::Logits => backbone.card.labels.len(),
            BackboneOutput::Both => backbone.feature_width() + backbone.card.labels.len(),
        };
        self.0.iter().map(values).sum()
    }

    /// Embeds windows and leaves the outcome on the device: the features of all backbones side by side,
    /// `[windows, features]`, and the logits of each that predicts tags, `[windows, tags]`.
    ///
    /// # Shapes
    ///
    /// - windows: `[windows, bands, frames]`
    pub(super) fn launch(&self, windows: &Tensor<3>) -> (Tensor<2>, Vec<Tensor<2>>) {
        let (mut rows, mut tags) = (Vec::new(), Vec::new());
        for (backbone, wanted) in &self.0 {
            let features = backbone.frozen().layers().features(windows.clone());
            let is_tagger = backbone.card.multi_label;
            // Only tags are shown beside the head's own classes, not the genres of a backbone.
            let logits = (is_tagger || *wanted != BackboneOutput::Features)
                .then(|| backbone.frozen().layers().classify(features.clone()));
            if *wanted != BackboneOutput::Logits {
                rows.push(features);
            }
            if *wanted != BackboneOutput::Features {
                rows.extend(logits.clone());
            }
            tags.extend(logits.filter(|_| is_tagger));
        }
        (Tensor::cat(rows, 1), tags)
    }

    /// Embeds windows, given as values `[windows, bands, frames]`. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn embed(
        &self,
        values: &[f32],
        bands: usize,
        frames: usize,
    ) -> Result<Embeddings, ExecutionError> {
        if let Some((backbone, _)) = self.0.first()
            && !is_cpu(&backbone.network().device())
        {
            return self.embed_at_once(to_tensor(values.to_vec(), bands, frames, &backbone.network().device())).await;
        }
        let windows = values.len() / (bands * frames).max(1);
        let mut embeddings = Embeddings { rows: vec![Vec::new(); windows], tags: vec![Vec::new(); windows] };
        for (backbone, wanted) in &self.0 {
            let found = backbone.frozen().outputs(values.to_vec(), bands, frames).await?;
            for ((row, tags), output) in embeddings.rows.iter_mut().zip(&mut embeddings.tags).zip(found) {
                // Only tags are shown beside the head's own classes, not the genres of a backbone.
                if backbone.card.multi_label {
                    tags.push(probabilities(&output.logits, true));
                }
                if *wanted != BackboneOutput::Logits {
                    row.extend(output.features);
                }
                if *wanted != BackboneOutput::Features {
                    row.extend(output.logits);
                }
            }
        }
        Ok(embeddings)
    }

    /// Embeds windows on a graphics processor, from which all backbones' outputs are read at once. Waits for the device.
    async fn embed_at_once(&self, windows: Tensor<3>) -> Result<Embeddings, ExecutionError> {
        let (features, tags) = self.launch(&windows);
        let width = features.dims()[1];
        let all = read_rows(Tensor::cat([vec![features], tags].concat(), 1)).await?;
        let tags = all.iter().map(|row| self.tags_of(&row[width..])).collect();
        Ok(Embeddings { rows: all.iter().map(|row| row[..width].to_vec()).collect(), tags })
    }

    /// `[backbones with tags][tags]`, probabilities 0..1, from their logits of one window, one backbone after another.
    pub(super) fn tags_of(&self, mut logits: &[f32]) -> Vec<Vec<f32>> {
        let tags = |card: &Card| {
            let (own, others) = logits.split_at(card.labels.len().min(logits.len()));
            logits = others;
            probabilities(own, true)
        };
        self.tag_cards().map(tags).collect()
    }

    /// Embeds windows of one length. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn embed_windows(
        &self,
        windowing: &Windowing,
        segments: &[Segment],
        spans: &[WindowSpan],
    ) -> Result<Embeddings, ExecutionError> {
        let Some(first) = spans.first() else { return Ok(Embeddings::default()) };
        self.embed(&windowing.values(segments, spans), windowing.bands, first.columns).await
    }
}
