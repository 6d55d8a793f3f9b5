//! The dataset: a visitor's own clips in classes, with undo. Plain data: the page keeps the files.

use crate::training_job::{ClipId, LabelledClip, Split};
use crate::view::train::class::{Class, DatasetClip, one_line};
use crate::view::train::table::{Applied, Table};
use crate::view::train::warnings::DatasetWarning;
use crate::view::train::{tags, warnings};

/// The most changes that can be undone.
const LONGEST_PAST: usize = 50;

/// The classes, and their earlier states.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset {
    classes: Vec<Class>,
    past: Vec<Vec<Class>>,
    /// True if the user wants to train on tags, not classes.
    wants_tags: bool,
}

impl Dataset {
    /// The classes, in the order in which they were added.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Puts stored classes before those that were added meanwhile. Earlier changes can no longer be undone: that would
    /// remove the stored classes.
    pub(crate) fn restore(&mut self, stored: Vec<Class>) {
        let meanwhile = std::mem::replace(&mut self.classes, stored);
        let labelled = |class: Class| class.clips.into_iter().map(move |clip| (class.name.clone(), clip));
        self.add(meanwhile.into_iter().flat_map(labelled).collect());
        // Every earlier state lacks the stored classes.
        self.forget_past();
    }

    /// No earlier change can be undone any more.
    pub(crate) fn forget_past(&mut self) {
        self.past.clear();
    }

    /// True without any class.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The number of all clips.
    pub fn clips(&self) -> usize {
        self.classes.iter().map(|class| class.clips.len()).sum()
    }

    /// Adds clips under their labels, as one change. Returns how many were left out because their class has them already.
    pub fn add(&mut self, clips: Vec<(String, DatasetClip)>) -> usize {
        // Without this, undo would have a step that changes nothing.
        if clips.is_empty() {
            return 0;
        }
        self.remember();
        let mut known = 0;
        for (label, clip) in clips {
            let class = self.class_of(&label);
            if class.clips.iter().any(|own| own.id == clip.id) {
                known += 1;
            } else {
                class.clips.push(clip);
            }
        }
        known
    }

    /// Adds the classes of another dataset, empty ones too, as one change. Clips that their class has already are not
    /// added, but take over the group and the tags that they have in the other dataset. Returns how many these are.
    pub(crate) fn add_classes(&mut self, classes: Vec<Class>) -> usize {
        if classes.is_empty() {
            return 0;
        }
        self.remember();
        let mut known = 0;
        for Class { name, clips } in classes {
            let class = self.class_of(&name);
            for clip in clips {
                match class.clips.iter_mut().find(|own| own.id == clip.id) {
                    Some(own) => {
                        known += 1;
                        own.group = clip.group.or(own.group.take());
                        // A dataset without tags should not remove those that are here.
                        if !clip.tags.is_empty() {
                            own.tags = clip.tags;
                        }
                    }
                    None => class.clips.push(clip),
                }
            }
        }
        known
    }

    /// Applies the metadata in a table as one change: artists, tags, and, if it names genres, the classes.
    pub(crate) fn apply(&mut self, table: &Table) -> Applied {
        let mut changed = self.classes.clone();
        let applied = table.apply(&mut changed);
        // Classes that lost all their clips to others were mere folders of files.
        changed.retain(|class| !applied.emptied.contains(&class.name));
        if changed != self.classes {
            self.remember();
            self.classes = changed;
        }
        applied
    }

    /// True if any clip has a tag.
    pub(crate) fn has_tags(&self) -> bool {
        self.classes.iter().flat_map(|class| &class.clips).any(|clip| !clip.tags.is_empty())
    }

    /// True if the user wants to train on tags, whether there are any or not.
    pub(crate) fn wants_tags(&self) -> bool {
        self.wants_tags
    }

    /// Chooses tags, or classes, to train on.
    pub(crate) fn want_tags(&mut self, wants: bool) {
        self.wants_tags = wants;
    }

    /// True if training is about tags: a clip may then have several labels.
    pub fn multi_label(&self) -> bool {
        self.wants_tags && self.has_tags()
    }

