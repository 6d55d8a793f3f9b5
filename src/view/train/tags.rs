//! A dataset by the tags of its clips, not by its classes.

use std::collections::{BTreeMap, BTreeSet};

use crate::training_job::{LabelledClip, Split};
use crate::view::train::class::{Class, DatasetClip};
use crate::view::train::warnings::{DatasetWarning, one_artist};

/// A tag needs a clip in either split.
const LEAST: usize = 2;

/// Every clip that can be decoded, once: it may be in several classes, and has the tags that it has in any of them.
fn clips(classes: &[Class]) -> Vec<(&DatasetClip, BTreeSet<&str>)> {
    // The order of the clips stays that of the classes; the map only finds duplicates.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut clips: Vec<(&DatasetClip, BTreeSet<&str>)> = Vec::new();
    for entry in classes.iter().flat_map(|class| &class.clips).filter(|entry| entry.trouble.is_none()) {
        let place = *places.entry(&entry.id).or_insert_with(|| {
            clips.push((entry, BTreeSet::new()));
            clips.len() - 1
        });
        // The same file in two classes is no contradiction for tags: it has the tags of both.
        clips[place].1.extend(entry.tags.iter().map(String::as_str));
    }
    clips
}

/// The number of clips that have each tag, in the order of the tags.
fn counts<'a>(clips: &[(&'a DatasetClip, BTreeSet<&'a str>)]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for tag in clips.iter().flat_map(|(_, tags)| tags) {
        *counts.entry(*tag).or_default() += 1;
    }
    counts
}

/// The tags on two or more clips, and the clips that have any of them.
pub(super) fn job(classes: &[Class]) -> (Vec<String>, Vec<LabelledClip>) {
    let clips = clips(classes);
    let counts = counts(&clips);
    let labels: Vec<&str> = counts.iter().filter(|(_, count)| **count >= LEAST).map(|(tag, _)| *tag).collect();
    let clip = |(entry, tags): &(&DatasetClip, BTreeSet<&str>)| LabelledClip {
        id: entry.id.clone(),
        name: entry.name.clone(),
        group: entry.group.clone(),
        labels: (0..labels.len()).filter(|label| tags.contains(labels[*label])).collect(),
        split: Split::Train,
    };
    let clips = clips.iter().map(clip).filter(|clip| !clip.labels.is_empty()).collect();
    (labels.into_iter().map(str::to_owned).collect(), clips)
}

/// What may be wrong with training on tags, the worst first.
pub(super) fn warnings(classes: &[Class]) -> Vec<DatasetWarning> {
    let all = clips(classes);
    let counts = counts(&all);
    let is_label = |tag: &&str| counts[tag] >= LEAST;
    let untagged = all.iter().filter(|(_, tags)| !tags.iter().any(&is_label)).count();
    let mut warnings = Vec::new();
    if counts.keys().filter(|tag| is_label(tag)).count() < 2 {
        warnings.push(DatasetWarning::TooFewTags);
    }
    // By its own class a clip's artist does not matter here.
    warnings.extend(one_artist(classes).into_iter().filter(DatasetWarning::forbids));
    // A rare tag does not stop training; it is only left out.
    let rare = |(tag, count): (&&str, &usize)| (*count < LEAST).then(|| (*tag).to_owned());
    let rare: Vec<String> = counts.iter().filter_map(rare).collect();
    if !rare.is_empty() {
        warnings.push(DatasetWarning::RareTags(rare));
    }
    if untagged > 0 {
        warnings.push(DatasetWarning::Untagged(untagged));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::dataset::Dataset;

    fn entry(id: &str, tags: &[&str]) -> DatasetClip {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        DatasetClip { group: Some("x".to_owned()), tags, ..DatasetClip::new(id.to_owned(), format!("{id}.wav")) }
    }

    fn dataset(clips: &[(&str, DatasetClip)]) -> Dataset {
        let mut dataset = Dataset::default();
        dataset.add(clips.iter().map(|(class, entry)| ((*class).to_owned(), entry.clone())).collect());
        dataset.want_tags(true);
        dataset
    }

    #[test]
    fn a_job_has_the_tags_on_two_clips_and_no_clip_twice() {
        let clips = [
            ("a", entry("1", &["slow", "piano"])),
            ("a", entry("2", &["fast"])),
            ("b", entry("1", &["slow", "old"])),
            ("b", entry("3", &["slow", "fast"])),
            ("b", entry("4", &[])),
            ("b", DatasetClip { trouble: Some("silent".to_owned()), ..entry("5", &["old"]) }),
        ];
        let mut dataset = dataset(&clips);
        assert!(dataset.multi_label());
        let (labels, clips) = dataset.job();
        assert_eq!(labels, ["fast", "slow"]);
        let found: Vec<(&str, &[usize])> = clips.iter().map(|clip| (clip.id.as_str(), &*clip.labels)).collect();
        assert_eq!(found, [("1", &[1][..]), ("2", &[0]), ("3", &[0, 1])]);
        assert!(clips.iter().all(|clip| clip.group.as_deref() == Some("x")));
        let rare = DatasetWarning::RareTags(["old", "piano"].map(str::to_owned).to_vec());
        let one_artist = DatasetWarning::OneArtist { class: None, artist: "x".to_owned() };
        assert_eq!(dataset.warnings(), [one_artist, rare, DatasetWarning::Untagged(1)]);
        dataset.want_tags(false);
        assert_eq!(dataset.job().0, ["a", "b"]);
    }

    #[test]
    fn one_tag_is_not_enough() {
        let mut dataset = dataset(&[("a", entry("1", &["slow"])), ("b", entry("2", &["slow"]))]);
        assert_eq!(dataset.warnings()[0], DatasetWarning::TooFewTags);
        assert!(DatasetWarning::TooFewTags.forbids());
        // While no clip has a tag, training is about classes.
        dataset.remove("a", "1");
        dataset.remove("b", "2");
        assert!(dataset.wants_tags() && !dataset.multi_label());
    }
}
