//! The front ends against librosa 0.11 on signals that both sides make.
//!
//! `cargo test --test dsp parity -- --nocapture` prints the largest differences that docs/front-ends.md lists;
//! `tests/data/front-ends/make.py` computed librosa's values.

mod goldens;

use std::collections::HashSet;

use genrelens::dsp::{
    FrontEnd, MelNorm, MelPlan, MelScale, MelSpectrogram, Padding, Scaling, Segment, Spectrum, mfcc, picture, segments,
};
use goldens::{Goldens, MelCase, PresetCase, goldens, npy};

/// The largest difference of a mel value, relative to the value, or to `FLOOR_DB` below what the band would have of a
/// flat spectrum of the frame's energy if the value is less. We transform in float32, where every bin is off by about
/// 6e-8 of the root of the frame's mean power, whatever its own power: quiet bands beside loud ones are off by more of
/// themselves. librosa multiplies window and samples and transforms in float64, and keeps complex64.
const MEL: f32 = 1e-4;
const FLOOR_DB: f32 = 40.0;

/// The largest difference in dB of a mel value that is no more than `DB_FLOOR_DB` below what the band would have of a
/// flat spectrum: 2.3e-4 of a power, after the same reasoning. Below, it would grow tenfold every 20 dB.
const DB: f32 = 1e-3;
const DB_FLOOR_DB: f32 = 50.0;

/// The largest difference of a scaled value: 0.0016 dB of 80 dB for values in 0..1, a little more than `DB`, since the
/// quietest bands are 80 dB below the loudest.
const SCALED: f32 = 2e-5;

/// The largest difference of a filter's weight, relative to its band's largest: both round to float32 (6e-8), librosa
/// twice.
const WEIGHT: f32 = 2e-7;

/// The largest difference of a cepstral coefficient: that of the decibels, since an orthonormal transform keeps the size
/// of differences that do not depend on each other.
const MFCC: f32 = DB;

/// The largest difference from the features that MusiCNN's golden outputs were made of, which reach 6.
const MUSICNN: f32 = 1e-4;

fn spectrogram(front_end: &FrontEnd, samples: &[f32]) -> MelSpectrogram {
    MelPlan::new(front_end).spectrogram(samples)
}

fn largest(differences: impl IntoIterator<Item = f32>) -> f32 {
    // `f32::max` would swallow a NaN.
    differences.into_iter().fold(0.0, |a, b| if a >= b { a } else { b })
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    largest(a.iter().zip(b).map(|(a, b)| (a - b).abs()))
}

/// The largest differences of a case's mel values: relative, and in dB.
fn differences(case: &MelCase, front_end: &FrontEnd, mel: &MelSpectrogram, goldens: &Goldens) -> (f32, f32) {
    let (bands, bins) = (front_end.mel_bands, front_end.n_fft / 2 + 1);
    let weights: Vec<f32> = front_end.mel_bank().chunks_exact(bins).map(|row| row.iter().sum()).collect();
    let (mut relative, mut in_db) = (0.0, 0.0);
    for (index, frame) in case.stored.iter().enumerate() {
        let ours = &mel.values[frame * bands..(frame + 1) * bands];
        let theirs = &goldens.values[case.offset + index * bands..][..bands];
        let mean_power = goldens.values[case.power_offset + index];
        for ((ours, theirs), weight) in ours.iter().zip(theirs).zip(&weights) {
            let below = |db: f32| match front_end.spectrum {
                Spectrum::Power => weight * mean_power * 10.0_f32.powf(-db / 10.0),
                Spectrum::Magnitude => weight * mean_power.sqrt() * 10.0_f32.powf(-db / 20.0),
            };
            let difference = (ours - theirs).abs();
            // 0 / 0 where both are silent would be NaN.
            if difference != 0.0 {
                relative = largest([relative, difference / theirs.max(below(FLOOR_DB))]);
            }
            // Quieter values are off by more dB than by power: see DB.
            if *theirs >= below(DB_FLOOR_DB) {
                in_db = largest([in_db, (front_end.spectrum.db(*ours) - front_end.spectrum.db(*theirs)).abs()]);
            }
        }
    }
    (relative, in_db)
}

#[test]
fn mel_values_are_those_of_librosa() {
    let goldens = goldens();
    let (mut relative, mut in_db) = (0.0_f32, 0.0_f32);
    for case in &goldens.grid {
        let front_end = case.front_end.front_end();
        let mel = spectrogram(&front_end, &case.samples());
        assert_eq!(mel.frames, case.frames, "{case:?}");
        let found = differences(case, &front_end, &mel, &goldens);
        assert!(found.0 <= MEL && found.1 <= DB, "{found:?} of {case:?}");
        (relative, in_db) = (relative.max(found.0), in_db.max(found.1));
    }
    println!("{} cases: {relative:.1e} relative, {in_db:.1e} dB", goldens.grid.len());
}

