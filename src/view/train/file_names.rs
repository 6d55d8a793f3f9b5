//! What file names say: whether a file is audio, and which class it belongs to.

use std::collections::HashSet;

/// Extensions of audio files. Others in a folder (pictures, lists) are counted and left out.
const AUDIO: [&str; 16] = [
    "wav", "wave", "rf64", "bw64", "au", "snd", "aif", "aiff", "mp3", "flac", "ogg", "oga", "opus", "m4a", "aac", "mp4",
];

/// True if a file is audio by its name. Hidden files are not: macOS puts metadata under the name of a clip into them.
pub(crate) fn is_sound(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    AUDIO.contains(&ending.as_str()) && !name.starts_with('.')
}

/// The labels of files by their paths, which are relative to what was chosen: the folder of each, or what stands before the
/// number in names like GTZAN's (`blues.00012.wav`). If all files are in one folder and have several such names, the names
/// count.
pub(crate) fn labels_of(paths: &[&str]) -> Vec<Option<String>> {
    let parted = paths.iter().map(|path| path.rsplit_once('/').unwrap_or(("", path)));
    let numbered = |name| before_number(name).map(str::to_owned);
    let by_name: Vec<Option<String>> = parted.clone().map(|(_, name)| numbered(name)).collect();
    let folders: HashSet<&str> = parted.clone().map(|(folder, _)| folder).collect();
    let names: HashSet<&Option<String>> = by_name.iter().collect();
    // A folder like `clips/` with GTZAN's files in it is no class.
    if folders.len() == 1 && names.len() > 1 && !names.contains(&None) {
        return by_name;
    }
    let by_folder = parted.map(|(folder, _)| folder.rsplit('/').next().filter(|folder| !folder.is_empty()));
    by_folder.zip(by_name).map(|(folder, name)| folder.map(str::to_owned).or(name)).collect()
}

/// What stands before the number in a name like GTZAN's.
fn before_number(file: &str) -> Option<&str> {
    let pieces: Vec<&str> = file.split('.').collect();
    let [name, number, _extension] = pieces.as_slice() else { return None };
    // Two dots alone are not enough: `12.03.2024 concert.wav` has no class.
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (numbered && !name.is_empty()).then_some(*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_from_folders_and_from_names() {
        let label = |path| labels_of(&[path]).remove(0);
        assert_eq!(label("songs/jazz/one.wav").as_deref(), Some("jazz"));
        assert_eq!(label("jazz/blues.00012.wav").as_deref(), Some("jazz"));
        assert_eq!(label("blues.00012.wav").as_deref(), Some("blues"));
        assert_eq!(label("blues.wav"), None);
        assert_eq!(label("12.03.2024 concert.wav"), None);
        assert_eq!(label(".00012.wav"), None);
        let labels = |paths: &[&str]| labels_of(paths).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
        // One folder of all kinds, as GTZAN's files are passed around.
        assert_eq!(labels(&["clips/blues.00012.wav", "clips/jazz.00001.wav"]), ["blues", "jazz"]);
        assert_eq!(labels(&["blues/blues.1.wav", "jazz/blues.2.wav"]), ["blues", "jazz"]);
        assert_eq!(labels(&["takes/one.1.wav", "takes/two.wav"]), ["takes", "takes"]);
    }

    #[test]
    fn audio_is_known_by_its_name() {
        assert!(is_sound("a/b.WAV") && is_sound("b.tar.opus"));
        assert!(!is_sound("a/cover.jpg") && !is_sound("a/._b.wav") && !is_sound("wav/notes"));
    }
}
