//! What a network is to learn from a visitor's own clips: plain data, from the page to an engine.

use serde::{Deserialize, Serialize};

use crate::card::BackboneOutput;
use crate::dataset::folds::grouped_folds;
use crate::dataset::labelled_set::{LabelledSet, Song};
use crate::eval::report::EpochReport;
use crate::recipe::{Augmentation, Keep, Recipe};

/// A clip by the SHA-256 of its file, hexadecimal: the same sound twice is one clip.
pub type ClipId = String;

/// Labelled clips, the network that learns from them, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingJob {
    /// What the network is to be called.
    pub name: String,
    /// The labels, in the order of its outputs.
    pub labels: Vec<String>,
    /// True where a clip may have any number of labels (tags), false where it has one.
    #[serde(alias = "many_labels")]
    pub multi_label: bool,
    /// Who learns.
    #[serde(alias = "student")]
    pub model: ModelSpec,
    /// What from. All of them were embedded before ([`Request::Embed`](crate::protocol::Request::Embed)).
    pub clips: Vec<LabelledClip>,
    /// How.
    pub recipe: Recipe,
}

/// A clip of a lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledClip {
    /// Which one.
    pub id: ClipId,
    /// Its name, for messages.
    pub name: String,
    /// Clips of one group (by one artist, say) are on the same side; `None` where it stands alone.
    pub group: Option<String>,
    /// Its labels, as places in [`TrainingJob::labels`]: one, or any number where the lesson has many.
    pub labels: Vec<usize>,
    /// What it is for.
    #[serde(alias = "part")]
    pub split: Split,
}

/// What a clip is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from.
    Train,
    /// To judge by, never to learn from.
    Valid,
}

/// The network that learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSpec {
    /// A new head on what other networks hear, which stay as they are. They are in use or loaded as backbones.
    #[serde(alias = "head")]
    NewHead {
        /// Those networks, by the names on their cards, and which output of each the head uses.
        #[serde(alias = "bases")]
        backbones: Vec<(String, BackboneOutput)>,
        /// Units of a hidden layer; 0 for none.
        hidden: usize,
    },
    /// A network of the registry, from fresh weights.
    #[serde(alias = "fresh")]
    FromScratch {
        /// Which one.
        architecture: String,
        /// The front end that it hears through.
        front_end: String,
        /// Rows of a picture; the front end's bands where `None`.
        rows: Option<usize>,
        /// Columns of its windows.
        frames: usize,
        /// Share of its document's channels.
        width: f64,
    },
    /// A network that has learned already, and goes on from there. It is in use or loaded as a backbone. Where the lesson's
    /// labels are others than its own, its output layer is new.
    #[serde(alias = "tuned")]
    FineTune {
        /// The name on its card.
        network: String,
        /// Which of its layers learn.
        layers: TrainableLayers,
    },
}

/// Which layers of a network that has learned already go on learning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainableLayers {
    /// The output layer alone: what comes before it is computed once for every clip.
    #[default]
    Output,
    /// All layers after the pooling over time (MusiCNN's two dense ones); as `Output` where a network has no more of them.
    Last,
    /// All of them.
    All,
}

/// What came of a lesson.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingResult {
    /// Every epoch that was validated.
    pub epochs: Vec<EpochReport>,
    /// What the network says of every clip of the lesson, in its order: one probability a label.
    pub answers: Vec<Vec<f32>>,
    /// TrainingResult parameters.
    pub parameters: usize,
    /// The time that it took, without hearing the clips, in milliseconds.
    pub milliseconds: f64,
}

impl TrainingJob {
    /// The clips of one part as a set, without what is heard of them, and their places in [`TrainingJob::clips`].
    pub fn subset(&self, split: Split) -> (LabelledSet, Vec<usize>) {
        let own = self.clips.iter().enumerate().filter(|(_, clip)| clip.split == split);
        let (places, songs) = own.map(|(place, clip)| (place, clip.song(self.labels.len()))).unzip();
        (LabelledSet { labels: self.labels.clone(), multi_label: self.multi_label, songs }, places)
    }

