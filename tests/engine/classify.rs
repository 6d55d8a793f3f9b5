//! Classification: from a file's bytes to its spectrogram and its genres.

use genrelens::engine::Engine;
use genrelens::protocol::{Event, Payload, Progress, Request};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::file;
use crate::host::Recorder;
use crate::requests::{ask, classify, engine, request, wav};

#[wasm_bindgen_test(unsupported = test)]
fn a_file_becomes_a_spectrogram_and_genres() {
    let mut host = Recorder::default();
    classify(&mut engine(), wav(7.0, 44_100), &mut host);

    let (info, floats) = host
        .events
        .iter()
        .find_map(|event| match event {
            (Event::Spectrogram(info), Payload::Floats(floats)) => Some((info, floats)),
            _ => None,
        })
        .unwrap();
    assert_eq!(floats.len(), info.frames * info.bands);
    assert_eq!((info.bands, info.band_hz.len()), (128, 128));
    assert!((info.duration_seconds - 7.0).abs() < 1e-3);
    // A frame is 23 ms, and the last one may be incomplete.
    assert!((info.frames as f64 * info.seconds_per_frame - 7.0).abs() < 0.05);
    // In dB below the maximum, so that the loudest value is 0.
    let loudest = floats.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert!(loudest.abs() < 1e-3 && floats.iter().all(|&db| (info.floor_db..=1e-3).contains(&db)));

    let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
    let sum: f32 = prediction.genres.iter().map(|score| score.probability).sum();
    assert!((sum - 1.0).abs() < 1e-5);
    assert!(prediction.genres.is_sorted_by(|a, b| a.probability >= b.probability));
    assert!(prediction.windows.is_sorted_by(|a, b| a.start_seconds < b.start_seconds));
    assert!(prediction.windows.len() >= 3 && prediction.windows[0].start_seconds == 0.0);
    assert!((prediction.windows.last().unwrap().end_seconds - 7.0).abs() < 0.1);
}

/// 100 s are three segments and a remainder.
#[wasm_bindgen_test(unsupported = test)]
fn a_long_recording_shows_intermediate_results() {
    // A pause takes 400 ms here, so that a picture comes with about every third.
    let mut host = Recorder { milliseconds_per_pause: 400.0, ..Recorder::default() };
    classify(&mut engine(), wav(100.0, 22_050), &mut host);
    let Event::Classified(last) = host.last() else { panic!("{:?}", host.last()) };

    let mut counts = Vec::new();
    let mut fractions = Vec::new();
    let mut pictures = Vec::new();
    for (event, payload) in &host.events {
        match (event, payload) {
            (Event::Progress(Progress { duration_seconds, fraction, .. }), _) => {
                assert!(duration_seconds.is_some_and(|seconds| (seconds - 100.0).abs() < 1e-3));
                fractions.push(*fraction);
            }
            (Event::SoFar(prediction), _) => counts.push(prediction.windows.len()),
            (Event::Spectrogram(info), Payload::Floats(values)) => {
                assert_eq!(values.len(), info.frames * info.bands);
                assert!((info.duration_seconds - 100.0).abs() < 1e-3, "the axis does not move");
                pictures.push(info.frames as f64 * info.seconds_per_frame);
            }
            _ => {}
        }
    }
    assert!(fractions.len() > 10 && fractions.is_sorted() && fractions[0] < 0.1, "{fractions:?}");
    assert!(fractions.last().is_some_and(|&last| last > 0.9 && last <= 1.0), "{fractions:?}");
    assert!(counts.len() >= 2 && counts.is_sorted() && counts[0] < last.windows.len() / 2, "{counts:?}");
    // Frames are put together on the way, each of several; the last one may be of fewer.
    assert!(pictures.windows(2).all(|pair| pair[0] < pair[1] + 0.05), "{pictures:?}");
    assert!(pictures[0] < 40.0 && (pictures.last().unwrap() - 100.0).abs() < 0.05, "{pictures:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn samples_are_classified_like_their_file() {
    let mut engine = engine();
    let answer = |payload, sample_rate, engine: &mut Engine| {
        let mut host = Recorder::default();
        ask(engine, request(sample_rate), payload, &mut host);
        let Event::Classified(prediction) = host.last() else { panic!("{:?}", host.last()) };
        prediction.clone()
    };
    let bytes = wav(40.0, 44_100);
    let samples = genrelens::audio::decode(&bytes).unwrap().samples;
    let (from_file, from_samples) =
        (answer(file(bytes), None, &mut engine), answer(Payload::Floats(samples), Some(44_100), &mut engine));
    assert_eq!(from_file.genres, from_samples.genres);
    assert_eq!(from_file.windows, from_samples.windows);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_self_test_gives_the_same_logits_every_time() {
    let mut engine = engine();
    let mut logits = Vec::new();
    for _ in 0..2 {
        let mut host = Recorder::default();
        ask(&mut engine, Request::SelfTest, Payload::None, &mut host);
        let Event::SelfTested(result) = host.last() else { panic!("{:?}", host.last()) };
        logits.push(result.logits.clone());
        // A step was timed; the recorder's clock does not move.
        assert_eq!(result.step_milliseconds, Some(0.0));
        // Of the song that was timed, nothing is told.
        assert_eq!(host.events.len(), 1);
    }
    assert_eq!(logits[0].len(), 8 * 3);
    assert_eq!(logits[0], logits[1]);
}
