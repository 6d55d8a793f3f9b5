//! A model of a training job with the loaded networks that it needs: the input it takes, the weights it starts from, the
//! layers that are trained, and its card.

use burn::module::Module;
use burn::tensor::Device;

use super::{Engine, EngineError};
use crate::card::{BackboneOutput, Card, Structure};
use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::FrontEnd;
use crate::model::blueprint::BlueprintError;
use crate::model::registry::{ENTRIES, InputKind, entry};
use crate::model::transfer::transfer_weights;
use crate::model::weights::WeightsError;
use crate::model::windows::InputSpec;
use crate::model::{Backbones, Blueprint, Frozen, Loaded, Network, Part};
use crate::protocol::{ArchitectureInfo, Event};
use crate::recipe::Recipe;
use crate::train::fit::{FitJob, FittedNetwork, Start, fit, fresh};
use crate::train::observer::{FitError, TrainObserver};
use crate::training_job::{ModelSpec, TrainableLayers, TrainingJob};

/// A model to train, with its networks.
pub(super) struct ResolvedModel {
    kind: Kind,
    input_spec: InputSpec,
    /// The part of its card that does not depend on the training job.
    card: Card,
}

enum Kind {
    /// A new head on these.
    Head(Backbones),
    /// Fresh weights.
    FromScratch,
    /// From the weights of this network; the part is trained.
    FineTune(Box<Loaded>, Part),
}

impl Engine {
    /// The model of a specification. Its networks must be in use or loaded as backbones.
    pub(super) fn model(&self, model: &ModelSpec) -> Result<ResolvedModel, EngineError> {
        match model {
            ModelSpec::NewHead { backbones, hidden } => self.head(backbones, *hidden),
            ModelSpec::FromScratch { architecture, front_end, rows, frames, width } => {
                let known = FrontEnd::by_name(front_end).ok_or_else(|| BlueprintError::FrontEnd(front_end.clone()));
                let known = known.map_err(WeightsError::from)?;
                let mut card = empty_card(architecture)?;
                card.front_end.clone_from(front_end);
                card.structure.width = *width;
                (card.bands, card.frames) = (rows.unwrap_or(known.mel_bands), *frames);
                let input_spec = card.blueprint().map_err(WeightsError::from)?.input_spec();
                Ok(ResolvedModel { kind: Kind::FromScratch, input_spec, card })
            }
            ModelSpec::FineTune { network, layers } => self.fine_tune(network, *layers),
        }
    }

    fn head(&self, names: &[(String, BackboneOutput)], hidden: usize) -> Result<ResolvedModel, EngineError> {
        let backbone = |(name, output): &(String, _)| Ok::<_, WeightsError>((self.known(name)?.clone(), *output));
        let backbones = Backbones::new(names.iter().map(backbone).collect::<Result<_, _>>()?, "a new head")?;
        let input_spec = backbones.input_spec().ok_or(EngineError::NoNetwork)?;
        let mut card = empty_card("head")?;
        card.front_end = input_spec.front_end.name.to_owned();
        (card.bands, card.frames) = (input_spec.windowing.bands, input_spec.windowing.frames);
        (card.structure.hidden, card.structure.features) = (hidden, backbones.features());
        card.backbones = backbones.cards();
        Ok(ResolvedModel { kind: Kind::Head(backbones), input_spec, card })
    }

    fn fine_tune(&self, name: &str, layers: TrainableLayers) -> Result<ResolvedModel, EngineError> {
        let loaded = self.known(name)?.clone();
        if !loaded.backbones().is_empty() {
            return Err(EngineError::IsHead { network: name.to_owned() });
        }
        let part = match layers {
            TrainableLayers::Output => Part::Head,
            TrainableLayers::Last => Part::Last,
            TrainableLayers::All => Part::Whole,
        };
        let card = loaded.card.clone();
        Ok(ResolvedModel { input_spec: loaded.input_spec(), card, kind: Kind::FineTune(Box::new(loaded), part) })
    }

    /// A network that is in use or loaded as a backbone.
    fn known(&self, name: &str) -> Result<&Loaded, WeightsError> {
        // The visitor may fine-tune either.
        let all = self.backbones.iter().chain(&self.loaded);
        all.into_iter()
            .find(|known| known.card.name == name)
            .ok_or_else(|| WeightsError::Backbone { backbone: name.to_owned() })
    }