    /// Takes the labels out that fewer than two clips have, which cannot both be learned and be judged, and the clips that
    /// have no other.
    pub fn drop_rare_labels(&mut self) {
        let count = |label: usize| self.clips.iter().filter(|clip| clip.labels.contains(&label)).count();
        let kept: Vec<usize> = (0..self.labels.len()).filter(|label| count(*label) >= 2).collect();
        self.labels = kept.iter().map(|label| self.labels[*label].clone()).collect();
        for clip in &mut self.clips {
            clip.labels = (0..kept.len()).filter(|place| clip.labels.contains(&kept[*place])).collect();
        }
        self.clips.retain(|clip| !clip.labels.is_empty());
    }

    /// Gives every clip its part: about this share (above 0, at most a half) is for validation, of every label alike,
    /// groups together, and of every label one clip at least, where its groups allow that and leave one to learn from. The
    /// same seed gives the same parts.
    pub fn assign_splits(&mut self, share: f64, seed: u64) {
        let labels = self.labels.len();
        let songs = self.clips.iter().map(|clip| clip.song(labels)).collect();
        let set = LabelledSet { labels: self.labels.clone(), multi_label: self.multi_label, songs };
        let folds = (1.0 / share.clamp(0.01, 0.5)).round() as usize;
        for (clip, fold) in self.clips.iter_mut().zip(grouped_folds(&set, folds, seed)) {
            clip.split = if fold == folds - 1 { Split::Valid } else { Split::Train };
        }
        for label in 0..labels {
            self.ensure_in_split(label, Split::Valid);
            self.ensure_in_split(label, Split::Train);
        }
    }

    /// Moves the smallest group of a label to a part that has none of the label: always to learn from, but to judge by only
    /// where no label is then without a clip to learn from.
    fn ensure_in_split(&mut self, label: usize, split: Split) {
        let of = |clips: &[LabelledClip], label: usize, split: Split| {
            clips.iter().filter(|clip| clip.split == split && clip.labels.contains(&label)).count()
        };
        if of(&self.clips, label, split) > 0 {
            return;
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, clip) in self.clips.iter().enumerate() {
            let same = |group: &&mut Vec<usize>| clip.group.is_some() && self.clips[group[0]].group == clip.group;
            match groups.iter_mut().find(same) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        groups.retain(|group| group.iter().any(|&place| self.clips[place].labels.contains(&label)));
        groups.sort_by_key(Vec::len);
        for group in groups {
            let mut moved = self.clips.clone();
            group.iter().for_each(|&place| moved[place].split = split);
            let keeps = |label: usize| of(&self.clips, label, Split::Train) == 0 || of(&moved, label, Split::Train) > 0;
            if (0..self.labels.len()).all(keeps) {
                self.clips = moved;
                return;
            }
        }
    }
}

impl ModelSpec {
    /// Settings that give a first result soon, for this many clips. The fewer there are, the oftener they are gone through,
    /// for an epoch of a few clips is a step or two; and the more a head is held back, which has hundreds of features to
    /// learn a few clips by heart from.
    pub fn quick(&self, clips: usize) -> Recipe {
        let batch = clips.clamp(1, 32);
        let common = Recipe { batch, balanced: true, windows_per_song: 1, ..Recipe::default() };
        let held_back = |most: f64| most * (100.0 / clips.max(100) as f64).max(0.1);
        match self {
            Self::NewHead { .. } => Recipe {
                epochs: epochs(6000, clips, [20, 60]),
                learning_rate: 1e-2,
                weight_decay: held_back(1.0),
                keep: Keep::Last,
                ..common
            },
            Self::FineTune { layers: layers @ (TrainableLayers::Output | TrainableLayers::Last), .. } => Recipe {
                epochs: epochs(6000, clips, [20, 60]),
                learning_rate: if *layers == TrainableLayers::Output { 1e-2 } else { 1e-3 },
                weight_decay: held_back(0.3),
                keep: Keep::Last,
                ..common
            },
            Self::FineTune { layers: TrainableLayers::All, .. } => Recipe {
                epochs: epochs(1500, clips, [5, 40]),
                windows_per_song: 2,
                learning_rate: 3e-4,
                weight_decay: 0.1,
                ..common
            },
            Self::FromScratch { .. } => Recipe {
                epochs: epochs(3000, clips, [10, 60]),
                windows_per_song: 4,
                group_evenness: 0.5,
                learning_rate: 2e-3,
                weight_decay: 0.1,
                label_smoothing: 0.1,
                average_decay: 0.99,
                ..common
            },
        }
    }

