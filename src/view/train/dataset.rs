//! A visitor's own labelled clips: classes, and what is in them. Plain data; the files themselves the page keeps.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::training_job::{ClipId, LabelledClip, Split};
use crate::view::train::table::{Applied, Table};
use crate::view::train::tags;

/// Changes that can be taken back.
const LONGEST_PAST: usize = 50;

/// A clip of the collection.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Entry {
    /// Which one.
    pub id: ClipId,
    /// Its file's name.
    pub name: String,
    /// Its length, where it was heard.
    pub seconds: Option<f64>,
    /// Why it cannot be heard: a sentence.
    pub trouble: Option<String>,
    /// Clips of one group (by one artist, say) are on the same side when some are held back to judge by.
    #[serde(default)]
    pub group: Option<String>,
    /// Its tags, of which it may have any number.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Entry {
    /// A clip of which nothing else is known yet.
    pub fn new(id: ClipId, name: String) -> Self {
        Self { id, name, ..Self::default() }
    }
}

/// A label and its clips.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Class {
    /// The label.
    pub name: String,
    /// In the order in which they came.
    pub clips: Vec<Entry>,
}

impl Class {
    /// Clips that can be learned from, as far as is known.
    pub fn usable(&self) -> usize {
        self.clips.iter().filter(|clip| clip.trouble.is_none()).count()
    }

    /// The length of all clips that were heard, in seconds.
    pub fn seconds(&self) -> f64 {
        self.clips.iter().filter_map(|clip| clip.seconds).sum()
    }
}

/// What may be wrong with a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatasetWarning {
    /// Fewer than two classes that have clips: there is nothing to tell apart.
    TooFewClasses,
    /// A class without clips, which is left out.
    Empty(String),
    /// A class with a single clip: it cannot both be learned from and be judged by.
    Single(String),
    /// A class with few clips.
    Few(String, usize),
    /// The largest class has many times the clips of the smallest.
    Lopsided {
        /// The largest.
        largest: String,
        /// The smallest.
        smallest: String,
    },
    /// The same sound is in two classes.
    Twice {
        /// Its name in the first of them.
        clip: String,
        /// The two classes.
        classes: [String; 2],
    },
    /// Fewer than two tags that two clips have.
    TooFewTags,
    /// Tags that a single clip has: they are left out.
    RareTags(Vec<String>),
    /// So many clips have no tag that is taught: they are left out.
    Untagged(usize),
}

impl DatasetWarning {
    /// True where nothing can be taught before it is mended.
    pub fn forbids(&self) -> bool {
        matches!(self, Self::TooFewClasses | Self::Single(_) | Self::Twice { .. } | Self::TooFewTags)
    }
}

/// A class with fewer clips gets a word of caution.
const FEW: usize = 5;
/// The largest class may have this many times the clips of the smallest without a word.
const LOPSIDED: usize = 4;

/// The classes, and how they were before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset {
    classes: Vec<Class>,
    past: Vec<Vec<Class>>,
    /// True where the user wants tags to be taught and not classes.
    wants_tags: bool,
}

impl Dataset {
    /// The classes, in the order in which they came.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Puts classes that were kept before whatever was collected meanwhile. What was changed until then cannot be taken
    /// back any more: those classes would go with it.
    pub fn restore(&mut self, kept: Vec<Class>) {
        let meanwhile = std::mem::replace(&mut self.classes, kept);
        let entries = |class: Class| class.clips.into_iter().map(move |clip| (class.name.clone(), clip));
        self.add(meanwhile.into_iter().flat_map(entries).collect());
        self.past.clear();
    }

    /// True without any class.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// All clips.
    pub fn clips(&self) -> usize {
        self.classes.iter().map(|class| class.clips.len()).sum()
    }

    /// Adds clips under their labels, as one change. Clips that their class has already are left out; how many.
    pub fn add(&mut self, clips: Vec<(String, Entry)>) -> usize {
        if clips.is_empty() {
            return 0;
        }
        self.remember();
        let mut known = 0;
        for (label, entry) in clips {
            let class = self.class_of(&label);
            if class.clips.iter().any(|clip| clip.id == entry.id) {
                known += 1;
            } else {
                class.clips.push(entry);
            }
        }
        known
    }