    /// The architectures that can be trained from scratch.
    pub(super) fn registry() -> Event {
        // A head has no input of its own, so it cannot be trained from scratch on audio.
        let trainable = ENTRIES.iter().filter(|entry| entry.input_kind != InputKind::Features);
        let known = trainable.map(|entry| {
            let preset = (entry.preset)();
            ArchitectureInfo {
                id: entry.id.to_owned(),
                summary: entry.summary.to_owned(),
                source: entry.source.to_owned(),
                front_end: preset.front_end.name.to_owned(),
                rows: (entry.input_kind == InputKind::Pictures).then_some(entry.paper_shape.bands),
                frames: entry.paper_shape.frames,
                min_frames: entry.min_frames,
                recipe: preset.recipe,
            }
        });
        Event::Registry(known.collect())
    }
}

impl ResolvedModel {
    /// The front end and the windows of its input.
    pub(super) fn input_spec(&self) -> &InputSpec {
        &self.input_spec
    }

    /// What computes a clip's features before they are cached.
    pub(super) fn embedder(&self) -> Embedder<'_> {
        match &self.kind {
            Kind::Head(backbones) => Embedder::Backbones(backbones),
            Kind::FineTune(loaded, part) if *part != Part::Whole => Embedder::FrozenLayers(loaded.frozen(), *part),
            _ => Embedder::Segments,
        }
    }

    /// The card of the network that a training job makes of it, without figures and SHA-256. The splits have `train` and
    /// `valid` clips.
    pub(super) fn card(&self, job: &TrainingJob, [train, valid]: [usize; 2]) -> Card {
        let own = format!("a dataset of its user's own: {train} training clips, {valid} validation clips");
        let data = match &self.kind {
            Kind::FineTune(loaded, _) => format!("{own}; before that, as {}: {}", loaded.card.name, loaded.card.data),
            _ => own,
        };
        // Without the clips: their names are private, and a card may be published.
        let recipe = serde_json::to_string(&TrainingJob { clips: Vec::new(), ..job.clone() }).unwrap_or_default();
        Card {
            name: job.name.clone(),
            labels: job.labels.clone(),
            multi_label: job.multi_label,
            data,
            recipe,
            figures: Default::default(),
            sha256: String::new(),
            // Architecture, sizes, front end, backbones and licence stay.
            ..self.card.clone()
        }
    }

    /// Trains the model on a job's splits, which hold what [`embedder`](Self::embedder) made of the clips.
    ///
    /// # Errors
    ///
    /// As [`fit`].
    pub(super) async fn fit(
        &self,
        blueprint: &Blueprint,
        recipe: &Recipe,
        [train, valid]: [&LabelledSet; 2],
        device: &Device,
        observer: &mut impl TrainObserver,
    ) -> Result<FittedNetwork, FitError> {
        let start = match &self.kind {
            Kind::Head(_) => Start::FreshHead(blueprint),
            Kind::FromScratch => Start::Fresh(blueprint),
            Kind::FineTune(loaded, part) => {
                let network = Box::new(transferred(loaded, blueprint, recipe, device, train));
                match part {
                    Part::Whole => Start::AllLayers { network, windowing: blueprint.windowing() },
                    part => Start::LastLayersOnInputs { network, part: *part },
                }
            }
        };
        fit(FitJob { start, recipe, train, valid, device }, observer).await
    }
}

/// What computes a clip's features before they are cached.
pub(super) enum Embedder<'a> {
    /// Nothing: all layers are trained, on windows of the segments themselves.
    Segments,
    /// Other networks.
    Backbones(&'a Backbones),
    /// The layers of a network that are not trained.
    FrozenLayers(&'a Frozen, Part),
}

/// A network with the weights of another. The output layer starts fresh unless the labels are the same.
fn transferred(loaded: &Loaded, blueprint: &Blueprint, recipe: &Recipe, device: &Device, set: &LabelledSet) -> Network {
    let keeps_output = loaded.card.labels == set.labels && loaded.card.multi_label == set.multi_label;
    // Fresh weights first, so that layers without a counterpart have random ones.
    let network = fresh(blueprint, recipe, device).valid();
    transfer_weights(network, loaded.network(), blueprint, keeps_output).train()
}

/// A card with what an architecture alone determines.
fn empty_card(architecture: &str) -> Result<Card, EngineError> {
    let known = entry(architecture).map_err(BlueprintError::from).map_err(WeightsError::from)?;
    Ok(Card {
        name: String::new(),
        summary: known.summary.to_owned(),
        architecture: architecture.to_owned(),
        structure: Structure::default(),
        backbones: Vec::new(),
        // Placeholders, which the callers replace.
        bands: 1,
        frames: 1,
        front_end: String::new(),
        labels: vec![String::new()],
        multi_label: false,
        data: String::new(),
        recipe: String::new(),
        figures: Default::default(),
        licence: "its maker's".to_owned(),
        sha256: String::new(),
    })
}