/// The grid is drawn at random: check that it covers every convention.
#[test]
fn the_grid_has_every_convention() {
    let goldens = goldens();
    let front_ends: Vec<FrontEnd> = goldens.grid.iter().map(|case| case.front_end.front_end()).collect();
    let transforms: HashSet<_> = front_ends.iter().map(|f| (f.sample_rate, f.n_fft)).collect();
    assert_eq!(transforms.len(), 7 * 5);
    let banks: HashSet<_> = front_ends
        .iter()
        .map(|f| (f.mel_scale == MelScale::Htk, f.mel_norm == MelNorm::None, f.spectrum == Spectrum::Power))
        .collect();
    assert_eq!(banks.len(), 8);
    let framings: HashSet<_> = front_ends
        .iter()
        .map(|f| (f.n_fft, f.centred, f.padding == Padding::Reflect, f.hop_length > f.n_fft / 2))
        .collect();
    assert!(framings.len() >= 35, "{}", framings.len());
    let bands: HashSet<_> = front_ends.iter().map(|f| f.mel_bands).collect();
    assert!(bands.len() == 7 && bands.contains(&32) && bands.contains(&256));
    let signals: HashSet<_> = goldens.grid.iter().map(|case| &case.signal).collect();
    assert_eq!(signals.len(), 6);
}

/// The comparison itself: it must fail for every other convention.
#[test]
fn other_conventions_fail_the_comparison() {
    let goldens = goldens();
    let noise = |case: &&MelCase| case.signal == "noise" && case.length > 4096 && case.front_end.front_end().centred;
    for case in goldens.grid.iter().filter(noise) {
        let right = case.front_end.front_end();
        let other_scale = if right.mel_scale == MelScale::Htk { MelScale::Slaney } else { MelScale::Htk };
        let other_norm = if right.mel_norm == MelNorm::None { MelNorm::Slaney } else { MelNorm::None };
        let other_spectrum = if right.spectrum == Spectrum::Power { Spectrum::Magnitude } else { Spectrum::Power };
        let other_padding = if right.padding == Padding::Reflect { Padding::Constant } else { Padding::Reflect };
        for wrong in [
            FrontEnd { mel_scale: other_scale, ..right.clone() },
            FrontEnd { mel_norm: other_norm, ..right.clone() },
            FrontEnd { spectrum: other_spectrum, ..right.clone() },
            FrontEnd { padding: other_padding, ..right.clone() },
            FrontEnd { hop_length: right.hop_length - 1, ..right.clone() },
            FrontEnd { f_max: right.f_max - 10.0, ..right.clone() },
            FrontEnd { sample_rate: right.sample_rate + 10, ..right.clone() },
        ] {
            let mel = spectrogram(&wrong, &case.samples());
            let found = differences(case, &right, &mel, &goldens);
            assert!(found.0 > MEL, "{wrong:?} is only {found:?} off {case:?}");
        }
    }
}

#[test]
fn filter_banks_are_those_of_librosa() {
    let goldens = goldens();
    let mut worst = 0.0_f32;
    for case in &goldens.banks {
        let front_end = case.front_end.front_end();
        let bins = front_end.n_fft / 2 + 1;
        let mut offset = case.offset;
        for ((row, first), count) in front_end.mel_bank().chunks_exact(bins).zip(&case.first).zip(&case.count) {
            let mut theirs = vec![0.0; bins];
            theirs[*first..first + count].copy_from_slice(&goldens.values[offset..offset + count]);
            offset += count;
            let relative = largest_difference(row, &theirs) / largest(theirs).max(f32::MIN_POSITIVE);
            assert!(relative <= WEIGHT, "{relative} of {:?}", case.front_end);
            worst = worst.max(relative);
        }
    }
    println!("filter banks: {worst:.1e} of a band's largest weight");
}

/// The rows with these indices, of `width` values each.
fn rows(values: &[f32], indices: &[usize], width: usize) -> Vec<f32> {
    indices.iter().flat_map(|index| &values[index * width..(index + 1) * width]).copied().collect()
}

fn picture_difference(case: &PresetCase, segment: &Segment, goldens: &Goldens) -> f32 {
    largest(case.images.iter().map(|golden| {
        let (size, theirs) = (golden.size, &goldens.values[golden.offset..][..golden.rows.len() * golden.size]);
        let picture = picture(segment, size, size);
        // An image's first row is its highest band.
        let pixel = |index: usize| {
            let (row, column) = (golden.rows[index / size], index % size);
            picture.values[column * size + size - 1 - row]
        };
        let ours: Vec<f32> = (0..golden.rows.len() * size).map(pixel).collect();
        largest_difference(&ours, theirs)
    }))
}