    /// Adds classes as they were in another collection, as one change: empty ones too. Clips that their class has already
    /// are left out (how many), but the group and the tags that they have here count.
    pub fn add_classes(&mut self, classes: Vec<Class>) -> usize {
        if classes.is_empty() {
            return 0;
        }
        self.remember();
        let mut known = 0;
        for Class { name, clips } in classes {
            let class = self.class_of(&name);
            for entry in clips {
                match class.clips.iter_mut().find(|clip| clip.id == entry.id) {
                    Some(own) => {
                        known += 1;
                        own.group = entry.group.or(own.group.take());
                        if !entry.tags.is_empty() {
                            own.tags = entry.tags;
                        }
                    }
                    None => class.clips.push(entry),
                }
            }
        }
        known
    }

    /// Notes what a table says of clips, as one change: groups, tags, and where it names genres, the classes.
    pub fn apply(&mut self, table: &Table) -> Applied {
        self.remember();
        let applied = table.apply(&mut self.classes);
        // Classes that lost all their clips to others were names of folders.
        self.classes.retain(|class| !applied.emptied.contains(&class.name));
        applied
    }

    /// True where any clip has a tag.
    pub fn has_tags(&self) -> bool {
        self.classes.iter().flat_map(|class| &class.clips).any(|clip| !clip.tags.is_empty())
    }

    /// True where the user wants tags to be taught and not classes, whether there are any or not.
    pub fn wants_tags(&self) -> bool {
        self.wants_tags
    }

    /// What is to be taught: tags, or classes.
    pub fn want_tags(&mut self, wants: bool) {
        self.wants_tags = wants;
    }

    /// True where a lesson is about tags: a clip may have several labels.
    pub fn multi_label(&self) -> bool {
        self.wants_tags && self.has_tags()
    }

    /// Adds an empty class, where there is none of that name.
    pub fn add_class(&mut self, name: &str) {
        if !name.trim().is_empty() && !self.classes.iter().any(|class| class.name == name.trim()) {
            self.remember();
            self.class_of(name);
        }
    }

    /// Gives a class another name; where another class has it, the two become one.
    pub fn rename(&mut self, class: &str, name: &str) {
        let name = name.trim();
        if name.is_empty() || name == class {
            return;
        }
        let Some(place) = self.classes.iter().position(|own| own.name == class) else { return };
        self.remember();
        match self.classes.iter().position(|other| other.name == name) {
            None => self.classes[place].name = name.to_owned(),
            Some(other) => {
                let moved = std::mem::take(&mut self.classes[place].clips);
                let known: Vec<ClipId> = self.classes[other].clips.iter().map(|clip| clip.id.clone()).collect();
                self.classes[other].clips.extend(moved.into_iter().filter(|clip| !known.contains(&clip.id)));
                self.classes.remove(place);
            }
        }
    }

    /// Takes a class out, with its clips.
    pub fn remove_class(&mut self, class: &str) {
        if self.classes.iter().any(|own| own.name == class) {
            self.remember();
            self.classes.retain(|own| own.name != class);
        }
    }

    /// Takes a clip out of a class.
    pub fn remove(&mut self, class: &str, clip: &str) {
        self.take(class, clip);
    }

    /// Moves a clip from one class to another, which is made where it is not there.
    pub fn shift(&mut self, class: &str, clip: &str, to: &str) {
        let to = to.trim();
        if class == to || to.is_empty() {
            return;
        }
        if let Some(entry) = self.take(class, clip) {
            let class = self.class_of(to);
            if !class.clips.iter().any(|own| own.id == entry.id) {
                class.clips.push(entry);
            }
        }
    }

    /// Takes the last change back. False where there is none.
    pub fn undo(&mut self) -> bool {
        let before = self.past.pop();
        let there = before.is_some();
        self.classes = before.unwrap_or_else(|| std::mem::take(&mut self.classes));
        there
    }

    /// True where a change can be taken back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Notes what was heard of a clip, wherever it is. This is no change of the user's.
    pub fn set_outcome(&mut self, clip: &str, outcome: &Result<f64, String>) {
        let all = self.classes.iter_mut().chain(self.past.iter_mut().flatten());
        for entry in all.flat_map(|class| &mut class.clips).filter(|entry| entry.id == clip) {
            match outcome {
                Ok(seconds) => (entry.seconds, entry.trouble) = (Some(*seconds), None),
                Err(trouble) => entry.trouble = Some(trouble.clone()),
            }
        }
    }

