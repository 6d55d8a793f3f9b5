//! Splits of one set into folds or random parts.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::dataset::labelled_set::LabelledSet;

/// A set that cannot be cut into folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "cross-validation needs 2 or more folds, and songs of 2 or more groups (artist_group); found {folds} and {groups}"
)]
pub struct TooFewFolds {
    folds: usize,
    groups: usize,
}

/// Checks that a set can be cut into folds: every fold leaves songs to train on.
///
/// # Errors
///
/// [`TooFewFolds`] for less than two folds, or less than two groups of songs.
pub fn check_folds(set: &LabelledSet, folds: usize) -> Result<(), TooFewFolds> {
    let groups = groups(set).len();
    if folds < 2 || groups < 2 { Err(TooFewFolds { folds, groups }) } else { Ok(()) }
}

/// The songs of every group; a song without a group is one of its own.
fn groups(set: &LabelledSet) -> Vec<(String, Vec<usize>)> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, song) in set.songs.iter().enumerate() {
        // A prefix, because a group may have the name of a song.
        let name = song.group.clone().unwrap_or_else(|| format!("song {}", song.name));
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, songs)) => songs.push(index),
            None => groups.push((name, vec![index])),
        }
    }
    groups
}

/// The fold of every song, 0 to `folds` - 1, for a set that [`check_folds`] accepts.
///
/// Songs of one group share a fold. The groups are assigned greedily, the largest first and groups of one size in random
/// order: each goes to the fold with the fewest songs of its genre or, among equals, with the fewest songs.
pub fn grouped_folds(set: &LabelledSet, folds: usize, seed: u64) -> Vec<usize> {
    let mut groups = groups(set);
    // Shuffled before the stable sort: groups of one size stay in random order.
    groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    groups.sort_by_key(|(_, songs)| std::cmp::Reverse(songs.len()));
    let mut of_label = vec![vec![0_usize; set.labels.len()]; folds];
    let mut in_all = vec![0_usize; folds];
    let mut fold_of = vec![0; set.songs.len()];
    for (_, songs) in groups {
        let fullness = |fold: usize| {
            let same: usize = songs.iter().map(|&song| of_label[fold][set.songs[song].label()]).sum();
            (same, in_all[fold])
        };
        // The first of equals, so the seed alone decides.
        let fold = (0..folds).min_by_key(|&fold| fullness(fold)).unwrap_or(0);
        for song in songs {
            of_label[fold][set.songs[song].label()] += 1;
            in_all[fold] += 1;
            fold_of[song] = fold;
        }
    }
    fold_of
}

/// A random part for every song, whatever the songs' groups: 0 for the first share. The shares need not sum to 1.
pub fn random_parts(songs: usize, shares: &[f64], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..songs).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let whole: f64 = shares.iter().sum();
    let mut part_of = vec![0; songs];
    for (rank, song) in order.into_iter().enumerate() {
        let mut reached = 0.0;
        let before = |share: &&f64| {
            reached += **share;
            (reached / whole) * songs as f64 <= rank as f64
        };
        part_of[song] = shares.iter().take_while(before).count().min(shares.len() - 1);
    }
    part_of
}

/// The songs of a set for whose index `keep` is true.
pub fn subset(set: &LabelledSet, keep: impl Fn(usize) -> bool) -> LabelledSet {
    let songs = set.songs.iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, song)| song.clone());
    LabelledSet { songs: songs.collect(), ..set.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::labelled_set::{Song, one_of};

    fn set() -> LabelledSet {
        let song = |index: usize| Song {
            name: index.to_string(),
            group: (!index.is_multiple_of(3)).then(|| format!("artist {}", index / 6)),
            target: one_of(index % 2, 2),
            segments: Vec::new(),
        };
        LabelledSet { labels: vec!["a".into(), "b".into()], multi_label: false, songs: (0..60).map(song).collect() }
    }

    #[test]
    fn groups_stay_together_and_folds_are_alike() {
        let set = set();
        let folds = grouped_folds(&set, 5, 1);
        for (a, fold) in set.songs.iter().zip(&folds) {
            for (b, other) in set.songs.iter().zip(&folds) {
                assert!(a.group.is_none() || a.group != b.group || fold == other);
            }
        }
        for fold in 0..5 {
            let count = folds.iter().filter(|&&found| found == fold).count();
            assert!((10..=14).contains(&count), "{count} songs in fold {fold}");
        }
        assert_ne!(folds, grouped_folds(&set, 5, 2));
        assert_eq!(folds, grouped_folds(&set, 5, 1));
    }

    #[test]
    fn sets_that_cannot_be_cut_into_folds_are_refused() {
        let whole = set();
        assert_eq!(check_folds(&whole, 2), Ok(()));
        let message = |set: &LabelledSet, folds| check_folds(set, folds).unwrap_err().to_string();
        assert!(message(&whole, 1).ends_with("found 1 and 30"), "{}", message(&whole, 1));
        let one_artist = subset(&whole, |song| song == 1 || song == 2);
        assert!(message(&one_artist, 5).ends_with("found 5 and 1"), "{}", message(&one_artist, 5));
    }

    #[test]
    fn random_parts_have_their_shares() {
        let parts = random_parts(709, &[8.0, 1.0, 1.0], 3);
        let count = |part| parts.iter().filter(|&&found| found == part).count();
        assert_eq!((count(0), count(1), count(2)), (568, 71, 70));
        assert_ne!(parts, random_parts(709, &[8.0, 1.0, 1.0], 4));
    }
}
