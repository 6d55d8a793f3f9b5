//! What file names say: whether a file is audio, and which class it belongs to.

use std::collections::BTreeSet;

/// Extensions of audio files, also of those that neither the engine nor a browser may read: a clip that cannot be read says
/// why, and a file that is left out is only named.
const AUDIO: [&str; 40] = [
    "wav", "wave", "rf64", "bw64", "w64", "au", "snd", "aif", "aiff", "aifc", "caf", "mp1", "mp2", "mp3", "mpga",
    "flac", "ogg", "oga", "opus", "spx", "webm", "weba", "mka", "m4a", "m4b", "m4p", "m4r", "aac", "mp4", "3gp", "3g2",
    "amr", "ac3", "wma", "wv", "ape", "dsf", "dff", "mpc", "tta",
];
/// An extension has at most this many letters and digits; what follows the dot in `St. Louis` is none.
const LONGEST_EXTENSION: usize = 5;

/// Folders with these names hold the parts of a set, and the folders in them are the classes.
const PARTS: [&str; 11] =
    ["train", "training", "valid", "validation", "val", "dev", "test", "testing", "eval", "evaluation", "holdout"];

/// True if a file is audio by its name.
pub(crate) fn is_sound(path: &str) -> bool {
    sound_by_name(path) == Some(true)
}

/// Whether a file is audio; `None` if its name has no extension, so that its bytes have to tell. What macOS keeps beside a
/// file, under its name after `._`, is not.
pub(crate) fn sound_by_name(path: &str) -> Option<bool> {
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.starts_with("._") {
        return Some(false);
    }
    let (_, extension) = name.rsplit_once('.')?;
    let is_extension = (1..=LONGEST_EXTENSION).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        // As in `take.2`.
        && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_extension.then(|| AUDIO.contains(&extension.to_lowercase().as_str()))
}

/// The classes of files that came together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels {
    /// The class of every file; `None` if neither a folder nor its name says one.
    pub of_files: Vec<Option<String>>,
    /// What was chosen, if the folders could also be meant in another way.
    pub choice: Option<FolderChoice>,
}

/// Which of the folders in folders became the classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FolderChoice {
    /// The outer folders, and not those in them: genres with albums, say.
    Outer {
        /// The names of the classes.
        classes: Vec<String>,
        /// The names of the folders in them.
        inside: Vec<String>,
    },
    /// The folders in these, which hold the parts of a set: `train` and `test`.
    InParts(Vec<String>),
    /// A folder that holds files, and those in it.
    Mixed {
        /// The outer folder.
        outer: String,
        /// The folders in it.
        inside: Vec<String>,
    },
}

/// The classes of files by their paths, which are relative to what was chosen. The folders in the innermost folder that
/// holds all of them are the classes; if they are only parts of a set (`train`, `test`), the folders in those. Without
/// folders it is what stands before the number in names like GTZAN's (`blues.00012.wav`), also if all files are in one folder
/// and have several such names.
pub(crate) fn labels_of(paths: &[&str]) -> Labels {
    let parted: Vec<(Vec<&str>, &str)> = paths.iter().map(|path| parted(path)).collect();
    let by_name: Vec<Option<String>> = parted.iter().map(|(_, name)| before_number(name).map(str::to_owned)).collect();
    let folders: BTreeSet<&[&str]> = parted.iter().map(|(folders, _)| folders.as_slice()).collect();
    let names: BTreeSet<&Option<String>> = by_name.iter().collect();
    // A folder like `clips/` with GTZAN's files in it is no class.
    if folders.len() == 1 && names.len() > 1 && !names.contains(&None) {
        return Labels { of_files: by_name, choice: None };
    }
    // Files beside the folders are in none of them.
    let inside: Vec<&[&str]> = folders.into_iter().filter(|folders| !folders.is_empty()).collect();
    let common = common(&inside);
    let below = || inside.iter().map(|folders| &folders[common..]);
    let in_parts = below().all(|rest| rest.len() >= 2 && PARTS.contains(&rest[0].to_lowercase().as_str()));
    let class_of = |folders: &[&str]| {
        let rest = folders.get(common..).unwrap_or_default();
        let named = if in_parts { rest.get(1) } else { rest.first() };
        named.or(folders.last()).map(|&folder| folder.to_owned())
    };
    let outer = inside.first().map(|first| &first[..common]).unwrap_or_default();
    let choice = choice(&below().collect::<Vec<_>>(), outer, in_parts);
    let of_files = parted.iter().zip(by_name).map(|((folders, _), name)| class_of(folders).or(name)).collect();
    Labels { of_files, choice }
}

