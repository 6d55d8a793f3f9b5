//! A network with its weights and its card, ready to hear; a head with the networks that it listens through.

use burn::tensor::{Device, ExecutionError};

use super::backbones::{Backbones, Embeddings};
use super::predict::{Output, outputs};
use super::spec::InputKind;
use super::weights::{self, WeightsError};
use super::windows::{InputSpec, WindowSpan, Windowing};
use super::{Blueprint, Network, Part};
use crate::card::{Architecture, Card};
use crate::dsp::{FrontEnd, Segment};
use crate::eval::probabilities::probabilities;

/// A network in use.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it is.
    pub card: Card,
    blueprint: Blueprint,
    network: Network,
    backbones: Backbones,
}

/// What is heard in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowPrediction {
    /// One probability a label.
    pub probabilities: Vec<f32>,
    /// Of every backbone that has many labels (tags), one probability a label.
    pub tags: Vec<Vec<f32>>,
}

impl Loaded {
    /// The network of a card with these weights, on this device; what it listens through is taken from `known`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`], among others where a backbone is not known.
    pub fn new(bytes: Vec<u8>, card: Card, known: &[Self], device: &Device) -> Result<Self, WeightsError> {
        let network = weights::from_bytes(bytes, &card, device)?;
        Self::of(network, card, known)
    }

    /// A network that is there already, with its card.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Backbone`] or [`WeightsError::OtherBackbone`] where what it listens through is not known,
    /// [`WeightsError::Blueprint`] where the card describes no network, and [`WeightsError::InputMismatch`] where what is heard
    /// does not fit it.
    pub fn of(network: Network, card: Card, known: &[Self]) -> Result<Self, WeightsError> {
        let blueprint = card.blueprint()?;
        let backbone = |wanted: &crate::card::Backbone| {
            let found = known.iter().find(|backbone| backbone.card.name == wanted.name);
            match found {
                Some(backbone) if backbone.card.sha256 == wanted.sha256 => Ok((backbone.clone(), wanted.takes)),
                Some(_) => Err(WeightsError::OtherBackbone { backbone: wanted.name.clone() }),
                None => Err(WeightsError::Backbone { backbone: wanted.name.clone() }),
            }
        };
        let backbones = Backbones::new(card.backbones.iter().map(backbone).collect::<Result<_, _>>()?, &card.name)?;
        let loaded = Self { card, blueprint, network, backbones };
        loaded.check_input()?;
        Ok(loaded)
    }

    /// Checks that what is heard is what the network expects: a card may come from anywhere, and a wrong size would stop
    /// the engine in the middle of a recording.
    fn check_input(&self) -> Result<(), WeightsError> {
        let Self { card, blueprint, backbones, .. } = self;
        let mismatch = |difference: String| WeightsError::InputMismatch { name: card.name.clone(), difference };
        let (expected, is_head) = (blueprint.build.shape.bands, blueprint.entry.input_kind == InputKind::Features);
        if is_head == backbones.is_empty() {
            let differs = if is_head { "is a head and names no network" } else { "is no head and names a network" };
            return Err(mismatch(format!("it {differs} that it listens through")));
        }
        let bands = blueprint.front_end.mel_bands;
        if !is_head && blueprint.entry.input_kind != InputKind::Pictures && bands != expected {
            return Err(mismatch(format!("it hears {expected} bands, its front end has {bands}")));
        }
        let (frames, least) = (blueprint.build.shape.frames, blueprint.entry.min_frames);
        if frames < least {
            return Err(mismatch(format!("its windows have {frames} frames, and it needs {least} at least")));
        }
        if backbones.input_spec().is_some_and(|input_spec| input_spec.front_end != blueprint.front_end) {
            return Err(mismatch("the networks that it listens through hear through another front end".to_owned()));
        }
        let features = backbones.features();
        if is_head && features != expected {
            return Err(mismatch(format!(
                "it decides from {expected} features, what it listens through has {features}"
            )));
        }
        Ok(())
    }

    /// How it is built.
    pub fn architecture(&self) -> Architecture {
        let entry = self.blueprint.entry;
        let (summary, source) = (entry.summary.to_owned(), entry.source.to_owned());
        Architecture { summary, source, parameters: self.network.parameters() }
    }

    /// The network itself.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What it listens through.
    pub fn backbones(&self) -> &Backbones {
        &self.backbones
    }

    /// What a window is to it.
    pub fn input_kind(&self) -> InputKind {
        self.blueprint.entry.input_kind
    }

    /// How a recording is heard for it: a head's ears are those of its backbones.
    pub fn input_spec(&self) -> InputSpec {
        self.backbones.input_spec().unwrap_or_else(|| self.blueprint.input_spec())
    }

    /// The front end it hears through.
    pub fn front_end(&self) -> &'static FrontEnd {
        self.input_spec().front_end
    }

    /// The windows of what is heard.
    pub fn windowing(&self) -> Windowing {
        self.input_spec().windowing
    }

    /// The fewest columns that can be heard.
    pub fn least_columns(&self) -> usize {
        self.input_spec().least_columns
    }

    /// What it says of a few windows of one length. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn predict(
        &self,
        segments: &[Segment],
        spans: &[WindowSpan],
    ) -> Result<Vec<WindowPrediction>, ExecutionError> {
        let Some(first) = spans.first() else { return Ok(Vec::new()) };
        let windowing = self.windowing();
        let (answers, tags) = self.run(windowing.values(segments, spans), windowing.bands, first.columns).await?;
        let multi_label = self.card.multi_label;
        let prediction = |(answer, tags): (Output, _)| WindowPrediction {
            probabilities: probabilities(&answer.logits, multi_label),
            tags,
        };
        Ok(answers.into_iter().zip(tags).map(prediction).collect())
    }

    /// Its logits of windows `[windows, bands, frames]`, row-major: for comparing engines. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn logits(&self, values: Vec<f32>, bands: usize, frames: usize) -> Result<Vec<f32>, ExecutionError> {
        let (answers, _) = self.run(values, bands, frames).await?;
        Ok(answers.into_iter().flat_map(|answer| answer.logits).collect())
    }

    /// Its answers to windows, and of each window its backbones' tags.
    async fn run(
        &self,
        values: Vec<f32>,
        bands: usize,
        frames: usize,
    ) -> Result<(Vec<Output>, Vec<Vec<Vec<f32>>>), ExecutionError> {
        if self.backbones.is_empty() {
            let found = outputs(&self.network, Part::Whole, values, bands, frames).await?;
            let no_tags = vec![Vec::new(); found.len()];
            return Ok((found, no_tags));
        }
        let Embeddings { rows, tags } = self.backbones.embed(&values, bands, frames).await?;
        let features = rows.first().map_or(0, Vec::len);
        Ok((outputs(&self.network, Part::Whole, rows.concat(), features, 1).await?, tags))
    }
}
