//! The networks that a head listens through.

use burn::tensor::{ExecutionError, Tensor};

use super::predict::{answers, probabilities};
use super::registry::InputKind;
use super::weights::WeightsError;
use super::windows::{InputSpec, Place, Windowing};
use super::{Layers, Loaded, Part};
use crate::card::{Base, Card, Takes};
use crate::dsp::Segment;

/// Networks that all hear alike and for themselves, with what a head takes of each; none for a network that needs none.
#[derive(Debug, Clone, Default)]
pub struct Bases(Vec<(Loaded, Takes)>);

/// What the bases say of a few windows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listened {
    /// A row of features a window.
    pub rows: Vec<Vec<f32>>,
    /// Of every window, of every base that has tags, one probability a tag.
    pub tags: Vec<Vec<Vec<f32>>>,
}

impl Bases {
    /// The networks that a head called `head` listens through.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Unheard`] where they hear in different ways, or one of them through others.
    pub fn new(bases: Vec<(Loaded, Takes)>, head: &str) -> Result<Self, WeightsError> {
        let unheard = |difference: String| WeightsError::Unheard { name: head.to_owned(), difference };
        if let Some((base, _)) = bases.iter().find(|(base, _)| !base.bases().is_empty()) {
            let name = &base.card.name;
            return Err(unheard(format!("'{name}', that it listens through, listens through others itself")));
        }
        let alike = |a: &Loaded, b: &Loaded| a.windowing() == b.windowing() && a.front_end() == b.front_end();
        if !bases.windows(2).all(|two| alike(&two[0].0, &two[1].0)) {
            return Err(unheard("the networks that it listens through hear in different ways".to_owned()));
        }
        Ok(Self(bases))
    }

    /// True for a network that hears for itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How a recording is heard for all of them; `None` where there are none.
    pub fn input_spec(&self) -> Option<InputSpec> {
        let (first, _) = self.0.first()?;
        let least_columns = self.0.iter().map(|(base, _)| base.least_columns()).max()?;
        Some(InputSpec { least_columns, ..first.input_spec() })
    }

    /// As a head's card names them.
    pub fn cards(&self) -> Vec<Base> {
        let base = |(base, takes): &(Loaded, Takes)| {
            let Card { name, sha256, .. } = base.card.clone();
            Base { name, sha256, takes: *takes }
        };
        self.0.iter().map(base).collect()
    }

    /// The cards of those whose tags are told with every answer.
    pub fn tag_cards(&self) -> impl Iterator<Item = &Card> {
        self.0.iter().map(|(base, _)| &base.card).filter(|card| card.many_labels)
    }

    /// How many values a head takes of all of them for a window.
    pub fn features(&self) -> usize {
        self.0.iter().map(|(base, takes)| width(base, *takes)).sum()
    }

    /// What they say of windows `[windows, bands, frames]`. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn listen(&self, values: &[f32], bands: usize, frames: usize) -> Result<Listened, ExecutionError> {
        let windows = values.len() / (bands * frames).max(1);
        let mut listened = Listened { rows: vec![Vec::new(); windows], tags: vec![Vec::new(); windows] };
        for (base, takes) in &self.0 {
            let found = answers(base.network(), Part::Whole, values.to_vec(), bands, frames).await?;
            for ((row, tags), answer) in listened.rows.iter_mut().zip(&mut listened.tags).zip(found) {
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
        Ok(listened)
    }

    /// What they say of windows of one length. Waits for the device.
    ///
    /// # Errors
    ///
    /// The device's, where it was lost.
    pub async fn listen_to(
        &self,
        windowing: &Windowing,
        segments: &[Segment],
        places: &[Place],
    ) -> Result<Listened, ExecutionError> {
        let Some(first) = places.first() else { return Ok(Listened::default()) };
        self.listen(&windowing.values(segments, places), windowing.bands, first.columns).await
    }
}

/// How many values a head takes of a base for a window.
fn width(base: &Loaded, takes: Takes) -> usize {
    let logits = base.card.labels.len();
    if takes == Takes::Logits {
        return logits;
    }
    // A window of silence tells, and only its size is asked for; a head's is on its card.
    let Windowing { bands, frames, .. } = base.windowing();
    let columns = match base.input_kind() {
        InputKind::Windows { .. } => base.least_columns(),
        _ => frames,
    };
    let silence = Tensor::zeros([1, bands, columns], &base.network().device());
    let [_, features] = base.network().features(silence).dims();
    if takes == Takes::Both { features + logits } else { features }
}
