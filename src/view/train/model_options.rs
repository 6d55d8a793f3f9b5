//! The models that can be trained: a new head on MusiCNN, a pretrained network that is fine-tuned, or a network from
//! scratch; and the ready-made recipes for each.

use crate::card::BackboneOutput;
use crate::protocol::ArchitectureInfo;
use crate::recipe::{Keep, OptimiserKind, Recipe, Schedule};
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::classify::networks::Catalogue;

/// What training starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelGroup {
    /// A new head on the features of MusiCNN.
    NewHead,
    /// A pretrained network.
    FineTune,
    /// Random weights.
    FromScratch,
}

impl ModelGroup {
    /// All of them, in the order in which the page offers them.
    pub const ALL: [Self; 3] = [Self::NewHead, Self::FineTune, Self::FromScratch];
}

/// A model that can be trained.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelOption {
    /// Its value in the select box: `head`, `tuned:NAME`, or the architecture's name in the registry.
    pub id: String,
    /// What training starts from.
    pub group: ModelGroup,
    /// The pretrained network, or the architecture, by its name; empty for the head.
    pub network: String,
    /// What that network is; empty if that is not known yet.
    pub summary: String,
}

/// The head's value in the select box.
const HEAD: &str = "head";
/// The architecture that is offered first, and the only one until the engine has listed the others.
const FIRST: &str = "lens";
/// The prefix of the values of pretrained networks.
const TUNED: &str = "tuned:";
/// The networks that MusiCNN consists of, by name.
const MUSICNN: [&str; 2] = ["musicnn-msd", "musicnn-mtt"];
/// Columns of the windows of networks from scratch: 3 s of [`FRONT_END`].
const FRAMES: usize = 39;
/// The front end of networks from scratch, unless that of their paper is chosen.
const FRONT_END: &str = "gtzan-logmel";

/// The models that can be trained on a site with these networks, by an engine with these architectures.
pub fn model_options(list: &Catalogue, architectures: &[ArchitectureInfo]) -> Vec<ModelOption> {
    let has_musicnn = MUSICNN.iter().all(|name| list.entry(name).is_some());
    let option = |group, id: String, network: &str, summary: &str| ModelOption {
        id,
        group,
        network: network.to_owned(),
        summary: summary.to_owned(),
    };
    let head = has_musicnn.then(|| option(ModelGroup::NewHead, HEAD.to_owned(), "", ""));
    // A head has no weights to fine-tune but its own few: only networks that take spectrograms are offered.
    let pretrained = list.networks.iter().filter(|offer| offer.backbones.is_empty());
    let pretrained = pretrained
        .map(|offer| option(ModelGroup::FineTune, format!("{TUNED}{}", offer.name), &offer.name, &offer.summary));
    let from_scratch = |id: &str, summary: &str| option(ModelGroup::FromScratch, id.to_owned(), id, summary);
    let mut others: Vec<&ArchitectureInfo> = architectures.iter().filter(|own| own.id != HEAD).collect();
    // A stable sort: the others stay in the registry's order.
    others.sort_by_key(|own| own.id != FIRST);
    let alone = others.is_empty().then(|| from_scratch(FIRST, ""));
    let others: Vec<ModelOption> = others.iter().map(|own| from_scratch(&own.id, &own.summary)).collect();
    head.into_iter().chain(pretrained).chain(alone).chain(others).collect()
}

/// The model that the page selects at first.
pub fn default(model_options: &[ModelOption]) -> &str {
    if model_options.iter().any(|option| option.group == ModelGroup::NewHead) { HEAD } else { FIRST }
}

/// True for the smallest architecture, which needs the fewest clips.
pub(super) fn is_smallest(option: &ModelOption) -> bool {
    option.id == FIRST
}

/// What can be chosen about a model besides itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelChoices {
    /// Units of a head's hidden layer; 0 for none.
    pub hidden: usize,
    /// Which layers of a pretrained network are trained.
    pub layers: TrainableLayers,
    /// True for the front end of the architecture's paper, false for the usual one of 3 s.
    pub documented: bool,
    /// Share of the channels that the architecture's paper has, above 0.
    pub width: f64,
}

impl Default for ModelChoices {
    fn default() -> Self {
        Self { hidden: 0, layers: TrainableLayers::Output, documented: false, width: 1.0 }
    }
}

/// The group of a value in the select box.
pub fn group(id: &str) -> ModelGroup {
    match id {
        HEAD => ModelGroup::NewHead,
        _ if id.starts_with(TUNED) => ModelGroup::FineTune,
        _ => ModelGroup::FromScratch,
    }
}