    /// What may be wrong with it, the worst first.
    pub fn warnings(&self) -> Vec<DatasetWarning> {
        if self.multi_label() {
            return tags::warnings(&self.classes);
        }
        let mut warnings = Vec::new();
        let with_clips = || self.classes.iter().filter(|class| class.usable() > 0);
        if with_clips().count() < 2 {
            warnings.push(DatasetWarning::TooFewClasses);
        }
        let mut first: HashMap<&str, (&Entry, &Class)> = HashMap::new();
        // What cannot be heard is not learned from; empty files are all the same sound.
        let all = self.classes.iter().flat_map(|class| class.clips.iter().map(move |clip| (class, clip)));
        for (class, clip) in all.filter(|(_, clip)| clip.trouble.is_none()) {
            match first.get(clip.id.as_str()) {
                Some((before, other)) => {
                    let classes = [other.name.clone(), class.name.clone()];
                    warnings.push(DatasetWarning::Twice { clip: before.name.clone(), classes });
                }
                None => drop(first.insert(&clip.id, (clip, class))),
            }
        }
        warnings.extend(self.classes.iter().filter_map(|class| match class.usable() {
            0 => Some(DatasetWarning::Empty(class.name.clone())),
            1 => Some(DatasetWarning::Single(class.name.clone())),
            few if few < FEW => Some(DatasetWarning::Few(class.name.clone(), few)),
            _ => None,
        }));
        let sized = |class: &&Class| class.usable();
        if let (Some(largest), Some(smallest)) = (with_clips().max_by_key(sized), with_clips().min_by_key(sized))
            && largest.usable() > LOPSIDED * smallest.usable()
        {
            warnings.push(DatasetWarning::Lopsided { largest: largest.name.clone(), smallest: smallest.name.clone() });
        }
        warnings.sort_by_key(|warning| !warning.forbids());
        warnings
    }

    /// The labels of classes that have clips, and these clips, for a lesson; or, where it is about tags, those that two
    /// clips have at least, and the clips that have any of them.
    pub fn job(&self) -> (Vec<String>, Vec<LabelledClip>) {
        if self.multi_label() {
            return tags::job(&self.classes);
        }
        let classes: Vec<&Class> = self.classes.iter().filter(|class| class.usable() > 0).collect();
        let clips = classes.iter().enumerate().flat_map(|(label, class)| {
            class.clips.iter().filter(|clip| clip.trouble.is_none()).map(move |clip| LabelledClip {
                id: clip.id.clone(),
                name: clip.name.clone(),
                group: clip.group.clone(),
                labels: vec![label],
                split: Split::Train,
            })
        });
        let clips = clips.collect();
        (classes.into_iter().map(|class| class.name.clone()).collect(), clips)
    }

    fn class_of(&mut self, name: &str) -> &mut Class {
        let name = name.trim();
        let place = self.classes.iter().position(|class| class.name == name).unwrap_or_else(|| {
            self.classes.push(Class { name: name.to_owned(), clips: Vec::new() });
            self.classes.len() - 1
        });
        &mut self.classes[place]
    }

    fn take(&mut self, class: &str, clip: &str) -> Option<Entry> {
        let class = self.classes.iter().position(|own| own.name == class)?;
        let clip = self.classes[class].clips.iter().position(|own| own.id == clip)?;
        self.remember();
        Some(self.classes[class].clips.remove(clip))
    }

