//! Batches drawn from a labelled set: random windows, augmented differently every time.
//!
//! Plain arithmetic on one seeded generator, so that the same seed gives the same batches on every engine and machine.

use std::collections::HashMap;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution, StandardNormal};

use crate::dataset::labelled_set::LabelledSet;
use crate::dsp::Segment;
use crate::model::Shape;
use crate::model::windows::Windowing;
use crate::recipe::{Augmentation, Recipe};

/// Inputs and targets of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Row-major `[windows, bands, frames]`.
    pub inputs: Vec<f32>,
    /// Row-major `[windows, classes]`, 0 to 1; for songs with one label every row sums to 1.
    pub targets: Vec<f32>,
    /// The size of one window and of its target.
    pub shape: Shape,
}

/// The songs of an epoch in random order, as indices of the set: every song `windows_per_song` times. With balanced classes
/// songs of small classes come more often; with balanced groups songs of large groups come less often.
pub(super) fn epoch_order(set: &LabelledSet, recipe: &Recipe, rng: &mut impl Rng) -> Vec<usize> {
    let times = recipe.windows_per_song;
    let classes: Vec<Vec<usize>> = if set.multi_label {
        vec![(0..set.songs.len()).collect()]
    } else {
        let of_class = |class: usize| (0..set.songs.len()).filter(move |&song| set.songs[song].label() == class);
        (0..set.labels.len()).map(|class| of_class(class).collect()).collect()
    };
    let largest = times * classes.iter().map(Vec::len).max().unwrap_or(0);
    let balanced = recipe.balanced && !set.multi_label;
    let mut order: Vec<usize> = if recipe.group_evenness > 0.0 {
        let draws = |class: &Vec<usize>| if balanced { largest } else { times * class.len() };
        classes
            .iter()
            .flat_map(|class| balanced_by_group(set, class, draws(class), recipe.group_evenness, rng))
            .collect()
    } else if balanced {
        classes.into_iter().flat_map(|songs| songs.into_iter().cycle().take(largest)).collect()
    } else {
        (0..set.songs.len() * times).map(|index| index % set.songs.len()).collect()
    };
    // Last, so that every way of balancing is shuffled alike.
    order.shuffle(rng);
    order
}

/// `draws` draws of these songs, those of large groups less often. Every song gets its share of the draws, rounded up or
/// down at random (systematic sampling): independent draws would miss some songs for epochs.
fn balanced_by_group(
    set: &LabelledSet,
    songs: &[usize],
    draws: usize,
    evenness: f64,
    rng: &mut impl Rng,
) -> Vec<usize> {
    let mut sizes: HashMap<&str, f64> = HashMap::new();
    let group = |song: &usize| set.songs[*song].group.as_deref();
    songs.iter().filter_map(group).for_each(|group| *sizes.entry(group).or_default() += 1.0);
    let size = |song: &usize| group(song).map_or(1.0, |group| sizes[group]);
    let weights: Vec<f64> = songs.iter().map(|song| size(song).powf(-evenness)).collect();
    let whole: f64 = weights.iter().sum();
    let (mut drawn, mut reached) = (Vec::with_capacity(draws), rng.random_range(0.0..1.0));
    for (&song, weight) in songs.iter().zip(weights) {
        reached += weight / whole * draws as f64;
        // Rounding errors must not lose the last draw.
        let upto = if Some(&song) == songs.last() { draws } else { (reached as usize).min(draws) };
        drawn.resize(upto.max(drawn.len()), song);
    }
    drawn
}