/// The model of a value in the select box. A choice that it does not allow is replaced by one that it does: see [`layers`]
/// and [`front_ends`].
pub fn model_spec(id: &str, choices: &ModelChoices, architectures: &[ArchitectureInfo]) -> ModelSpec {
    match (group(id), id.strip_prefix(TUNED)) {
        (ModelGroup::NewHead, _) => {
            let backbones = MUSICNN.map(|name| (name.to_owned(), BackboneOutput::Features)).to_vec();
            ModelSpec::NewHead { backbones, hidden: choices.hidden }
        }
        (_, Some(network)) => {
            let layers = if layers(id).contains(&choices.layers) { choices.layers } else { TrainableLayers::Output };
            ModelSpec::FineTune { network: network.to_owned(), layers }
        }
        _ => {
            // The other one is always allowed: there are only two.
            let documented = if front_ends(id, architectures).contains(&choices.documented) {
                choices.documented
            } else {
                !choices.documented
            };
            // An architecture that is not known yet gets the usual front end.
            let own = architectures.iter().find(|own| own.id == id).filter(|_| documented);
            let front_end = own.map_or_else(|| FRONT_END.to_owned(), |own| own.front_end.clone());
            let (rows, frames) = own.map_or((None, FRAMES), |own| (own.rows, own.frames));
            ModelSpec::FromScratch { architecture: id.to_owned(), front_end, rows, frames, width: choices.width }
        }
    }
}

/// Which layers of a model can be trained; empty if there is no choice.
pub fn layers(id: &str) -> &'static [TrainableLayers] {
    match id.strip_prefix(TUNED) {
        Some(name) if MUSICNN.contains(&name) => {
            &[TrainableLayers::Output, TrainableLayers::Last, TrainableLayers::All]
        }
        Some(_) => &[TrainableLayers::Output, TrainableLayers::All],
        None => &[],
    }
}

/// Which front ends an architecture can have: the usual one (false), that of its paper (true).
pub fn front_ends(id: &str, architectures: &[ArchitectureInfo]) -> &'static [bool] {
    match architectures.iter().find(|own| own.id == id) {
        // Until the engine has listed its architectures, the front end of the paper is not known.
        None => &[false],
        // It takes pictures of a fixed size, or windows longer than the usual ones.
        Some(own) if own.rows.is_some() || own.min_frames > FRAMES => &[true],
        Some(own) if own.front_end == FRONT_END && own.frames == FRAMES => &[false],
        Some(_) => &[false, true],
    }
}

/// A ready-made recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecipePreset {
    /// A first result soon.
    #[default]
    Quick,
    /// The best result that the clips allow.
    Thorough,
    /// As the paper of the architecture trains it; for a head, as heads usually are.
    Paper,
}

impl RecipePreset {
    /// All of them, in the order in which the page offers them.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Thorough, Self::Paper];

    /// Its value in the select box.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Thorough => "thorough",
            Self::Paper => "paper",
        }
    }

    /// The preset of this value in the select box.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its recipe for a model and this many clips; `None` if no paper describes one.
    pub fn recipe(self, model_spec: &ModelSpec, clips: usize, architectures: &[ArchitectureInfo]) -> Option<Recipe> {
        match (self, model_spec) {
            (Self::Quick, _) => Some(model_spec.quick(clips)),
            (Self::Thorough, _) => Some(model_spec.thorough(clips)),
            (Self::Paper, ModelSpec::NewHead { .. }) => Some(usual()),
            (Self::Paper, ModelSpec::FineTune { .. }) => None,
            (Self::Paper, ModelSpec::FromScratch { architecture, .. }) => {
                // The page trains a single network. Left in, the augmentations of an ensemble's members would overrule
                // those in the form.
                let single =
                    |own: &ArchitectureInfo| Recipe { member_augmentations: Vec::new(), ..own.recipe.of_member(0) };
                architectures.iter().find(|own| own.id == *architecture).map(single)
            }
        }
    }
}

/// How heads on frozen networks are usually trained (linear probing).
fn usual() -> Recipe {
    Recipe {
        // Plain values, to compare the other presets with.
        epochs: 100,
        batch: 32,
        windows_per_song: 1,
        optimiser: OptimiserKind::Adam,
        schedule: Schedule::Constant,
        weight_decay: 0.0,
        keep: Keep::Best,
        ..Recipe::default()
    }
}

#[cfg(test)]
pub(in crate::view) mod tests {
    use super::*;

