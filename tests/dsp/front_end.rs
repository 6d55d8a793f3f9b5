//! The front ends against features that librosa made of the same recordings.

use std::collections::HashMap;
use std::path::Path;

use genrelens::audio::decode;
use genrelens::dsp::{FrontEnd, MelPlan, MelSpectrogram, Segment, segments};
use npyz::NpyFile;

/// The largest mean error of a track, in dB. Rounding to the 256 steps of the stored features alone is 0.08 dB, and
/// librosa itself has 0.07 to 0.09 dB.
const MEAN_ERROR_DB: f64 = 0.15;
/// The least correlation of a track.
const CORRELATION: f64 = 0.999;

const BANDS: usize = 128;
const COLUMNS: usize = 387;

/// Track and path of the recordings that are whole.
fn whole_tracks(audio: &Path) -> Vec<(String, std::path::PathBuf)> {
    let mut index = csv::Reader::from_path(audio.join("index.csv")).unwrap();
    let records = index.deserialize().map(|record| record.unwrap());
    let whole = records.filter(|record: &HashMap<String, String>| {
        record["kind"] == "first" && record["seconds"].parse::<f64>().unwrap() >= 29.9
    });
    whole
        .map(|record| {
            let track = record["track"].clone();
            let genre = track.split('.').next().unwrap();
            (track.clone(), audio.join(genre).join(format!("{track}.wav")))
        })
        .collect()
}

/// The stored features by track, each `[columns, bands]` in 0..1.
fn stored(features: &Path) -> HashMap<String, Vec<f32>> {
    let file = std::fs::File::open(features.join("features.npy")).unwrap();
    let npy = NpyFile::new(std::io::BufReader::new(file)).unwrap();
    assert_eq!(npy.shape()[1..], [BANDS as u64, COLUMNS as u64]);
    let values: Vec<u8> = npy.into_vec().unwrap();
    let mut index = csv::Reader::from_path(features.join("index.csv")).unwrap();
    let mut by_track = HashMap::new();
    for record in index.deserialize() {
        let record: HashMap<String, String> = record.unwrap();
        let row: usize = record["row"].parse().unwrap();
        let clip = &values[row * BANDS * COLUMNS..(row + 1) * BANDS * COLUMNS];
        // Stored as [band, column] in 256 steps; segments are [column, band].
        let at = |index: usize| f32::from(clip[(index % BANDS) * COLUMNS + index / BANDS]) / 255.0;
        by_track.insert(record["track"].clone(), (0..BANDS * COLUMNS).map(at).collect());
    }
    by_track
}

fn spectrogram(path: &Path, front_end: &FrontEnd) -> MelSpectrogram {
    let clip = decode(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(clip.sample_rate, front_end.sample_rate);
    MelPlan::new(front_end).spectrogram(&clip.samples)
}

/// Decibels from the segment's minimum to its maximum, which 0..1 stands for.
fn range_db(mel: &MelSpectrogram, top_db: f32) -> f64 {
    let db = mel.to_db(top_db);
    f64::from(-db.iter().copied().fold(0.0, f32::min))
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean_of = |values: &[f32]| mean(values.iter().copied().map(f64::from), values.len());
    let (mean_a, mean_b) = (mean_of(a), mean_of(b));
    let product = |x: &[f32], mean_x: f64, y: &[f32], mean_y: f64| -> f64 {
        x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - mean_x) * (f64::from(y) - mean_y)).sum()
    };
    product(a, mean_a, b, mean_b) / (product(a, mean_a, a, mean_a) * product(b, mean_b, b, mean_b)).sqrt()
}

#[test]
fn whole_tracks_have_the_stored_features() {
    let Some(data) = crate::common::shared_data() else { return };
    let (stored, front_end) = (stored(&data.join("gtzan-logmel")), &FrontEnd::GTZAN_LOGMEL);
    let tracks = whole_tracks(&data.join("gtzan-audio"));
    assert!(tracks.len() >= 8, "only {} whole tracks", tracks.len());
    for (track, path) in tracks {
        let mel = spectrogram(&path, front_end);
        let found = segments(&mel, front_end);
        let [Segment { columns: COLUMNS, bands: BANDS, values, start_seconds: 0.0 }] = found.as_slice() else {
            panic!("{track}: {} segments, the first of {} columns", found.len(), found[0].columns);
        };
        let range = range_db(&mel, front_end.top_db);
        let differences = || values.iter().zip(&stored[&track]).map(|(a, b)| f64::from(a - b) * range);
        let error_db = mean(differences().map(f64::abs), values.len());
        let (bias_db, largest_db) =
            (mean(differences(), values.len()), differences().map(f64::abs).fold(0.0, f64::max));
        let correlation = correlation(values, &stored[&track]);
        println!(
            "{track:14} {frames} frames, range {range:.2} dB: mean error {error_db:.4} dB, bias {bias_db:+.4} dB, \
             largest {largest_db:.2} dB, correlation {correlation:.6}",
            frames = mel.frames
        );
        assert!(error_db <= MEAN_ERROR_DB, "{track}: mean error {error_db} dB");
        assert!(correlation >= CORRELATION, "{track}: correlation {correlation}");
    }
}

/// The comparison itself: it must fail for features that are moved by one column or one band.
#[test]
fn features_a_column_or_a_band_off_fail_the_comparison() {
    let Some(data) = crate::common::shared_data() else { return };
    let stored = stored(&data.join("gtzan-logmel"));
    for values in ["blues.00000", "metal.00000", "rock.00000"].map(|track| &stored[track]) {
        // Row-major [column, band]: a shift by 1 is a band, by BANDS a column.
        for shift in [1, BANDS] {
            let (moved, kept) = (&values[shift..], &values[..values.len() - shift]);
            let differences = moved.iter().zip(kept).map(|(a, b)| 80.0 * f64::from((a - b).abs()));
            assert!(mean(differences, moved.len()) > 10.0 * MEAN_ERROR_DB);
            assert!(correlation(moved, kept) < CORRELATION);
        }
    }
}

/// Excerpts of a few seconds are one segment too, with as many columns as fit.
#[test]
fn shorter_recordings_are_one_shorter_segment() {
    let Some(data) = crate::common::shared_data() else { return };
    let mut seen = 0;
    let mut index = csv::Reader::from_path(data.join("gtzan-audio/index.csv")).unwrap();
    for record in index.deserialize().step_by(20) {
        let record: HashMap<String, String> = record.unwrap();
        let seconds: f64 = record["seconds"].parse().unwrap();
        let genre = record["track"].split('.').next().unwrap();
        let path = data.join("gtzan-audio").join(genre).join(format!("{}.wav", record["track"]));
        for front_end in [&FrontEnd::GTZAN_LOGMEL, &FrontEnd::NET1] {
            let found = segments(&spectrogram(&path, front_end), front_end);
            assert_eq!(found.len(), 1, "{}", record["track"]);
            // A column stands for up to 77.5 ms, and the last one may not be complete.
            let seconds_covered = found[0].columns as f64 * front_end.seconds_per_column();
            assert!(
                (seconds_covered - seconds).abs() < 0.15,
                "{}: {seconds_covered} s of {seconds} s",
                record["track"]
            );
            assert!(found[0].values.iter().all(|value| (0.0..=1.0).contains(value)));
        }
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} recordings");
}
