//! What a student is once its networks are known: how it hears clips, what it starts from, how it learns, what its card
//! says.

use burn::module::Module;

use super::{Engine, EngineError};
use crate::card::{Card, Structure};
use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::FrontEnd;
use crate::model::build::BlueprintError;
use crate::model::registry::{ENTRIES, InputKind, entry};
use crate::model::transfer::transfer_weights;
use crate::model::weights::WeightsError;
use crate::model::windows::{InputSpec, Windowing};
use crate::model::{Backbones, Blueprint, Loaded, Network, Part};
use crate::protocol::{ArchitectureInfo, Event};
use crate::recipe::Recipe;
use crate::train::embeddings::width_of;
use crate::train::fit::{FittedNetwork, fit, fit_from, fit_on_features, fit_on_inputs, fresh};
use crate::train::observer::{FitError, TrainObserver};
use crate::training_job::{ModelSpec, TrainableLayers, TrainingJob};

/// A student with its networks.
pub struct ResolvedModel {
    kind: Kind,
    input_spec: InputSpec,
    /// Its card, as far as it tells without the lesson.
    card: Card,
}

enum Kind {
    /// A head on these.
    Head(Backbones),
    /// From fresh weights.
    Fresh,
    /// From what this one has learned.
    Tuned(Box<Loaded>, Part),
}

impl Engine {
    /// A student with its networks, which are in use or loaded as backbones.
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
                Ok(ResolvedModel { kind: Kind::Fresh, input_spec, card })
            }
            ModelSpec::FineTune { network, layers } => self.tuned(network, *layers),
        }
    }

    fn head(&self, names: &[(String, crate::card::Takes)], hidden: usize) -> Result<ResolvedModel, EngineError> {
        let backbone = |(name, takes): &(String, _)| Ok::<_, WeightsError>((self.known(name)?.clone(), *takes));
        let backbones = Backbones::new(names.iter().map(backbone).collect::<Result<_, _>>()?, "a head on them")?;
        let input_spec = backbones.input_spec().ok_or(EngineError::NoNetwork)?;
        let mut card = empty_card("head")?;
        card.front_end = input_spec.front_end.name.to_owned();
        (card.bands, card.frames) = (input_spec.windowing.bands, input_spec.windowing.frames);
        (card.structure.hidden, card.structure.features) = (hidden, backbones.features());
        card.backbones = backbones.cards();
        Ok(ResolvedModel { kind: Kind::Head(backbones), input_spec, card })
    }

    fn tuned(&self, name: &str, layers: TrainableLayers) -> Result<ResolvedModel, EngineError> {
        let loaded = self.known(name)?.clone();
        if !loaded.backbones().is_empty() {
            let difference = "it listens through others, and only a network that hears for itself goes on learning; \
                              teach a new head instead"
                .to_owned();
            return Err(WeightsError::InputMismatch { name: name.to_owned(), difference }.into());
        }
        let part = match layers {
            TrainableLayers::Output => Part::Head,
            TrainableLayers::Last => Part::Last,
            TrainableLayers::All => Part::Whole,
        };
        let card = loaded.card.clone();
        Ok(ResolvedModel { input_spec: loaded.input_spec(), card, kind: Kind::Tuned(Box::new(loaded), part) })
    }

    /// A network that is in use or loaded as a backbone.
    fn known(&self, name: &str) -> Result<&Loaded, WeightsError> {
        let all = self.backbones.iter().chain(&self.loaded);
        all.into_iter()
            .find(|known| known.card.name == name)
            .ok_or_else(|| WeightsError::Backbone { backbone: name.to_owned() })
    }

    /// The networks that can learn from fresh weights.
    pub(super) fn registry() -> Event {
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
                least_frames: entry.min_frames,
                recipe: preset.recipe,
            }
        });
        Event::Registry(known.collect())
    }
}

impl ResolvedModel {
    /// How it hears clips.
    pub fn input_spec(&self) -> &InputSpec {
        &self.input_spec
    }