/// One batch: a random augmented window of each of these songs, with its target.
pub(super) fn draw(
    set: &LabelledSet,
    songs: &[usize],
    windowing: &Windowing,
    augmentation: &Augmentation,
    label_smoothing: f64,
    rng: &mut impl Rng,
) -> Batch {
    let shape = Shape { bands: windowing.bands, frames: windowing.frames, classes: set.labels.len() };
    let mut inputs = Vec::with_capacity(songs.len() * shape.bands * shape.frames);
    let mut targets = Vec::with_capacity(songs.len() * shape.classes);
    for &index in songs {
        let song = &set.songs[index];
        let segment = &song.segments[rng.random_range(0..song.segments.len())];
        let mut window = random_window(segment, windowing, augmentation, rng);
        alter(&mut window, shape, augmentation, rng);
        inputs.extend(window);
        let shared = label_smoothing / shape.classes as f64;
        // Tags are independent, so each is smoothed towards a half by itself.
        let shared = if set.multi_label { label_smoothing / 2.0 } else { shared };
        targets.extend(song.target.iter().map(|&value| (shared + (1.0 - label_smoothing) * f64::from(value)) as f32));
    }
    let mut batch = Batch { inputs, targets, shape };
    // After all other augmentation: mixup blends finished windows.
    if augmentation.mixup > 0.0 {
        mix(&mut batch, songs.len(), augmentation.mixup, rng);
    }
    batch
}

/// A window from a random place of a segment, stretched in time and shifted in pitch: `[bands, frames]`, normalized. A
/// segment shorter than the window is repeated.
fn random_window(segment: &Segment, shape: &Windowing, augmentation: &Augmentation, rng: &mut impl Rng) -> Vec<f32> {
    let stretch = 1.0 + augmentation.stretch * rng.random_range(-1.0..=1.0);
    let length = (shape.frames as f64 * stretch).min(segment.columns as f64);
    let start = rng.random_range(0.0..=(segment.columns as f64 - length).max(0.0));
    // A repeated segment is not stretched: its seams would move.
    let rate = if segment.columns < shape.frames { 1.0 } else { length / shape.frames as f64 };
    let shift = augmentation.band_shift as f64 * rng.random_range(-1.0..=1.0);
    // Without stretching only whole columns, as in classification: interpolation would blur the windows.
    let start = if augmentation.stretch > 0.0 { start } else { start.floor() };
    let mut window = Vec::with_capacity(shape.bands * shape.frames);
    for band in 0..shape.bands {
        // Shifted beyond the edge, the edge band repeats.
        let source_band = (band as f64 + shift).clamp(0.0, (segment.bands - 1) as f64);
        for frame in 0..shape.frames {
            let column = (start + frame as f64 * rate) % segment.columns as f64;
            window.push(shape.normalize(interpolated(segment, column, source_band)));
        }
    }
    window
}

/// The segment's value between columns and bands, bilinearly interpolated.
fn interpolated(segment: &Segment, column: f64, band: f64) -> f32 {
    let (c0, b0) = (column as usize, band as usize);
    let (c1, b1) = ((c0 + 1).min(segment.columns - 1), (b0 + 1).min(segment.bands - 1));
    let (c, b) = ((column - c0 as f64) as f32, (band - b0 as f64) as f32);
    let at = |column: usize, band: usize| segment.values[column * segment.bands + band];
    let lower = at(c0, b0) * (1.0 - c) + at(c1, b0) * c;
    let upper = at(c0, b1) * (1.0 - c) + at(c1, b1) * c;
    lower * (1.0 - b) + upper * b
}

/// Applies level, equaliser, noise and masks in place.
fn alter(window: &mut [f32], shape: Shape, augmentation: &Augmentation, rng: &mut impl Rng) {
    let gain = normal(rng) * augmentation.gain as f32;
    let curve = equaliser_curve(shape.bands, augmentation.equaliser as f32, rng);
    for (row, level) in window.chunks_mut(shape.frames).zip(curve) {
        for value in row {
            *value += gain + level;
            // Without noise no random number is drawn per value, which would take most of the time.
            if augmentation.noise > 0.0 {
                *value += normal(rng) * augmentation.noise as f32;
            }
        }
    }
    // Masks take the mean, as in SpecAugment, so the window's mean stays.
    let mean = window.iter().sum::<f32>() / window.len() as f32;
    for _ in 0..augmentation.band_masks {
        let (first, width) = mask(shape.bands, augmentation.band_mask_bands, rng);
        window[first * shape.frames..(first + width) * shape.frames].fill(mean);
    }
    for _ in 0..augmentation.time_masks {
        let (first, width) = mask(shape.frames, augmentation.time_mask_columns, rng);
        for row in window.chunks_mut(shape.frames) {
            row[first..first + width].fill(mean);
        }
    }
}

