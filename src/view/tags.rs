//! A collection by the tags of its clips and not by its classes.

use std::collections::{BTreeMap, BTreeSet};

use super::collection::{Class, Doubt, Entry};
use crate::training_job::{LabelledClip, Split};

/// A tag needs a clip to learn it from and another to be judged by.
const LEAST: usize = 2;

/// Every clip that can be heard, once: it may be in several classes. Its tags are those that it has in any of them.
fn clips(classes: &[Class]) -> Vec<(&Entry, BTreeSet<&str>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut clips: Vec<(&Entry, BTreeSet<&str>)> = Vec::new();
    for entry in classes.iter().flat_map(|class| &class.clips).filter(|entry| entry.trouble.is_none()) {
        let place = *places.entry(&entry.id).or_insert_with(|| {
            clips.push((entry, BTreeSet::new()));
            clips.len() - 1
        });
        clips[place].1.extend(entry.tags.iter().map(String::as_str));
    }
    clips
}

/// How many clips have each tag, in the tags' order.
fn counts<'a>(clips: &[(&'a Entry, BTreeSet<&'a str>)]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for tag in clips.iter().flat_map(|(_, tags)| tags) {
        *counts.entry(*tag).or_default() += 1;
    }
    counts
}

/// The tags that two clips have at least, and the clips that have any of them.
pub fn job(classes: &[Class]) -> (Vec<String>, Vec<LabelledClip>) {
    let clips = clips(classes);
    let counts = counts(&clips);
    let labels: Vec<&str> = counts.iter().filter(|(_, count)| **count >= LEAST).map(|(tag, _)| *tag).collect();
    let clip = |(entry, tags): &(&Entry, BTreeSet<&str>)| LabelledClip {
        id: entry.id.clone(),
        name: entry.name.clone(),
        group: entry.group.clone(),
        labels: (0..labels.len()).filter(|label| tags.contains(labels[*label])).collect(),
        split: Split::Train,
    };
    let clips = clips.iter().map(clip).filter(|clip| !clip.labels.is_empty()).collect();
    (labels.into_iter().map(str::to_owned).collect(), clips)
}

/// What may be wrong with a lesson about tags, the worst first.
pub fn doubts(classes: &[Class]) -> Vec<Doubt> {
    let all = clips(classes);
    let counts = counts(&all);
    let (labels, taught) = job(classes);
    let mut doubts = Vec::new();
    if labels.len() < 2 {
        doubts.push(Doubt::TooFewTags);
    }
    let rare = |(tag, count): (&&str, &usize)| (*count < LEAST).then(|| (*tag).to_owned());
    let rare: Vec<String> = counts.iter().filter_map(rare).collect();
    if !rare.is_empty() {
        doubts.push(Doubt::RareTags(rare));
    }
    if taught.len() < all.len() {
        doubts.push(Doubt::Untagged(all.len() - taught.len()));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::super::collection::Collection;
    use super::*;

    fn entry(id: &str, tags: &[&str]) -> Entry {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Entry { group: Some("x".to_owned()), tags, ..Entry::new(id.to_owned(), format!("{id}.wav")) }
    }

    fn collection(clips: &[(&str, Entry)]) -> Collection {
        let mut collection = Collection::default();
        collection.add(clips.iter().map(|(class, entry)| ((*class).to_owned(), entry.clone())).collect());
        collection.want_tags(true);
        collection
    }

    #[test]
    fn a_lesson_has_the_tags_that_two_clips_have_and_no_clip_twice() {
        let clips = [
            ("a", entry("1", &["slow", "piano"])),
            ("a", entry("2", &["fast"])),
            ("b", entry("1", &["slow", "old"])),
            ("b", entry("3", &["slow", "fast"])),
            ("b", entry("4", &[])),
            ("b", Entry { trouble: Some("silent".to_owned()), ..entry("5", &["old"]) }),
        ];
        let mut collection = collection(&clips);
        assert!(collection.multi_label());
        let (labels, clips) = collection.job();
        assert_eq!(labels, ["fast", "slow"]);
        let found: Vec<(&str, &[usize])> = clips.iter().map(|clip| (clip.id.as_str(), &*clip.labels)).collect();
        assert_eq!(found, [("1", &[1][..]), ("2", &[0]), ("3", &[0, 1])]);
        assert!(clips.iter().all(|clip| clip.group.as_deref() == Some("x")));
        let rare = Doubt::RareTags(["old", "piano"].map(str::to_owned).to_vec());
        assert_eq!(collection.doubts(), [rare, Doubt::Untagged(1)]);
        collection.want_tags(false);
        assert_eq!(collection.job().0, ["a", "b"]);
    }

    #[test]
    fn without_two_tags_there_is_nothing_to_teach() {
        let mut collection = collection(&[("a", entry("1", &["slow"])), ("b", entry("2", &["slow"]))]);
        assert_eq!(collection.doubts(), [Doubt::TooFewTags]);
        assert!(Doubt::TooFewTags.forbids());
        // Where no clip has any, the wish means nothing.
        collection.remove("a", "1");
        collection.remove("b", "2");
        assert!(collection.wants_tags() && !collection.multi_label());
    }
}
