//! Songs with their labels.

use crate::dsp::Segment;
use crate::eval::metrics::argmax;

/// One song: its segments and what it should be called.
#[derive(Debug, Clone)]
pub struct Song {
    /// Its name, for reports.
    pub name: String,
    /// Songs of one group (by one artist, say) must not be on both sides of a split; `None` where it stands alone.
    pub group: Option<String>,
    /// One value a label, 0 to 1: shares that sum to 1 where one label holds, each for itself where many may.
    pub target: Vec<f32>,
    /// Its segments, as the network's windows are cut from them (`Windowing::prepare`).
    pub segments: Vec<Segment>,
}

impl Song {
    /// The label that holds most.
    pub fn label(&self) -> usize {
        argmax(&self.target)
    }
}

/// The target of a song of one class.
pub fn one_of(label: usize, classes: usize) -> Vec<f32> {
    (0..classes).map(|class| if class == label { 1.0 } else { 0.0 }).collect()
}

/// Songs of a few classes.
#[derive(Debug, Clone)]
pub struct LabelledSet {
    /// The classes.
    pub labels: Vec<String>,
    /// True where a song may have any number of labels, false where it has one.
    pub multi_label: bool,
    /// The songs.
    pub songs: Vec<Song>,
}

/// A song or a group of songs on both sides of a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} '{name}' is in the training part and in the validation part, which would flatter every figure; put it in one"
)]
pub struct Leak {
    what: &'static str,
    name: String,
}

/// Checks that no song, and no group, is in both sets.
///
/// # Errors
///
/// [`Leak`], which names the first that is.
pub fn check_apart(train: &LabelledSet, valid: &LabelledSet) -> Result<(), Leak> {
    let find = |what, name: fn(&Song) -> Option<&str>| {
        let known: std::collections::HashSet<&str> = train.songs.iter().filter_map(name).collect();
        let both = valid.songs.iter().filter_map(name).find(|name| known.contains(name));
        both.map_or(Ok(()), |name| Err(Leak { what, name: name.to_owned() }))
    };
    find("the song", |song| Some(&song.name))?;
    find("the group", |song| song.group.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_song_or_an_artist_on_both_sides_is_found() {
        let train = set(&[("one", Some("7")), ("two", None)]);
        assert_eq!(check_apart(&train, &set(&[("three", Some("8")), ("four", None)])), Ok(()));
        let song = check_apart(&train, &set(&[("two", None)])).unwrap_err();
        assert!(song.to_string().starts_with("the song 'two' is in the training part and"), "{song}");
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