fn normal(rng: &mut impl Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// A smooth random curve over the bands: three slow cosines of random amplitude and phase.
fn equaliser_curve(bands: usize, deviation: f32, rng: &mut impl Rng) -> Vec<f32> {
    let waves: Vec<(f32, f32, f32)> = (1..=3)
        .map(|wave| {
            let frequency = wave as f32 * std::f32::consts::PI / bands as f32;
            (frequency, normal(rng) * deviation / wave as f32, rng.random_range(0.0..std::f32::consts::TAU))
        })
        .collect();
    (0..bands)
        .map(|band| waves.iter().map(|(frequency, size, phase)| size * (frequency * band as f32 + phase).cos()).sum())
        .collect()
}

/// First index and width of a random mask of at most `widest` out of `length`.
fn mask(length: usize, widest: usize, rng: &mut impl Rng) -> (usize, usize) {
    let width = rng.random_range(0..=widest.min(length));
    (rng.random_range(0..=length - width), width)
}

/// Mixup: blends every window and its target with another of the batch.
fn mix(batch: &mut Batch, windows: usize, alpha: f64, rng: &mut impl Rng) {
    // Beta distributions exist for every positive parameter; recipes are checked before.
    let Ok(shares) = Beta::new(alpha, alpha) else { return };
    let mut partners: Vec<usize> = (0..windows).collect();
    partners.shuffle(rng);
    let (inputs, targets) = (batch.inputs.clone(), batch.targets.clone());
    let (input_len, target_len) = (batch.shape.bands * batch.shape.frames, batch.shape.classes);
    for (window, partner) in partners.into_iter().enumerate() {
        let share = shares.sample(rng) as f32;
        let share = share.max(1.0 - share); // the window itself keeps the larger share
        blend(&mut batch.inputs, &inputs, window, partner, input_len, share);
        blend(&mut batch.targets, &targets, window, partner, target_len, share);
    }
}

fn blend(out: &mut [f32], source: &[f32], row: usize, partner: usize, length: usize, share: f32) {
    let other = &source[partner * length..(partner + 1) * length];
    for (value, other) in out[row * length..(row + 1) * length].iter_mut().zip(other) {
        *value = share * *value + (1.0 - share) * other;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::dataset::labelled_set::{Song, one_of};
    use crate::dsp::Scaling;
    use crate::model::registry::InputKind;

    const SHAPE: Shape = Shape { bands: 4, frames: 6, classes: 2 };

    fn set() -> LabelledSet {
        let segment = |level: f32| Segment { start_seconds: 0.0, columns: 9, bands: 4, values: vec![level; 36] };
        let song = |label, level| Song {
            name: String::new(),
            group: None,
            target: one_of(label, 2),
            segments: vec![segment(level)],
        };
        let labels = vec!["a".into(), "b".into()];
        LabelledSet { labels, multi_label: false, songs: vec![song(0, 0.25), song(1, 0.75)] }
    }

    fn windowing() -> Windowing {
        Windowing::new(InputKind::Windows { overlap: true }, SHAPE, Scaling::UnitRange)
    }

    fn every_augmentation() -> Augmentation {
        Augmentation {
            mixup: 0.3,
            time_masks: 1,
            time_mask_columns: 3,
            band_masks: 1,
            band_mask_bands: 2,
            noise: 0.1,
            gain: 0.1,
            equaliser: 0.1,
            band_shift: 2,
            stretch: 0.2,
        }
    }

    #[test]
    fn a_batch_without_augmentation_has_the_windows_of_classification() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let batch = draw(&set(), &[0, 1], &windowing(), &Augmentation::default(), 0.0, &mut rng);
        assert!(batch.inputs[..24].iter().all(|&value| value == -1.0));
        assert!(batch.inputs[24..].iter().all(|&value| value == 1.0));
        assert_eq!(batch.targets, [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn the_same_seed_gives_the_same_batch_and_another_seed_another() {
        let batch = |seed| {
            draw(&set(), &[0, 1, 1], &windowing(), &every_augmentation(), 0.1, &mut ChaCha8Rng::seed_from_u64(seed))
        };
        assert_eq!(batch(7), batch(7));
        assert_ne!(batch(7), batch(8));
    }

    #[test]
    fn targets_sum_to_one_whatever_is_done_to_them() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let batch = draw(&set(), &[0, 1, 0, 1], &windowing(), &every_augmentation(), 0.2, &mut rng);
        for row in batch.targets.chunks(2) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row:?}");
        }
        assert!(batch.inputs.iter().all(|value| value.is_finite()));
    }

    #[test]
    fn a_segment_shorter_than_the_window_is_repeated() {
        let mut short = set();
        short.songs[0].segments[0] =
            Segment { start_seconds: 0.0, columns: 2, bands: 4, values: vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0] };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let batch = draw(&short, &[0], &windowing(), &Augmentation::default(), 0.0, &mut rng);
        assert_eq!(&batch.inputs[..6], &[-2.0, 2.0, -2.0, 2.0, -2.0, 2.0]);
    }

    fn lopsided() -> LabelledSet {
        let LabelledSet { labels, songs, .. } = set();
        let songs = [0, 0, 0, 1, 0].map(|class| songs[class].clone()).to_vec();
        LabelledSet { labels, multi_label: false, songs }
    }

    #[test]
    fn an_epoch_draws_every_song_as_often() {
        let recipe = Recipe { windows_per_song: 3, ..Recipe::default() };
        let mut order = epoch_order(&lopsided(), &recipe, &mut ChaCha8Rng::seed_from_u64(1));
        order.sort_unstable();
        assert_eq!(order, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    }

    #[test]
    fn a_balanced_epoch_draws_every_class_as_often() {
        let recipe = Recipe { windows_per_song: 2, balanced: true, ..Recipe::default() };
        let mut order = epoch_order(&lopsided(), &recipe, &mut ChaCha8Rng::seed_from_u64(1));
        order.sort_unstable();
        assert_eq!(order, [0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4]);
    }

    /// The first class has three songs by one artist and one by another, the second has one without a group.
    fn by_two() -> LabelledSet {
        let mut set = lopsided();
        for (song, group) in set.songs.iter_mut().zip([Some("x"), Some("x"), Some("x"), None, Some("y")]) {
            song.group = group.map(str::to_owned);
        }
        set
    }

    fn times_drawn(recipe: &Recipe, seed: u64) -> [usize; 5] {
        let mut times = [0; 5];
        for song in epoch_order(&by_two(), recipe, &mut ChaCha8Rng::seed_from_u64(seed)) {
            times[song] += 1;
        }
        times
    }

    #[test]
    fn groups_are_balanced_to_the_degree_asked_for() {
        let recipe =
            |group_evenness, balanced| Recipe { windows_per_song: 6, group_evenness, balanced, ..Recipe::default() };
        // The first class has 24 draws, 12 for each of its two groups; the other class keeps its six.
        assert_eq!(times_drawn(&recipe(1.0, false), 1), [4, 4, 4, 6, 12]);
        assert_eq!(times_drawn(&recipe(1.0, true), 1), [4, 4, 4, 24, 12]);
        // By the square root: 24 shared as 1 / 1.732 three times, and 1.
        for seed in 0..20 {
            let times = times_drawn(&recipe(0.5, false), seed);
            assert!(times[..3].iter().all(|times| (5..=6).contains(times)), "{times:?}");
            assert!((8..=9).contains(&times[4]), "{times:?}");
            assert_eq!((times[3], times.iter().sum::<usize>()), (6, 30));
        }
    }
}
