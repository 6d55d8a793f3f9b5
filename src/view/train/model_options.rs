//! Who can learn: a new head on MusiCNN, a network that has learned already, or one from fresh weights.

use crate::card::BackboneOutput;
use crate::protocol::ArchitectureInfo;
use crate::recipe::{Keep, OptimiserKind, Recipe, Schedule};
use crate::training_job::{ModelSpec, TrainableLayers};
use crate::view::classify::networks::Catalogue;
use crate::view::train::words::settings as words;

/// What a pupil learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// A new head on what MusiCNN hears.
    Head,
    /// A network that has learned already.
    Tuned,
    /// A network from fresh weights.
    Fresh,
}

impl Group {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Head, Self::Tuned, Self::Fresh];
}

/// A network that can be taught.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelOption {
    /// Its name in the choice box: `head`, `tuned:NAME`, or its name in the registry.
    pub id: String,
    /// What it learns from.
    pub group: Group,
    /// What it is, for people.
    pub name: String,
    /// What it is, and what it is good for.
    pub about: String,
}

/// The head's name in the choice box.
pub const HEAD: &str = "head";
/// The network from fresh weights that is offered first, and the only one until the engine has told of the others.
pub const FIRST: &str = "lens";
/// What the names of those begin with that have learned already.
const TUNED: &str = "tuned:";
/// The networks that MusiCNN is, by name.
const MUSICNN: [&str; 2] = ["musicnn-msd", "musicnn-mtt"];
/// Columns of the windows of networks from fresh weights: 3 s of [`FRONT_END`].
const FRAMES: usize = 39;
/// The front end that they hear through where it is not their document's.
const FRONT_END: &str = "gtzan-logmel";

/// The pupils that can be had on a site with these networks, where the engine knows these.
pub fn model_options(list: &Catalogue, architectures: &[ArchitectureInfo]) -> Vec<ModelOption> {
    let has_musicnn = MUSICNN.iter().all(|name| list.entry(name).is_some());
    let head = has_musicnn.then(|| ModelOption {
        id: HEAD.to_owned(),
        group: Group::Head,
        name: words::HEAD.to_owned(),
        about: words::ABOUT_HEAD.to_owned(),
    });
    let front_ends = list.networks.iter().filter(|offer| offer.backbones.is_empty());
    let tuned = front_ends.map(|offer| ModelOption {
        id: format!("{TUNED}{}", offer.name),
        group: Group::Tuned,
        name: words::tuned(&offer.name),
        about: words::about_tuned(&offer.summary),
    });
    let fresh = |id: &str, summary: &str| ModelOption {
        id: id.to_owned(),
        group: Group::Fresh,
        name: words::fresh(id),
        about: words::about_fresh(summary, id == FIRST),
    };
    let mut others: Vec<&ArchitectureInfo> =
        architectures.iter().filter(|architectures| architectures.id != HEAD).collect();
    // Those that are equal stay in the registry's order.
    others.sort_by_key(|architectures| architectures.id != FIRST);
    let alone = others.is_empty().then(|| fresh(FIRST, words::FIRST));
    let fresh: Vec<ModelOption> =
        others.iter().map(|architectures| fresh(&architectures.id, &architectures.summary)).collect();
    head.into_iter().chain(tuned).chain(alone).chain(fresh).collect()
}

/// The pupil that the page chooses.
pub fn default(model_options: &[ModelOption]) -> &str {
    if model_options.iter().any(|option| option.group == Group::Head) { HEAD } else { FIRST }
}

/// What can be chosen of a pupil besides itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// Units of a head's hidden layer; 0 for none.
    pub hidden: usize,
    /// Which layers of a network learn that has learned already.
    pub layers: TrainableLayers,
    /// True where a network from fresh weights hears as in its document, false for the usual 3 s.
    pub documented: bool,
    /// Share of its document's channels, above 0.
    pub width: f64,
}

impl Default for Build {
    fn default() -> Self {
        Self { hidden: 0, layers: TrainableLayers::Output, documented: false, width: 1.0 }
    }
}

/// The group of a pupil's name.
pub fn group(id: &str) -> Group {
    match id {
        HEAD => Group::Head,
        _ if id.starts_with(TUNED) => Group::Tuned,
        _ => Group::Fresh,
    }
}

/// The student of a pupil's name. What cannot be had of it is left out: [`layers`] and [`front_ends`] say what can.
pub fn model_spec(id: &str, build: &Build, architectures: &[ArchitectureInfo]) -> ModelSpec {
    match (group(id), id.strip_prefix(TUNED)) {
        (Group::Head, _) => {
            let backbones = MUSICNN.map(|name| (name.to_owned(), BackboneOutput::Features)).to_vec();
            ModelSpec::NewHead { backbones, hidden: build.hidden }
        }
        (_, Some(network)) => {
            let layers = if layers(id).contains(&build.layers) { build.layers } else { TrainableLayers::Output };
            ModelSpec::FineTune { network: network.to_owned(), layers }
        }
        _ => {
            let documented = if front_ends(id, architectures).contains(&build.documented) {
                build.documented
            } else {
                !build.documented
            };
            let own = architectures.iter().find(|architectures| architectures.id == id).filter(|_| documented);
            let front_end = own.map_or_else(|| FRONT_END.to_owned(), |own| own.front_end.clone());
            let (rows, frames) = own.map_or((None, FRAMES), |own| (own.rows, own.frames));
            ModelSpec::FromScratch { architecture: id.to_owned(), front_end, rows, frames, width: build.width }
        }
    }
}