    /// What a clip is heard through before it is kept; where there is nothing, its segments are.
    pub fn embedder(&self) -> Embedder<'_> {
        match &self.kind {
            Kind::Head(backbones) => Embedder::Backbones(backbones),
            Kind::Tuned(loaded, part) if *part != Part::Whole => Embedder::FrozenLayers(loaded.network(), *part),
            _ => Embedder::Segments,
        }
    }

    /// The card of the network that a lesson makes of it, with parts of so many clips, without figures and SHA-256.
    pub fn card(&self, job: &TrainingJob, [train, valid]: [usize; 2]) -> Card {
        let own = format!("a set of its user's own: {train} clips to learn from, {valid} to be judged by");
        let data = match &self.kind {
            Kind::Tuned(loaded, _) => format!("{own}; before that, as {}: {}", loaded.card.name, loaded.card.data),
            _ => own,
        };
        // Without the clips, which are nobody else's business.
        let recipe = serde_json::to_string(&TrainingJob { clips: Vec::new(), ..job.clone() }).unwrap_or_default();
        Card {
            name: job.name.clone(),
            labels: job.labels.clone(),
            multi_label: job.multi_label,
            data,
            recipe,
            figures: Default::default(),
            sha256: String::new(),
            ..self.card.clone()
        }
    }

    /// Trains it; also what of the fitted answers, and the windows of what it answers.
    ///
    /// # Errors
    ///
    /// As [`fit`].
    pub async fn fit(
        &self,
        blueprint: &Blueprint,
        recipe: &Recipe,
        [train, valid]: [&LabelledSet; 2],
        engine: &Engine,
        observer: &mut impl TrainObserver,
    ) -> Result<(FittedNetwork, Part, Windowing), FitError> {
        let device = &engine.device;
        match &self.kind {
            Kind::Head(_) => {
                let fitted = fit_on_features(blueprint, recipe, train, valid, device, observer).await?;
                Ok((fitted, Part::Whole, Windowing::of_features(blueprint.build.shape.bands)))
            }
            Kind::Fresh => {
                let fitted = fit(blueprint, recipe, train, valid, device, observer).await?;
                Ok((fitted, Part::Whole, blueprint.windowing()))
            }
            Kind::Tuned(loaded, Part::Whole) => {
                let network = begun(loaded, blueprint, recipe, engine, train);
                let windowing = blueprint.windowing();
                let fitted = fit_from(network, &windowing, recipe, train, valid, observer).await?;
                Ok((fitted, Part::Whole, windowing))
            }
            Kind::Tuned(loaded, part) => {
                let network = begun(loaded, blueprint, recipe, engine, train);
                let fitted = fit_on_inputs(network, *part, recipe, train, valid, observer).await?;
                Ok((fitted, *part, Windowing::of_features(width_of(train))))
            }
        }
    }
}

/// What a clip is heard through before it is kept.
pub enum Embedder<'a> {
    /// Nothing: the network hears for itself.
    Segments,
    /// Other networks.
    Backbones(&'a Backbones),
    /// The layers of a network that do not learn.
    FrozenLayers(&'a Network, Part),
}

/// A network that goes on from what another has learned.
fn begun(loaded: &Loaded, blueprint: &Blueprint, recipe: &Recipe, engine: &Engine, set: &LabelledSet) -> Network {
    let keeps_output = loaded.card.labels == set.labels && loaded.card.multi_label == set.multi_label;
    let network = fresh(blueprint, recipe, &engine.device).valid();
    transfer_weights(network, loaded.network(), blueprint, keeps_output).train()
}

/// The card of an architecture, as far as that alone tells.
fn empty_card(architecture: &str) -> Result<Card, EngineError> {
    let known = entry(architecture).map_err(BlueprintError::from).map_err(WeightsError::from)?;
    Ok(Card {
        name: String::new(),
        summary: known.summary.to_owned(),
        architecture: architecture.to_owned(),
        structure: Structure::default(),
        backbones: Vec::new(),
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
