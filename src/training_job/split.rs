//! How the clips of a training job are divided between training and validation.

use super::{LabelledClip, Split, TrainingJob};
use crate::dataset::folds::grouped_folds;
use crate::dataset::labelled_set::{LabelledSet, Song};

impl TrainingJob {
    /// The clips of one split as a set without segments, and their indices in [`TrainingJob::clips`].
    pub fn subset(&self, split: Split) -> (LabelledSet, Vec<usize>) {
        let own = self.clips.iter().enumerate().filter(|(_, clip)| clip.split == split);
        let (indices, songs) = own.map(|(index, clip)| (index, clip.song(self.labels.len()))).unzip();
        (LabelledSet { labels: self.labels.clone(), multi_label: self.multi_label, songs }, indices)
    }

    /// Removes labels with fewer than two clips, which cannot be in both splits, and clips that have no other label.
    pub fn drop_rare_labels(&mut self) {
        let count = |label: usize| self.clips.iter().filter(|clip| clip.labels.contains(&label)).count();
        let kept: Vec<usize> = (0..self.labels.len()).filter(|label| count(*label) >= 2).collect();
        self.labels = kept.iter().map(|label| self.labels[*label].clone()).collect();
        for clip in &mut self.clips {
            clip.labels = (0..kept.len()).filter(|new| clip.labels.contains(&kept[*new])).collect();
        }
        self.clips.retain(|clip| !clip.labels.is_empty());
    }

    /// Assigns every clip to a split: about this share of every label's clips (above 0, at most a half) is for validation.
    /// Clips of one group stay together. Every label gets at least one training clip, and at least one validation clip
    /// where the groups allow both. One seed always gives the same splits.
    pub fn assign_splits(&mut self, share: f64, seed: u64) {
        let labels = self.labels.len();
        let songs = self.clips.iter().map(|clip| clip.song(labels)).collect();
        let set = LabelledSet { labels: self.labels.clone(), multi_label: self.multi_label, songs };
        // A share of 0.2 is one of five folds.
        let folds = (1.0 / share.clamp(0.01, 0.5)).round() as usize;
        for (clip, fold) in self.clips.iter_mut().zip(grouped_folds(&set, folds, seed)) {
            clip.split = if fold == folds - 1 { Split::Valid } else { Split::Train };
        }
        for label in 0..labels {
            self.ensure_in_split(label, Split::Valid);
            self.ensure_in_split(label, Split::Train);
        }
    }

    /// Moves the smallest group of a label into a split that has no clip of it, unless a label would then be without
    /// training clips.
    fn ensure_in_split(&mut self, label: usize, split: Split) {
        let of = |clips: &[LabelledClip], label: usize, split: Split| {
            clips.iter().filter(|clip| clip.split == split && clip.labels.contains(&label)).count()
        };
        if of(&self.clips, label, split) > 0 {
            return;
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (index, clip) in self.clips.iter().enumerate() {
            let same = |group: &&mut Vec<usize>| clip.group.is_some() && self.clips[group[0]].group == clip.group;
            match groups.iter_mut().find(same) {
                Some(group) => group.push(index),
                None => groups.push(vec![index]),
            }
        }
        groups.retain(|group| group.iter().any(|&index| self.clips[index].labels.contains(&label)));
        // The smallest group changes the share of validation clips least.
        groups.sort_by_key(Vec::len);
        for group in groups {
            let mut moved = self.clips.clone();
            group.iter().for_each(|&index| moved[index].split = split);
            // A label that has no training clips anyway does not forbid the move.
            let keeps = |label: usize| of(&self.clips, label, Split::Train) == 0 || of(&moved, label, Split::Train) > 0;
            if (0..self.labels.len()).all(keeps) {
                self.clips = moved;
                return;
            }
        }
    }
}

impl LabelledClip {
    fn song(&self, labels: usize) -> Song {
        let mut target = vec![0.0; labels];
        for &label in &self.labels {
            if let Some(value) = target.get_mut(label) {
                *value = 1.0;
            }
        }
        // The identity and not the name: two clips may have one name, and a set's names are unique.
        Song { name: self.id.clone(), group: self.group.clone(), target, segments: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;
    use crate::training_job::ModelSpec;

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
        let (valid, indices) = job.subset(Split::Valid);
        assert_eq!((valid.songs.len(), indices.len()), (4, 4));
        assert_eq!(valid.songs.iter().filter(|song| song.label() == 0).count(), 2);
        let again = job.clone();
        job.assign_splits(0.2, 1);
        assert_eq!(job, again);
        job.assign_splits(0.2, 2);
        assert_ne!(job, again);
    }

    #[test]
    fn every_label_is_in_both_splits_if_it_can_be() {
        // Thirty clips of the one and two of the other, which may be by one artist and then stay together.
        let mut clips: Vec<LabelledClip> = (0..30).map(|id| clip(id, 0, None)).collect();
        clips.extend([clip(30, 1, None), clip(31, 1, None)]);
        let splits = |job: &TrainingJob, label: usize| -> Vec<Split> {
            job.clips.iter().filter(|clip| clip.labels == [label]).map(|clip| clip.split).collect()
        };
        for seed in 0..20 {
            let mut lopsided = job(clips.clone());
            lopsided.assign_splits(0.2, seed);
            assert_ne!(splits(&lopsided, 1)[0], splits(&lopsided, 1)[1], "seed {seed}");
            let of_one_artist = clips.iter().map(|own| match own.labels[0] {
                1 => LabelledClip { group: Some("x".to_owned()), ..own.clone() },
                _ => own.clone(),
            });
            let mut together = job(of_one_artist.collect());
            together.assign_splits(0.2, seed);
            assert_eq!(splits(&together, 1), [Split::Train, Split::Train], "seed {seed}");
        }
    }

    #[test]
    fn a_label_without_training_clips_gets_them_back() {
        let mut job = job(vec![clip(0, 0, None), clip(1, 0, None), clip(2, 1, Some("x")), clip(3, 1, Some("x"))]);
        job.clips.iter_mut().skip(1).for_each(|clip| clip.split = Split::Valid);
        job.ensure_in_split(1, Split::Train);
        assert!(job.clips.iter().filter(|clip| clip.labels == [1]).all(|clip| clip.split == Split::Train));
    }

    #[test]
    fn labels_of_a_single_clip_are_removed() {
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
        let groups = |split| -> std::collections::BTreeSet<Option<String>> {
            job.subset(split).0.songs.into_iter().map(|song| song.group).collect()
        };
        assert!(groups(Split::Train).is_disjoint(&groups(Split::Valid)));
        assert_eq!(groups(Split::Valid).len(), 1);
    }
}
