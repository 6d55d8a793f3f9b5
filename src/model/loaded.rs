//! A network with its weights and its card, ready to hear; a head with the networks that it listens through.

use burn::tensor::{Device, ExecutionError, Tensor};

use super::predict::{Answer, answers, probabilities};
use super::registry::Hears;
use super::weights::{self, WeightsError};
use super::windows::{Place, Windowing};
use super::{Blueprint, Layers, Network, Part};
use crate::card::{Card, Takes};
use crate::dsp::{FrontEnd, Segment};
use crate::protocol::Architecture;

/// A network in use.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it is.
    pub card: Card,
    blueprint: Blueprint,
    network: Network,
    bases: Vec<(Self, Takes)>,
}

/// What is heard in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// One probability a label.
    pub probabilities: Vec<f32>,
    /// Of every base that has many labels (tags), one probability a label.
    pub tags: Vec<Vec<f32>>,
}

impl Loaded {
    /// The network of a card with these weights, on this device; what it listens through is taken from `known`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`], among others where a base is not known.
    pub fn new(bytes: Vec<u8>, card: Card, known: &[Self], device: &Device) -> Result<Self, WeightsError> {
        let network = weights::from_bytes(bytes, &card, device)?;
        Self::of(network, card, known)
    }

    /// A network that is there already, with its card.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Base`] or [`WeightsError::OtherBase`] where what it listens through is not known,
    /// [`WeightsError::Blueprint`] where the card describes no network, and [`WeightsError::Unheard`] where what is heard
    /// does not fit it.
    pub fn of(network: Network, card: Card, known: &[Self]) -> Result<Self, WeightsError> {
        let blueprint = card.blueprint()?;
        let base = |wanted: &crate::card::Base| {
            let found = known.iter().find(|base| base.card.name == wanted.name);
            match found {
                Some(base) if base.card.sha256 == wanted.sha256 => Ok((base.clone(), wanted.takes)),
                Some(_) => Err(WeightsError::OtherBase { base: wanted.name.clone() }),
                None => Err(WeightsError::Base { base: wanted.name.clone() }),
            }
        };
        let bases = card.bases.iter().map(base).collect::<Result<Vec<_>, _>>()?;
        let loaded = Self { card, blueprint, network, bases };
        loaded.check_heard()?;
        Ok(loaded)
    }

    /// Checks that what is heard is what the network expects: a card may come from anywhere, and a wrong size would stop
    /// the engine in the middle of a recording.
    fn check_heard(&self) -> Result<(), WeightsError> {
        let Self { card, blueprint, bases, .. } = self;
        let unheard = |difference: String| WeightsError::Unheard { name: card.name.clone(), difference };
        let (expected, listens) = (blueprint.build.shape.bands, blueprint.entry.hears == Hears::Features);
        if listens == bases.is_empty() {
            let differs = if listens { "is a head and names no network" } else { "is no head and names a network" };
            return Err(unheard(format!("it {differs} that it listens through")));
        }
        let bands = blueprint.front_end.mel_bands;
        if !listens && blueprint.entry.hears != Hears::Pictures && bands != expected {
            return Err(unheard(format!("it hears {expected} bands, its front end has {bands}")));
        }
        let alike =
            |(base, _): &(Self, Takes)| base.windowing() == self.windowing() && base.front_end() == blueprint.front_end;
        if !bases.iter().all(alike) {
            return Err(unheard("the networks that it listens through hear in different ways".to_owned()));
        }
        let features: usize = bases.iter().map(|(base, takes)| base.width(*takes)).sum();
        if listens && features != expected {
            return Err(unheard(format!(
                "it decides from {expected} features, what it listens through has {features}"
            )));
        }
        Ok(())
    }

    /// How many values a head takes of it for a window.
    fn width(&self, takes: Takes) -> usize {
        let logits = self.card.labels.len();
        if takes == Takes::Logits {
            return logits;
        }
        // A window of silence tells, and only its size is asked for; a head's is on its card.
        let Windowing { bands, frames, .. } = self.blueprint.windowing();
        let columns = match self.blueprint.entry.hears {
            Hears::Windows { .. } => self.blueprint.entry.min_frames,
            _ => frames,
        };
        let silence = Tensor::zeros([1, bands, columns], &self.network.device());
        let [_, features] = self.network.features(silence).dims();
        if takes == Takes::Both { features + logits } else { features }
    }

    /// How it is built.
    pub fn architecture(&self) -> Architecture {
        let entry = self.blueprint.entry;
        let (summary, source) = (entry.summary.to_owned(), entry.source.to_owned());
        Architecture { summary, source, parameters: self.network.parameters() }
    }

    /// The front end it hears through.
    pub fn front_end(&self) -> &'static FrontEnd {
        self.blueprint.front_end
    }

    /// The network itself.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The cards of the bases whose tags are told with every answer.
    pub fn tag_cards(&self) -> impl Iterator<Item = &Card> {
        self.bases.iter().map(|(base, _)| &base.card).filter(|card| card.many_labels)
    }

    /// The windows of what is heard: a head's are those of its bases.
    pub fn windowing(&self) -> Windowing {
        self.bases.first().map_or_else(|| self.blueprint.windowing(), |(base, _)| base.windowing())
    }

    /// The fewest columns that can be heard.
    pub fn least_columns(&self) -> usize {
        self.bases.first().map_or(self.blueprint.entry.min_frames, |(base, _)| base.least_columns())
    }

    /// What it says of a few windows of one length. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn hear(&self, segments: &[Segment], places: &[Place]) -> Result<Vec<Heard>, ExecutionError> {
        let Some(first) = places.first() else { return Ok(Vec::new()) };
        let windowing = self.windowing();
        let (answers, tags) = self.run(windowing.values(segments, places), windowing.bands, first.columns).await?;
        let many_labels = self.card.many_labels;
        let heard =
            |(answer, tags): (Answer, _)| Heard { probabilities: probabilities(&answer.logits, many_labels), tags };
        Ok(answers.into_iter().zip(tags).map(heard).collect())
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

    /// Its answers to windows, and of each window its bases' tags.
    async fn run(&self, values: Vec<f32>, bands: usize, frames: usize) -> Result<(Vec<Answer>, Tags), ExecutionError> {
        if self.bases.is_empty() {
            let found = answers(&self.network, Part::Whole, values, bands, frames).await?;
            let no_tags = vec![Vec::new(); found.len()];
            return Ok((found, no_tags));
        }
        let (rows, tags) = listen(&self.bases, &values, bands, frames).await?;
        let features = rows.first().map_or(0, Vec::len);
        Ok((answers(&self.network, Part::Whole, rows.concat(), features, 1).await?, tags))
    }
}

/// Of every window, of every base that has tags, one probability a tag.
pub type Tags = Vec<Vec<Vec<f32>>>;

/// What a head takes of these bases' answers to windows `[windows, bands, frames]`: a row of features a window, and the
/// tags beside. Waits for the device.
///
/// # Errors
///
/// The device's, where it was lost.
pub async fn listen(
    bases: &[(Loaded, Takes)],
    values: &[f32],
    bands: usize,
    frames: usize,
) -> Result<(Vec<Vec<f32>>, Tags), ExecutionError> {
    let windows = values.len() / (bands * frames).max(1);
    let (mut rows, mut tags) = (vec![Vec::new(); windows], vec![Vec::new(); windows]);
    for (base, takes) in bases {
        let found = answers(&base.network, Part::Whole, values.to_vec(), bands, frames).await?;
        for ((row, tags), answer) in rows.iter_mut().zip(&mut tags).zip(found) {
            if base.card.many_labels {
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
    Ok((rows, tags))
}
