//! What may be wrong with a dataset, found before training.

use std::collections::HashMap;

use crate::view::train::class::{Class, DatasetClip};

/// What may be wrong with a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatasetWarning {
    /// Fewer than two classes have clips.
    TooFewClasses,
    /// A class without clips, which is left out.
    Empty(String),
    /// A class with a single clip, which cannot be in both splits.
    Single(String),
    /// A class with few clips.
    Few(String, usize),
    /// The largest class has many times the clips of the smallest.
    Lopsided {
        /// The name of the class with the most clips.
        largest: String,
        /// The name of the class with the fewest clips.
        smallest: String,
    },
    /// The same file is in two classes.
    Twice {
        /// Its name in the first of them.
        clip: String,
        /// The two classes.
        classes: [String; 2],
    },
    /// All clips, or all of a class, are by one artist, whose clips stay together in one split.
    OneArtist {
        /// The class; `None` for all clips, of which nothing would be left for validation.
        class: Option<String>,
        /// The artist.
        artist: String,
    },
    /// Fewer than two tags are on two or more clips.
    TooFewTags,
    /// Tags on a single clip, which are left out.
    RareTags(Vec<String>),
    /// So many clips are left out because they have none of the tags that are used.
    Untagged(usize),
}

impl DatasetWarning {
    /// True if training cannot start before this is fixed.
    pub(crate) fn forbids(&self) -> bool {
        // An empty or a small class can be left out or trained on; these cannot.
        match self {
            Self::TooFewClasses | Self::Single(_) | Self::Twice { .. } | Self::TooFewTags => true,
            Self::OneArtist { class, .. } => class.is_none(),
            _ => false,
        }
    }
}

/// A class with fewer clips gets a warning: its metrics would be a matter of luck.
const FEW: usize = 5;
/// The largest class may have this many times the clips of the smallest without a warning.
const LOPSIDED: usize = 4;

/// What may be wrong with training on these classes, the worst first.
pub(super) fn of_classes(all: &[Class]) -> Vec<DatasetWarning> {
    let mut warnings = Vec::new();
    let with_clips = || all.iter().filter(|class| class.usable() > 0);
    if with_clips().count() < 2 {
        warnings.push(DatasetWarning::TooFewClasses);
    }
    let mut first: HashMap<&str, (&DatasetClip, &Class)> = HashMap::new();
    // Clips that cannot be decoded are not trained on, and all empty files have the same identity.
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
    // Only classes with clips: an empty one has its own warning.
    let sized = |class: &&Class| class.usable();
    if let (Some(largest), Some(smallest)) = (with_clips().max_by_key(sized), with_clips().min_by_key(sized))
        && largest.usable() > LOPSIDED * smallest.usable()
    {
        warnings.push(DatasetWarning::Lopsided { largest: largest.name.clone(), smallest: smallest.name.clone() });
    }
    warnings.extend(one_artist(all));
    // The sort is stable, so warnings of a kind stay in the order of the classes. `false` comes first.
    warnings.sort_by_key(|warning| !warning.forbids());
    warnings
}

/// The classes whose clips all have one artist, or all clips together.
pub(super) fn one_artist(all: &[Class]) -> Vec<DatasetWarning> {
    let of = |classes: &[Class], class: Option<String>| {
        let usable = || classes.iter().flat_map(|class| &class.clips).filter(|clip| clip.trouble.is_none());
        let artist = usable().next()?.group.clone()?;
        // A single clip has its own warning.
        let is_one = usable().count() > 1 && usable().all(|clip| clip.group.as_ref() == Some(&artist));
        is_one.then_some(DatasetWarning::OneArtist { class, artist })
    };
    if let Some(warning) = of(all, None) {
        return vec![warning];
    }
    all.iter().filter_map(|class| of(std::slice::from_ref(class), Some(class.name.clone()))).collect()
}