    /// Settings that take their time: the same, for more epochs, and with sounds altered where the network hears for
    /// itself. Such a run ends where a third of its epochs brought nothing better.
    pub fn thorough(&self, clips: usize) -> Recipe {
        let quick = self.quick(clips);
        let patient = |epochs: usize, quick: Recipe| Recipe {
            epochs,
            patience: epochs / 3,
            augmentation: Augmentation::FEW_SONGS,
            ..quick
        };
        match self {
            Self::NewHead { .. } => Recipe { epochs: epochs(20_000, clips, [60, 200]), learning_rate: 3e-3, ..quick },
            Self::FineTune { layers: TrainableLayers::All, .. } => patient(epochs(4000, clips, [15, 80]), quick),
            Self::FineTune { .. } => {
                let learning_rate = quick.learning_rate / 3.0;
                Recipe { epochs: epochs(20_000, clips, [60, 200]), learning_rate, ..quick }
            }
            Self::FromScratch { .. } => {
                Recipe { average_decay: 0.995, ..patient(epochs(10_000, clips, [30, 200]), quick) }
            }
        }
    }

    /// True where it learns from sounds and not from features that were computed once: only then can they be altered.
    pub fn hears_anew(&self) -> bool {
        matches!(self, Self::FromScratch { .. } | Self::FineTune { layers: TrainableLayers::All, .. })
    }
}

/// As many epochs as make so many passes over single clips, within limits.
fn epochs(passes: usize, clips: usize, [least, most]: [usize; 2]) -> usize {
    (passes / clips.max(1)).clamp(least, most)
}

impl LabelledClip {
    fn song(&self, labels: usize) -> Song {
        let mut target = vec![0.0; labels];
        for &label in &self.labels {
            if let Some(value) = target.get_mut(label) {
                *value = 1.0;
            }
        }
        // By its identity and not its name: two clips may be called alike.
        Song { name: self.id.clone(), group: self.group.clone(), target, segments: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(clips: Vec<LabelledClip>) -> TrainingJob {
        TrainingJob {
            name: "mine".to_owned(),
            labels: ["a", "b"].map(String::from).to_vec(),
            multi_label: false,
            model: ModelSpec::NewHead { backbones: Vec::new(), hidden: 0 },
            clips,
            recipe: Recipe::default(),
        }
    }

    fn clip(id: usize, label: usize, group: Option<&str>) -> LabelledClip {
        let group = group.map(str::to_owned);
        LabelledClip { id: id.to_string(), name: format!("{id}.wav"), group, labels: vec![label], split: Split::Train }
    }

    #[test]
    fn a_split_takes_its_share_of_every_label() {
        let mut job = job((0..20).map(|id| clip(id, id % 2, None)).collect());
        job.assign_splits(0.2, 1);
        let (valid, places) = job.subset(Split::Valid);
        assert_eq!((valid.songs.len(), places.len()), (4, 4));
        assert_eq!(valid.songs.iter().filter(|song| song.label() == 0).count(), 2);
        let again = job.clone();
        job.assign_splits(0.2, 1);
        assert_eq!(job, again);
        job.assign_splits(0.2, 2);
        assert_ne!(job, again);
    }

    #[test]
    fn every_label_is_on_both_sides_where_it_can_be() {
        // Thirty of the one and two of the other; and two clips of one artist, who cannot be divided.
        let mut clips: Vec<LabelledClip> = (0..30).map(|id| clip(id, 0, None)).collect();
        clips.extend([clip(30, 1, None), clip(31, 1, None)]);
        let parts = |job: &TrainingJob, label: usize| -> Vec<Split> {
            job.clips.iter().filter(|clip| clip.labels == [label]).map(|clip| clip.split).collect()
        };
        for seed in 0..20 {
            let mut lopsided = job(clips.clone());
            lopsided.assign_splits(0.2, seed);
            assert_ne!(parts(&lopsided, 1)[0], parts(&lopsided, 1)[1], "seed {seed}");
            let of_one_artist = clips.iter().map(|own| match own.labels[0] {
                1 => LabelledClip { group: Some("x".to_owned()), ..own.clone() },
                _ => own.clone(),
            });
            let mut together = job(of_one_artist.collect());
            together.assign_splits(0.2, seed);
            assert_eq!(parts(&together, 1), [Split::Train, Split::Train], "seed {seed}");
        }
    }

    #[test]
    fn what_is_all_held_back_is_given_back_to_learn_from() {
        let mut job = job(vec![clip(0, 0, None), clip(1, 0, None), clip(2, 1, Some("x")), clip(3, 1, Some("x"))]);
        job.clips.iter_mut().skip(1).for_each(|clip| clip.split = Split::Valid);
        job.ensure_in_split(1, Split::Train);
        assert!(job.clips.iter().filter(|clip| clip.labels == [1]).all(|clip| clip.split == Split::Train));
    }

    #[test]
    fn labels_of_a_single_clip_are_taken_out() {
        let several = |id, labels: &[usize]| LabelledClip { labels: labels.to_vec(), ..clip(id, 0, None) };
        let clips = vec![several(0, &[0, 2]), several(1, &[2]), several(2, &[1]), several(3, &[2])];
        let mut job = TrainingJob { labels: ["a", "b", "c"].map(String::from).to_vec(), ..job(clips) };
        job.drop_rare_labels();
        assert_eq!(job.labels, ["c"]);
        let left: Vec<(&str, &[usize])> =
            job.clips.iter().map(|clip| (clip.id.as_str(), clip.labels.as_slice())).collect();
        assert_eq!(left, [("0", &[0][..]), ("1", &[0]), ("3", &[0])]);
    }

    #[test]
    fn a_group_is_never_divided() {
        let mut job = job((0..12).map(|id| clip(id, id % 2, Some(["x", "y", "z"][id % 3]))).collect());
        job.assign_splits(0.34, 1);
        let groups = |part| -> std::collections::BTreeSet<Option<String>> {
            job.subset(part).0.songs.into_iter().map(|song| song.group).collect()
        };
        assert!(groups(Split::Train).is_disjoint(&groups(Split::Valid)));
        assert_eq!(groups(Split::Valid).len(), 1);
    }

    fn models() -> [ModelSpec; 5] {
        let tuned = |layers| ModelSpec::FineTune { network: "musicnn-msd".to_owned(), layers };
        let (architecture, front_end) = ("lens".to_owned(), "gtzan-logmel".to_owned());
        [
            ModelSpec::NewHead { backbones: Vec::new(), hidden: 0 },
            tuned(TrainableLayers::Output),
            tuned(TrainableLayers::Last),
            tuned(TrainableLayers::All),
            ModelSpec::FromScratch { architecture, front_end, rows: None, frames: 39, width: 1.0 },
        ]
    }

    #[test]
    fn ten_clips_and_a_thousand_both_have_settings_that_fit() {
        let steps =
            |recipe: &Recipe, clips: usize| recipe.epochs * (clips * recipe.windows_per_song).div_ceil(recipe.batch);
        for model in models() {
            for clips in [0, 1, 10, 30, 100, 1000, 100_000] {
                for recipe in [model.quick(clips), model.thorough(clips)] {
                    assert_eq!(recipe.check(), Ok(()), "{model:?} {clips}");
                    assert!(recipe.batch <= clips.max(1), "no batch is larger than the set");
                }
            }
            let [few, many] = [10, 1000].map(|clips| model.quick(clips));
            assert!((40..=400).contains(&steps(&few, 10)), "{model:?}: {}", steps(&few, 10));
            assert!((300..=1300).contains(&steps(&many, 1000)), "{model:?}: {}", steps(&many, 1000));
            assert!(many.epochs < few.epochs && many.weight_decay <= few.weight_decay);
            for clips in [10, 1000] {
                let [quick, thorough] = [model.quick(clips), model.thorough(clips)];
                assert!(thorough.epochs >= 2 * quick.epochs, "{model:?} {clips}");
                assert_eq!(thorough.augmentation != Augmentation::NONE, model.hears_anew());
            }
        }
    }
}
