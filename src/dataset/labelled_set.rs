//! Songs with their labels: what networks are trained and evaluated on.

use crate::dsp::Segment;

/// One song: its segments and its labels.
#[derive(Debug, Clone)]
pub struct Song {
    /// The song's name, unique in its set.
    pub name: String,
    /// Songs of one group (by one artist, say) must be in one split; `None` for a song that belongs to no group.
    pub group: Option<String>,
    /// `[labels]`, 0 to 1: they sum to 1 for songs with one label; for tags every value is independent.
    pub target: Vec<f32>,
    /// The mel-spectrogram in segments, prepared for the network (`Windowing::prepare`); or one segment with a column of
    /// precomputed features per window.
    pub segments: Vec<Segment>,
}

impl Song {
    /// The label with the largest target; the first of equals.
    pub fn label(&self) -> usize {
        argmax(&self.target)
    }
}

/// The index of the largest value; the first of equals; 0 for no values.
pub fn argmax(values: &[f32]) -> usize {
    let larger = |best: usize, index: usize| if values[index] > values[best] { index } else { best };
    (0..values.len()).fold(0, larger)
}

/// The target of a song of one class: 1 for it, 0 for the others, `[classes]`.
pub fn one_of(label: usize, classes: usize) -> Vec<f32> {
    (0..classes).map(|class| if class == label { 1.0 } else { 0.0 }).collect()
}

/// A dataset, or a split of one.
#[derive(Debug, Clone)]
pub struct LabelledSet {
    /// The labels, in the order of targets and predictions.
    pub labels: Vec<String>,
    /// True if a song may have any number of labels (tags), false if it has exactly one.
    pub multi_label: bool,
    /// The songs, in the order of predictions.
    pub songs: Vec<Song>,
}

/// A song or a group that is in both splits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} '{name}' is in the training split and in the validation split, which makes every score too good; \
     put it in one of them"
)]
pub struct Leak {
    what: &'static str,
    name: String,
}

/// Checks that no song and no group is in both sets. The error names the first that is.
pub fn check_apart(train: &LabelledSet, valid: &LabelledSet) -> Result<(), Leak> {
    let find = |what, name: fn(&Song) -> Option<&str>| {
        let known: std::collections::HashSet<&str> = train.songs.iter().filter_map(name).collect();
        let both = valid.songs.iter().filter_map(name).find(|name| known.contains(name));
        both.map_or(Ok(()), |name| Err(Leak { what, name: name.to_owned() }))
    };
    // Songs first: a song in both splits usually has its group there, too, and the song is the clearer message.
    find("the song", |song| Some(&song.name))?;
    find("the group", |song| song.group.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
    }

    fn set(songs: &[(&str, Option<&str>)]) -> LabelledSet {
        let song = |&(name, group): &(&str, Option<&str>)| Song {
            name: name.to_owned(),
            group: group.map(str::to_owned),
            target: one_of(0, 1),
            segments: Vec::new(),
        };
        LabelledSet { labels: vec!["a".into()], multi_label: false, songs: songs.iter().map(song).collect() }
    }

    #[test]
    fn a_song_or_an_artist_in_both_splits_is_found() {
        let train = set(&[("one", Some("7")), ("two", None)]);
        assert_eq!(check_apart(&train, &set(&[("three", Some("8")), ("four", None)])), Ok(()));
        let song = check_apart(&train, &set(&[("two", None)])).unwrap_err();
        assert!(song.to_string().starts_with("the song 'two' is in the training split and"), "{song}");
        let artist = check_apart(&train, &set(&[("three", Some("7"))])).unwrap_err();
        assert!(artist.to_string().starts_with("the group '7' is in"), "{artist}");
    }

    #[test]
    fn the_label_is_the_largest_target() {
        assert_eq!(one_of(2, 4), [0.0, 0.0, 1.0, 0.0]);
        let song = Song { target: vec![0.1, 0.6, 0.3], ..set(&[("one", None)]).songs[0].clone() };
        assert_eq!(song.label(), 1);
    }
}