    fn remember(&mut self) {
        self.past.push(self.classes.clone());
        if self.past.len() > LONGEST_PAST {
            self.past.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str) -> Entry {
        Entry::new(id.to_owned(), format!("{id}.wav"))
    }

    fn of(classes: &[(&str, usize)]) -> Dataset {
        let mut dataset = Dataset::default();
        let clips = |&(class, count): &(&str, usize)| {
            (0..count).map(move |clip| (class.to_owned(), entry(&format!("{class}{clip}")))).collect::<Vec<_>>()
        };
        dataset.add(classes.iter().flat_map(clips).collect());
        dataset
    }

    fn sizes(dataset: &Dataset) -> Vec<(&str, usize)> {
        dataset.classes().iter().map(|class| (class.name.as_str(), class.clips.len())).collect()
    }

    #[test]
    fn classes_of_another_collection_are_added_as_they_are() {
        let mut dataset = of(&[("a", 2)]);
        let tagged = Entry { group: Some("x".to_owned()), tags: vec!["slow".to_owned()], ..entry("a0") };
        let class = |name: &str, clips| Class { name: name.to_owned(), clips };
        let added = vec![class("a", vec![tagged.clone(), entry("a1"), entry("a9")]), class("empty", Vec::new())];
        assert_eq!(dataset.add_classes(added), 2);
        assert_eq!(sizes(&dataset), [("a", 3), ("empty", 0)]);
        assert_eq!(dataset.classes()[0].clips[0], tagged);
        // Without anything said of it, what was said before stays.
        dataset.add_classes(vec![class("a", vec![entry("a0")])]);
        assert_eq!(dataset.classes()[0].clips[0], tagged);
        let (_, clips) = dataset.job();
        assert_eq!(clips[0].group.as_deref(), Some("x"));
        assert!(dataset.undo() && dataset.undo());
        assert_eq!(sizes(&dataset), [("a", 2)]);
    }

    #[test]
    fn every_change_can_be_taken_back() {
        let mut dataset = of(&[("a", 3), ("b", 2)]);
        let before = sizes(&dataset).into_iter().map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>();
        let changes: [fn(&mut Dataset); 6] = [
            |c| c.remove("a", "a1"),
            |c| c.shift("a", "a0", "b"),
            |c| c.rename("a", "z"),
            |c| c.rename("a", "b"),
            |c| c.remove_class("b"),
            |c| c.add_class("new"),
        ];
        for change in changes {
            change(&mut dataset);
            let after = sizes(&dataset).into_iter().map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>();
            assert_ne!(after, before);
            assert!(dataset.undo());
            let now = sizes(&dataset).into_iter().map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>();
            assert_eq!(now, before);
        }
    }

    #[test]
    fn what_was_kept_comes_back_beside_what_is_new() {
        let mut dataset = of(&[("b", 2), ("c", 1)]);
        dataset.restore(of(&[("a", 1), ("b", 1)]).classes().to_vec());
        assert_eq!(sizes(&dataset), [("a", 1), ("b", 2), ("c", 1)]);
        assert!(!dataset.can_undo(), "an undo would take what was kept");
    }

    #[test]
    fn what_changes_nothing_is_no_change() {
        let mut dataset = of(&[("a", 1)]);
        dataset.rename("a", " a ");
        dataset.rename("nobody", "b");
        dataset.shift("a", "a0", "a");
        dataset.remove("a", "nobody");
        dataset.add_class("  ");
        assert!(dataset.undo() && dataset.is_empty(), "only the first change is there to be taken back");
        assert!(!dataset.undo());
    }

    #[test]
    fn the_same_sound_is_in_a_class_once() {
        let mut dataset = of(&[("a", 2)]);
        assert_eq!(dataset.add(vec![("a".to_owned(), entry("a0")), ("b".to_owned(), entry("a1"))]), 1);
        assert_eq!(sizes(&dataset), [("a", 2), ("b", 1)]);
        let twice = DatasetWarning::Twice { clip: "a1.wav".to_owned(), classes: ["a".to_owned(), "b".to_owned()] };
        assert!(dataset.warnings().contains(&twice) && twice.forbids());
        dataset.rename("b", "a");
        assert_eq!(sizes(&dataset), [("a", 2)]);
    }

    #[test]
    fn doubts_tell_what_keeps_a_lesson_from_being_a_good_one() {
        assert_eq!(of(&[]).warnings(), [DatasetWarning::TooFewClasses]);
        assert_eq!(of(&[("a", 9)]).warnings(), [DatasetWarning::TooFewClasses]);
        assert_eq!(of(&[("a", 9), ("b", 9)]).warnings(), []);
        assert_eq!(of(&[("a", 9), ("b", 4)]).warnings(), [DatasetWarning::Few("b".to_owned(), 4)]);
        let lopsided = DatasetWarning::Lopsided { largest: "a".to_owned(), smallest: "b".to_owned() };
        assert_eq!(of(&[("a", 30), ("b", 6)]).warnings(), [lopsided]);
        let mut dataset = of(&[("a", 9), ("b", 2), ("c", 9)]);
        dataset.add_class("d");
        dataset.set_outcome("b0", &Err("it is silent".to_owned()));
        let found = dataset.warnings();
        assert_eq!(found[0], DatasetWarning::Single("b".to_owned()));
        assert!(found.contains(&DatasetWarning::Empty("d".to_owned())), "{found:?}");
    }

    #[test]
    fn a_lesson_has_what_can_be_heard() {
        let mut dataset = of(&[("a", 3), ("b", 1), ("c", 2)]);
        dataset.set_outcome("b0", &Err("it is silent".to_owned()));
        dataset.set_outcome("a0", &Ok(2.5));
        assert_eq!(dataset.classes()[0].seconds(), 2.5);
        let (labels, clips) = dataset.job();
        assert_eq!(labels, ["a", "c"]);
        let labels: Vec<usize> = clips.iter().map(|clip| clip.labels[0]).collect();
        assert_eq!(labels, [0, 0, 0, 1, 1]);
    }
}