    /// Architectures with front ends of every kind.
    pub(crate) fn architectures() -> Vec<ArchitectureInfo> {
        let one = |id: &str, front_end: &str, rows, frames, min_frames| ArchitectureInfo {
            id: id.to_owned(),
            summary: format!("The network {id}"),
            source: "A paper".to_owned(),
            front_end: front_end.to_owned(),
            rows,
            frames,
            min_frames,
            recipe: Recipe { epochs: 77, ..Recipe::default() },
        };
        vec![
            one("net1", "net1", None, 128, 4),
            one("gtzan-cnn", "image", Some(64), 64, 30),
            one("long", "fma", None, 600, 512),
            one("lens", "gtzan-logmel", None, 39, 4),
            one("head", "musicnn", None, 1, 1),
        ]
    }

    fn site(names: &[&str]) -> Catalogue {
        let network = |name: &&str| format!(r#"{{"name": "{name}", "summary": "It.", "bytes": 1}}"#);
        let networks: Vec<String> = names.iter().map(network).collect();
        let json = format!(r#"{{"first": "a", "default": "a", "networks": [{}]}}"#, networks.join(","));
        Catalogue::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn models_depend_on_the_networks_and_architectures() {
        let ids = |list: &Catalogue, architectures: &[ArchitectureInfo]| -> Vec<String> {
            model_options(list, architectures).into_iter().map(|option| option.id).collect()
        };
        let bare = site(&["a"]);
        assert_eq!(ids(&bare, &[]), ["tuned:a", "lens"], "without MusiCNN there is no head on it");
        assert_eq!(default(&model_options(&bare, &[])), "lens");
        let whole = site(&["a", "musicnn-msd", "musicnn-mtt"]);
        let all = ["head", "tuned:a", "tuned:musicnn-msd", "tuned:musicnn-mtt", "lens", "net1", "gtzan-cnn", "long"];
        assert_eq!(ids(&whole, &architectures()), all);
        assert_eq!(default(&model_options(&whole, &architectures())), "head");
        for option in model_options(&whole, &architectures()) {
            assert_eq!(group(&option.id), option.group);
        }
        let mut with_head = whole.clone();
        with_head.networks[0].backbones = vec!["musicnn-msd".to_owned()];
        assert!(!ids(&with_head, &[]).contains(&"tuned:a".to_owned()), "a head cannot be fine-tuned");
    }

    #[test]
    fn a_model_follows_the_choices_that_it_allows() {
        let choices = ModelChoices { hidden: 64, layers: TrainableLayers::Last, documented: true, width: 0.5 };
        assert!(
            matches!(model_spec("head", &choices, &[]), ModelSpec::NewHead { backbones, hidden: 64 } if backbones.len() == 2)
        );
        let tuned = |id: &str| model_spec(id, &choices, &[]);
        assert!(matches!(tuned("tuned:musicnn-msd"), ModelSpec::FineTune { layers: TrainableLayers::Last, .. }));
        assert!(
            matches!(tuned("tuned:a"), ModelSpec::FineTune { network, layers: TrainableLayers::Output } if network == "a")
        );
        let chosen =
            |id: &str, documented| match model_spec(id, &ModelChoices { documented, ..choices }, &architectures()) {
                ModelSpec::FromScratch { front_end, rows, frames, width, .. } => {
                    assert_eq!(width, 0.5);
                    (front_end, rows, frames)
                }
                other => panic!("{other:?}"),
            };
        let usual = ("gtzan-logmel".to_owned(), None, 39);
        assert_eq!((chosen("net1", false), chosen("net1", true)), (usual.clone(), ("net1".to_owned(), None, 128)));
        assert_eq!(chosen("gtzan-cnn", false), ("image".to_owned(), Some(64), 64), "it takes pictures");
        assert_eq!(chosen("long", false).2, 600, "3 s are too short for it");
        assert_eq!((chosen("lens", true), chosen("unknown", true)), (usual.clone(), usual));
    }

    #[test]
    fn a_recipe_of_a_paper_needs_a_paper() {
        let of = |id: &str| {
            RecipePreset::Paper.recipe(
                &model_spec(id, &ModelChoices::default(), &architectures()),
                30,
                &architectures(),
            )
        };
        assert_eq!(of("net1").map(|recipe| recipe.epochs), Some(77));
        assert_eq!((of("tuned:a"), of("unknown")), (None, None));
        assert_eq!(of("head").map(|recipe| recipe.optimiser), Some(OptimiserKind::Adam));
        for preset in RecipePreset::ALL {
            assert_eq!(RecipePreset::of(preset.name()), Some(preset));
        }
        assert_eq!(RecipePreset::of("own"), None);
    }
}
