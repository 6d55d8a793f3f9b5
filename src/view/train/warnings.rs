//! What may be wrong with a dataset, found before anything is trained.

use std::collections::HashMap;

use crate::view::train::class::{Class, Entry};

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

/// What may be wrong with a job about these classes, the worst first.
pub(super) fn of_classes(all: &[Class]) -> Vec<DatasetWarning> {
    let mut warnings = Vec::new();
    let with_clips = || all.iter().filter(|class| class.usable() > 0);
    if with_clips().count() < 2 {
        warnings.push(DatasetWarning::TooFewClasses);
    }
    let mut first: HashMap<&str, (&Entry, &Class)> = HashMap::new();
    // What cannot be heard is not learned from; empty files are all the same sound.
    let clips = all.iter().flat_map(|class| class.clips.iter().map(move |clip| (class, clip)));
    for (class, clip) in clips.filter(|(_, clip)| clip.trouble.is_none()) {
        match first.get(clip.id.as_str()) {
            Some((before, other)) => {
                let classes = [other.name.clone(), class.name.clone()];
                warnings.push(DatasetWarning::Twice { clip: before.name.clone(), classes });
            }
            None => drop(first.insert(&clip.id, (clip, class))),
        }
    }
    warnings.extend(all.iter().filter_map(|class| match class.usable() {
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