/// The folders and the name in a path.
fn parted(path: &str) -> (Vec<&str>, &str) {
    let mut folders: Vec<&str> = path.split('/').collect();
    let name = folders.pop().unwrap_or_default();
    folders.retain(|folder| !folder.is_empty());
    (folders, name)
}

/// How many folders all of these begin with.
fn common(all: &[&[&str]]) -> usize {
    let Some((first, others)) = all.split_first() else { return 0 };
    let shared = |other: &&[&str]| first.iter().zip(*other).take_while(|(a, b)| a == b).count();
    others.iter().map(shared).min().unwrap_or(first.len())
}

/// What was chosen among folders in folders: `below` are the paths of all folders with files in the folder `outer`.
fn choice(below: &[&[&str]], outer: &[&str], in_parts: bool) -> Option<FolderChoice> {
    let names = |place: usize| {
        let found: BTreeSet<&str> = below.iter().filter_map(|rest| rest.get(place).copied()).collect();
        found.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    if below.len() < 2 {
        return None;
    }
    if in_parts {
        return Some(FolderChoice::InParts(names(0)));
    }
    if let Some(outer) = outer.last().filter(|_| below.iter().any(|rest| rest.is_empty())) {
        return Some(FolderChoice::Mixed { outer: (*outer).to_owned(), inside: names(0) });
    }
    let nested = below.iter().any(|rest| rest.len() > 1);
    nested.then(|| FolderChoice::Outer { classes: names(0), inside: names(1) })
}

/// What stands before the number in a name like GTZAN's.
fn before_number(file: &str) -> Option<&str> {
    let pieces: Vec<&str> = file.split('.').collect();
    let [name, number, _extension] = pieces.as_slice() else { return None };
    // Two dots alone are not enough: `12.03.2024 concert.wav` has no class.
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (numbered && !name.is_empty()).then_some(*name)
}

/// Files of one source, for [`labels_of`], by their paths in what was dropped: `0` for all, or, if several folders were
/// dropped of which one holds files itself, the place of each folder among them: that one is a class, and not a folder of
/// classes.
pub(crate) fn sources_of(paths: &[&str]) -> Vec<usize> {
    let parted: Vec<(Vec<&str>, &str)> = paths.iter().map(|path| parted(path)).collect();
    let roots: BTreeSet<&str> = parted.iter().filter_map(|(folders, _)| folders.first().copied()).collect();
    let is_class = parted.iter().any(|(folders, _)| folders.len() == 1);
    let place = |folders: &[&str]| folders.first().and_then(|first| roots.iter().position(|root| root == first));
    parted.iter().map(|(folders, _)| place(folders).filter(|_| is_class).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(paths: &[&str]) -> Vec<String> {
        labels_of(paths).of_files.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn choice(paths: &[&str]) -> Option<FolderChoice> {
        labels_of(paths).choice
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn labels_come_from_folders_and_from_names() {
        let label = |path| labels_of(&[path]).of_files.remove(0);
        assert_eq!(label("songs/jazz/one.wav").as_deref(), Some("jazz"));
        assert_eq!(label("jazz/blues.00012.wav").as_deref(), Some("jazz"));
        assert_eq!(label("blues.00012.wav").as_deref(), Some("blues"));
        assert_eq!(label("blues.wav"), None);
        assert_eq!(label("12.03.2024 concert.wav"), None);
        assert_eq!(label(".00012.wav"), None);
        // One folder of all kinds, as GTZAN's files are passed around.
        assert_eq!(labels(&["clips/blues.00012.wav", "clips/jazz.00001.wav"]), ["blues", "jazz"]);
        assert_eq!(labels(&["blues/blues.1.wav", "jazz/blues.2.wav"]), ["blues", "jazz"]);
        assert_eq!(labels(&["takes/one.1.wav", "takes/two.wav"]), ["takes", "takes"]);
        assert_eq!(labels_of(&[]), Labels::default());
        // Files beside a folder of classes.
        let beside = ["music/jazz/one.wav", "music/rock/two.wav", "polka.00007.wav", "lost.wav"];
        assert_eq!(labels(&beside), ["jazz", "rock", "polka", ""]);
        assert_eq!(choice(&beside), None);
        // GTZAN as it goes round: the pictures beside it are no sounds, and not among these.
        assert_eq!(labels(&["Data/genres/blues/blues.0.wav", "Data/genres/jazz/jazz.0.wav"]), ["blues", "jazz"]);
    }

    #[test]
    fn genres_of_albums_become_classes_and_not_their_albums() {
        let nest = ["Jazz/Blue Hour/01.wav", "Jazz/Night Train/01.wav", "Rock/Stone/01.wav", "Rock/Stone/CD 2/02.wav"];
        assert_eq!(labels(&nest), ["Jazz", "Jazz", "Rock", "Rock"]);
        let (classes, inside) = (strings(&["Jazz", "Rock"]), strings(&["Blue Hour", "Night Train", "Stone"]));
        assert_eq!(choice(&nest), Some(FolderChoice::Outer { classes, inside }));
        let in_folder: Vec<String> = nest.iter().map(|path| format!("my/music/{path}")).collect();
        assert_eq!(labels(&in_folder.iter().map(String::as_str).collect::<Vec<_>>()), ["Jazz", "Jazz", "Rock", "Rock"]);
    }

    #[test]
    fn parts_of_a_set_are_no_classes() {
        let set = ["gtzan/Train/jazz/1.wav", "gtzan/Train/rock/1.wav", "gtzan/test/jazz/2.wav"];
        assert_eq!(labels(&set), ["jazz", "rock", "jazz"]);
        assert_eq!(choice(&set), Some(FolderChoice::InParts(strings(&["Train", "test"]))));
        // Folders of those names with sounds in them are classes.
        assert_eq!(labels(&["train/1.wav", "rain/1.wav"]), ["train", "rain"]);
    }

    #[test]
    fn a_folder_with_files_and_folders_is_told() {
        let mixed = ["jazz/1.wav", "jazz/live/2.wav"];
        assert_eq!(labels(&mixed), ["jazz", "live"]);
        let expected = FolderChoice::Mixed { outer: "jazz".to_owned(), inside: strings(&["live"]) };
        assert_eq!(choice(&mixed), Some(expected));
    }

    #[test]
    fn dropped_folders_are_classes_or_hold_them() {
        // A class beside a folder of classes.
        assert_eq!(sources_of(&["music/rock/a.wav", "jazz/c.wav", "lost.wav"]), [1, 0, 0]);
        assert_eq!(sources_of(&["Jazz/A/a.wav", "Rock/B/b.wav", "lost.wav"]), [0, 0, 0]);
    }

    #[test]
    fn audio_is_known_by_its_name() {
        for name in ["a/b.WAV", "b.tar.opus", "a.aifc", "a.m4b", "a.webm", "a.caf", ".38 Special.mp3", "...Baby.flac"] {
            assert!(is_sound(name), "{name}");
        }
        for name in ["a/cover.jpg", "a/._b.wav", "list.csv", "features.npy", ".DS_Store.txt"] {
            assert_eq!(sound_by_name(name), Some(false), "{name}");
        }
        for name in ["wav/notes", "three", "take.2", "St. Louis", "1. Prélude", "dot."] {
            assert_eq!(sound_by_name(name), None, "{name}");
        }
    }
}
