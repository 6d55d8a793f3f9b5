//! A visitor's own labelled clips: classes, and what is in them. Plain data; the files themselves the page keeps.

use crate::training_job::{ClipId, LabelledClip, Split};
use crate::view::train::class::{Class, Entry};
use crate::view::train::table::{Applied, Table};
use crate::view::train::warnings::DatasetWarning;
use crate::view::train::{tags, warnings};

/// Changes that can be taken back.
const LONGEST_PAST: usize = 50;

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
        if self.multi_label() { tags::warnings(&self.classes) } else { warnings::of_classes(&self.classes) }
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
#[path = "dataset_tests.rs"]
mod tests;
