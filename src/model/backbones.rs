//! The networks that a head listens through.

use burn::tensor::{ExecutionError, Tensor};

use super::predict::outputs;
use super::spec::InputKind;
use super::weights::WeightsError;
use super::windows::{InputSpec, WindowSpan, Windowing};
use super::{Layers, Loaded, Part};
use crate::card::{Backbone, Card, Takes};
use crate::dsp::Segment;
use crate::eval::probabilities::probabilities;

/// Networks that all hear alike and for themselves, with what a head takes of each; none for a network that needs none.
#[derive(Debug, Clone, Default)]
pub struct Backbones(Vec<(Loaded, Takes)>);

/// What the backbones say of a few windows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embeddings {
    /// A row of features a window.
    pub rows: Vec<Vec<f32>>,
    /// Of every window, of every backbone that has tags, one probability a tag.
    pub tags: Vec<Vec<Vec<f32>>>,
}

impl Backbones {
    /// The networks that a head called `head` listens through.
    ///
    /// # Errors
    ///
    /// [`WeightsError::InputMismatch`] where they hear in different ways, or one of them through others.
    pub fn new(backbones: Vec<(Loaded, Takes)>, head: &str) -> Result<Self, WeightsError> {
        let mismatch = |difference: String| WeightsError::InputMismatch { name: head.to_owned(), difference };
        if let Some((backbone, _)) = backbones.iter().find(|(backbone, _)| !backbone.backbones().is_empty()) {
            let name = &backbone.card.name;
            return Err(mismatch(format!("'{name}', that it listens through, listens through others itself")));
        }
        let alike = |a: &Loaded, b: &Loaded| a.windowing() == b.windowing() && a.front_end() == b.front_end();
        if !backbones.windows(2).all(|two| alike(&two[0].0, &two[1].0)) {
            return Err(mismatch("the networks that it listens through hear in different ways".to_owned()));
        }
        Ok(Self(backbones))
    }

    /// True for a network that hears for itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How a recording is heard for all of them; `None` where there are none.
    pub fn input_spec(&self) -> Option<InputSpec> {
        let (first, _) = self.0.first()?;
        let least_columns = self.0.iter().map(|(backbone, _)| backbone.least_columns()).max()?;
        Some(InputSpec { least_columns, ..first.input_spec() })
    }

    /// As a head's card names them.
    pub fn cards(&self) -> Vec<Backbone> {
        let backbone = |(backbone, takes): &(Loaded, Takes)| {
            let Card { name, sha256, .. } = backbone.card.clone();
            Backbone { name, sha256, takes: *takes }
        };
        self.0.iter().map(backbone).collect()
    }

    /// The cards of those whose tags are told with every answer.
    pub fn tag_cards(&self) -> impl Iterator<Item = &Card> {
        self.0.iter().map(|(backbone, _)| &backbone.card).filter(|card| card.multi_label)
    }

    /// How many values a head takes of all of them for a window.
    pub fn features(&self) -> usize {
        self.0.iter().map(|(backbone, takes)| width(backbone, *takes)).sum()
    }

    /// What they say of windows `[windows, bands, frames]`. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn embed(&self, values: &[f32], bands: usize, frames: usize) -> Result<Embeddings, ExecutionError> {
        let windows = values.len() / (bands * frames).max(1);
        let mut embeddings = Embeddings { rows: vec![Vec::new(); windows], tags: vec![Vec::new(); windows] };
        for (backbone, takes) in &self.0 {
            let found = outputs(backbone.network(), Part::Whole, values.to_vec(), bands, frames).await?;
            for ((row, tags), answer) in embeddings.rows.iter_mut().zip(&mut embeddings.tags).zip(found) {
                if backbone.card.multi_label {
                    tags.push(probabilities(&answer.logits, true));
                }
                if *takes != Takes::Logits {
                    row.extend(answer.features);
                }
                if *takes != Takes::Features {
                    row.extend(answer.logits);
                }
            }
        }
        Ok(embeddings)
    }

    /// What they say of windows of one length. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn embed_windows(
        &self,
        windowing: &Windowing,
        segments: &[Segment],
        spans: &[WindowSpan],
    ) -> Result<Embeddings, ExecutionError> {
        let Some(first) = spans.first() else { return Ok(Embeddings::default()) };
        self.embed(&windowing.values(segments, spans), windowing.bands, first.columns).await
    }
}

/// How many values a head takes of a backbone for a window.
fn width(backbone: &Loaded, takes: Takes) -> usize {
    let logits = backbone.card.labels.len();
    if takes == Takes::Logits {
        return logits;
    }
    // A window of silence tells, and only its size is asked for; a head's is on its card.
    let Windowing { bands, frames, .. } = backbone.windowing();
    let columns = match backbone.input_kind() {
        InputKind::Windows { .. } => backbone.least_columns(),
        _ => frames,
    };
    let silence = Tensor::zeros([1, bands, columns], &backbone.network().device());
    let [_, features] = backbone.network().features(silence).dims();
    if takes == Takes::Both { features + logits } else { features }
}