#[test]
fn presets_are_those_of_librosa() {
    let goldens = goldens();
    let names: Vec<&str> = goldens.presets.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, FrontEnd::ALL.map(|front_end| front_end.name));
    for (case, front_end) in goldens.presets.iter().zip(FrontEnd::ALL) {
        let FrontEnd { name, columns, segment_seconds, scaling, top_db, frames, .. } = *front_end;
        let conventions = case.mel.front_end.front_end();
        let expected = FrontEnd { name, columns, segment_seconds, scaling, top_db, frames, ..conventions };
        assert_eq!(*front_end, expected);
        let mel = spectrogram(front_end, &case.mel.samples());
        let (relative, in_db) = differences(&case.mel, front_end, &mel, &goldens);
        let found = segments(&mel, front_end);
        assert_eq!((found.len(), found[0].columns), (1, case.columns), "{name}");
        let values = rows(&found[0].values, &case.scaled_columns, front_end.mel_bands);
        let scaled = largest_difference(&values, &goldens.values[case.scaled_offset..][..values.len()]);
        let pixels = picture_difference(case, &found[0], &goldens);
        println!("{name:16} mel {relative:.1e} relative, {in_db:.1e} dB; scaled {scaled:.1e}; pixels {pixels:.1e}");
        assert!(relative <= MEL && in_db <= DB, "{name}: {relative} relative, {in_db} dB");
        assert!(scaled <= SCALED && pixels <= SCALED, "{name}: {scaled}, {pixels}");
    }
    assert_eq!(goldens.presets.iter().map(|case| case.images.len()).sum::<usize>(), 2);
}

#[test]
fn cepstral_coefficients_are_those_of_librosa() {
    let goldens = goldens();
    for case in &goldens.mfcc {
        let front_end = case.front_end.front_end();
        let samples = goldens::signal("music", case.length, 22_050.0, &[]);
        let lifter = (case.lifter > 0.0).then_some(case.lifter);
        let ours = rows(&mfcc(&spectrogram(&front_end, &samples), case.n_mfcc, lifter), &case.stored, case.n_mfcc);
        let theirs = &goldens.values[case.offset..][..ours.len()];
        // A lifter scales errors by up to 1 + L / 2 too.
        let lift = lifter.map_or(1.0, |lifter| 1.0 + lifter / 2.0);
        let difference = largest_difference(&ours, theirs) / lift;
        println!("{} cepstral coefficients of {} bands: {difference:.1e}", case.n_mfcc, front_end.mel_bands);
        assert!(difference <= MFCC, "{difference} of {:?}", case.front_end);
    }
}

/// The waveform and the features of MusiCNN's own program in its reference run; its two patches are the features' first and
/// second 187 frames.
#[test]
fn musicnn_features_are_those_of_its_own_program() {
    let front_end = &FrontEnd::MUSICNN;
    let mel = spectrogram(front_end, &npy("musicnn-waveform.npy"));
    let found = segments(&mel, front_end);
    assert_eq!((found.len(), found[0].columns, found[0].bands), (1, 438, 96));
    let difference = largest_difference(&found[0].values, &npy("musicnn-log-mel.npy"));
    println!("MusiCNN's own features: {difference:.1e}");
    assert!(difference <= MUSICNN, "{difference}");
}

/// The cells of docs/front-ends.md that say what a front end is.
fn documented(front_end: &FrontEnd) -> String {
    let FrontEnd { name, sample_rate, n_fft, hop_length, mel_bands, f_min, f_max, .. } = front_end;
    let scale = match front_end.mel_scale {
        MelScale::Slaney => "Slaney",
        MelScale::Htk => "HTK",
    };
    let norm = match front_end.mel_norm {
        MelNorm::Slaney => "area 1",
        MelNorm::None => "height 1",
    };
    let spectrum = match front_end.spectrum {
        Spectrum::Power => "power",
        Spectrum::Magnitude => "magnitude",
    };
    let ends = match (front_end.centred, front_end.padding) {
        (false, _) => "none",
        (true, Padding::Constant) => "zeros",
        (true, Padding::Reflect) => "mirrored",
    };
    let scaling = match front_end.scaling {
        Scaling::UnitRange => format!("dB, {} at most, to 0..1", front_end.top_db),
        Scaling::Standardised => format!("dB, {} at most, standardised", front_end.top_db),
        Scaling::LogCompressed => "log10(1 + 10 000 · mel)".to_owned(),
    };
    let column_ms = 1000.0 * front_end.seconds_per_column();
    let frames = front_end.frames.map_or("any".to_owned(), |frames| frames.to_string());
    format!(
        "| `{name}` | {sample_rate} | {n_fft} | {hop_length} | {mel_bands} | {f_min}–{f_max} | {scale}, {norm} | \
         {spectrum} | {ends} | {scaling} | {column_ms:.1} | {frames} |"
    )
}

#[test]
fn every_front_end_is_documented() {
    let documentation = include_str!("../../docs/front-ends.md");
    for front_end in FrontEnd::ALL {
        let row = documented(front_end);
        assert!(documentation.contains(&row), "docs/front-ends.md lacks a line that begins with\n{row}");
    }
}