    /// Adds an empty class, unless there is one of that name.
    pub(crate) fn add_class(&mut self, name: &str) {
        // Spaces at the ends of a name could not be told apart on the page.
        let name = one_line(name);
        if !name.is_empty() && !self.classes.iter().any(|class| class.name == name) {
            self.remember();
            self.class_of(&name);
        }
    }

    /// Renames a class. If another class has that name, the two are merged.
    pub fn rename(&mut self, class: &str, name: &str) {
        let name = one_line(name);
        if name.is_empty() || name == class {
            return;
        }
        // Looked up before the state is saved: a rename of nothing is no change.
        let Some(place) = self.classes.iter().position(|own| own.name == class) else { return };
        self.remember();
        match self.classes.iter().position(|other| other.name == name) {
            None => self.classes[place].name = name,
            Some(other) => {
                let moved = std::mem::take(&mut self.classes[place].clips);
                let known: Vec<ClipId> = self.classes[other].clips.iter().map(|clip| clip.id.clone()).collect();
                self.classes[other].clips.extend(moved.into_iter().filter(|clip| !known.contains(&clip.id)));
                self.classes.remove(place);
            }
        }
    }

    /// Removes a class with its clips.
    pub(crate) fn remove_class(&mut self, class: &str) {
        if self.classes.iter().any(|own| own.name == class) {
            self.remember();
            self.classes.retain(|own| own.name != class);
        }
    }

    /// Removes a clip from a class.
    pub fn remove(&mut self, class: &str, clip: &str) {
        self.take(class, clip);
    }

    /// Moves a clip from one class to another, which is created if it does not exist.
    pub fn shift(&mut self, class: &str, clip: &str, to: &str) {
        let to = one_line(to);
        if class == to || to.is_empty() {
            return;
        }
        if let Some(clip) = self.take(class, clip) {
            let class = self.class_of(&to);
            if !class.clips.iter().any(|own| own.id == clip.id) {
                class.clips.push(clip);
            }
        }
    }

    /// Undoes the last change. False if there is none.
    pub fn undo(&mut self) -> bool {
        let before = self.past.pop();
        let there = before.is_some();
        // Without an earlier state the classes stay: they are taken and put back.
        self.classes = before.unwrap_or_else(|| std::mem::take(&mut self.classes));
        there
    }

    /// True if a change can be undone.
    pub(crate) fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Notes the length of a clip, or why it cannot be decoded, in all classes and earlier states. This is not a change of
    /// the user's.
    pub(crate) fn set_outcome(&mut self, clip: &str, outcome: &Result<f64, String>) {
        let all = self.classes.iter_mut().chain(self.past.iter_mut().flatten());
        for own in all.flat_map(|class| &mut class.clips).filter(|own| own.id == clip) {
            match outcome {
                Ok(seconds) => (own.seconds, own.trouble) = (Some(*seconds), None),
                Err(trouble) => own.trouble = Some(trouble.clone()),
            }
        }
    }

    /// What may be wrong with the dataset, the worst first.
    pub fn warnings(&self) -> Vec<DatasetWarning> {
        if self.multi_label() { tags::warnings(&self.classes) } else { warnings::of_classes(&self.classes) }
    }

    /// The labels and clips to train on: classes that have clips; or, if training is about tags, those on two or more
    /// clips, and the clips that have any of them.
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
        let name = one_line(name);
        let place = self.classes.iter().position(|class| class.name == name).unwrap_or_else(|| {
            self.classes.push(Class { name, clips: Vec::new() });
            self.classes.len() - 1
        });
        &mut self.classes[place]
    }

    fn take(&mut self, class: &str, clip: &str) -> Option<DatasetClip> {
        let class = self.classes.iter().position(|own| own.name == class)?;
        let clip = self.classes[class].clips.iter().position(|own| own.id == clip)?;
        self.remember();
        Some(self.classes[class].clips.remove(clip))
    }

    fn remember(&mut self) {
        self.past.push(self.classes.clone());
        // A state holds names and tags alone, but of thousands of clips.
        if self.past.len() > LONGEST_PAST {
            self.past.remove(0);
        }
    }
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