/// Which layers of a pupil can be those that learn; none where that is no question.
pub fn layers(id: &str) -> &'static [TrainableLayers] {
    match id.strip_prefix(TUNED) {
        Some(name) if MUSICNN.contains(&name) => {
            &[TrainableLayers::Output, TrainableLayers::Last, TrainableLayers::All]
        }
        Some(_) => &[TrainableLayers::Output, TrainableLayers::All],
        None => &[],
    }
}

/// How a network from fresh weights can hear: as usual (false), as in its document (true).
pub fn front_ends(id: &str, architectures: &[ArchitectureInfo]) -> &'static [bool] {
    match architectures.iter().find(|architectures| architectures.id == id) {
        // Of what is not known, nothing can be had as in its document.
        None => &[false],
        // A picture, or longer windows than the usual ones.
        Some(own) if own.rows.is_some() || own.least_frames > FRAMES => &[true],
        Some(own) if own.front_end == FRONT_END && own.frames == FRAMES => &[false],
        Some(_) => &[false, true],
    }
}

/// Ready-made settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// A first result soon.
    #[default]
    Quick,
    /// The best that the clips give.
    Thorough,
    /// As the network's document trains it; for a head, as is usual.
    Paper,
}

impl Preset {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Thorough, Self::Paper];

    /// Its name in the choice box.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Thorough => "thorough",
            Self::Paper => "paper",
        }
    }

    /// The preset of this name in the choice box.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its settings for a student and this many clips; `None` where nobody wrote any down.
    pub fn recipe(self, model_spec: &ModelSpec, clips: usize, architectures: &[ArchitectureInfo]) -> Option<Recipe> {
        match (self, model_spec) {
            (Self::Quick, _) => Some(model_spec.quick(clips)),
            (Self::Thorough, _) => Some(model_spec.thorough(clips)),
            (Self::Paper, ModelSpec::NewHead { .. }) => Some(usual()),
            (Self::Paper, ModelSpec::FineTune { .. }) => None,
            (Self::Paper, ModelSpec::FromScratch { architecture, .. }) => {
                // A student is a single network: what a recipe has for the members of an ensemble would go before its fields.
                let single =
                    |own: &ArchitectureInfo| Recipe { member_augmentations: Vec::new(), ..own.recipe.of_member(0) };
                architectures.iter().find(|architectures| architectures.id == *architecture).map(single)
            }
        }
    }
}

/// How heads on networks that stay as they are, are usually trained: plainly.
fn usual() -> Recipe {
    Recipe {
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

    /// A network of a document, and one that hears pictures.
    pub fn architectures() -> Vec<ArchitectureInfo> {
        let one = |id: &str, front_end: &str, rows, frames, least_frames| ArchitectureInfo {
            id: id.to_owned(),
            summary: format!("The network {id}"),
            source: "A document".to_owned(),
            front_end: front_end.to_owned(),
            rows,
            frames,
            least_frames,
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
    fn who_can_learn_depends_on_what_there_is() {
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
        assert!(!ids(&with_head, &[]).contains(&"tuned:a".to_owned()), "it does not hear for itself");
    }

    #[test]
    fn a_student_is_as_it_was_chosen_where_that_can_be_had() {
        let build = Build { hidden: 64, layers: TrainableLayers::Last, documented: true, width: 0.5 };
        assert!(
            matches!(model_spec("head", &build, &[]), ModelSpec::NewHead { backbones, hidden: 64 } if backbones.len() == 2)
        );
        let tuned = |id: &str| model_spec(id, &build, &[]);
        assert!(matches!(tuned("tuned:musicnn-msd"), ModelSpec::FineTune { layers: TrainableLayers::Last, .. }));
        assert!(
            matches!(tuned("tuned:a"), ModelSpec::FineTune { network, layers: TrainableLayers::Output } if network == "a")
        );
        let chosen = |id: &str, documented| match model_spec(id, &Build { documented, ..build }, &architectures()) {
            ModelSpec::FromScratch { front_end, rows, frames, width, .. } => {
                assert_eq!(width, 0.5);
                (front_end, rows, frames)
            }
            other => panic!("{other:?}"),
        };
        let usual = ("gtzan-logmel".to_owned(), None, 39);
        assert_eq!((chosen("net1", false), chosen("net1", true)), (usual.clone(), ("net1".to_owned(), None, 128)));
        assert_eq!(chosen("gtzan-cnn", false), ("image".to_owned(), Some(64), 64), "it hears pictures");
        assert_eq!(chosen("long", false).2, 600, "3 s are too short for it");
        assert_eq!((chosen("lens", true), chosen("unknown", true)), (usual.clone(), usual));
    }

    #[test]
    fn settings_of_a_paper_are_had_only_where_there_is_one() {
        let of =
            |id: &str| Preset::Paper.recipe(&model_spec(id, &Build::default(), &architectures()), 30, &architectures());
        assert_eq!(of("net1").map(|recipe| recipe.epochs), Some(77));
        assert_eq!((of("tuned:a"), of("unknown")), (None, None));
        assert_eq!(of("head").map(|recipe| recipe.optimiser), Some(OptimiserKind::Adam));
        for preset in Preset::ALL {
            assert_eq!(Preset::of(preset.name()), Some(preset));
        }
        assert_eq!(Preset::of("own"), None);
    }
}
