//! What the fuzz targets in `fuzz/` call and the rest of the crate keeps private. Only compiled by cargo-fuzz.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "only the fuzz targets call this, and a panic is what they look for"
)]

use std::io::Cursor;

use crate::archive::{Archive, Limits};
use crate::card::embedded::{self, PREFIX};
use crate::protocol::{Event, Message, Payload, Request};
use crate::training_job::ClipId;
use crate::view::Theme;
use crate::view::classify::state::State;
use crate::view::classify::words;
use crate::view::draw::{bars, reading, spectrogram, strip};
use crate::view::train::class::DatasetClip;
use crate::view::train::dataset::Dataset;
use crate::view::train::dataset_file::DatasetFile;
use crate::view::train::table::Table;
use crate::view::train::table_text::TableText;

/// A model file that a user opens: its header and its card. A card that is read must be writable and read again alike.
pub fn model(bytes: &[u8]) {
    let Some(prefix) = bytes.get(..PREFIX) else { return };
    let Ok(range) = embedded::header_range(prefix, bytes.len() as u64) else { return };
    let header = &bytes[range.start as usize..range.end as usize];
    let body_bytes = bytes.len() as u64 - range.end;
    let Ok(card) = embedded::card(header, body_bytes) else { return };
    let rewritten = embedded::with_card(header, &card).unwrap();
    let range = embedded::header_range(&rewritten[..PREFIX], rewritten.len() as u64 + body_bytes).unwrap();
    assert_eq!(range.end, rewritten.len() as u64);
    let again = embedded::card(&rewritten[PREFIX..], body_bytes).unwrap();
    // As text, because a card may hold NaN, which equals nothing.
    assert_eq!(format!("{again:?}"), format!("{:?}", crate::card::Card { sha256: String::new(), ..card }));
}

/// An archive of clips: no file may be larger than the limit, whatever the headers say.
pub fn archive(bytes: &[u8]) {
    const LIMITS: Limits = Limits { files: 1000, file_bytes: 1 << 20, all_bytes: 4 << 20 };
    let Ok(mut archive) = Archive::open(Cursor::new(bytes.to_vec()), LIMITS) else { return };
    let mut unpacked = 0;
    for (path, file) in archive.by_ref().flatten() {
        assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."), "{path}");
        assert!(file.len() as u64 <= LIMITS.file_bytes);
        unpacked += file.len() as u64;
        if let Ok(dataset) = DatasetFile::parse(&file) {
            restore(&dataset);
        }
    }
    assert!(unpacked <= LIMITS.all_bytes);
    assert!(archive.left_out().iter().all(|sentence| sentence.ends_with('.') && !sentence.contains(char::is_control)));
}

/// The description of a saved dataset.
pub fn dataset_file(bytes: &[u8]) {
    if let Ok(dataset) = DatasetFile::parse(bytes) {
        restore(&dataset);
    }
}

fn restore(file: &DatasetFile) {
    let (classes, missing) = file.classes(|path| Some(path.to_owned()));
    assert!(missing.is_empty());
    let mut dataset = Dataset::default();
    dataset.add_classes(classes);
    dataset.warnings();
    dataset.job();
    // What is written is read again.
    let saved = DatasetFile::of(&dataset);
    DatasetFile::parse(&saved.to_json().unwrap()).unwrap();
}

/// A table beside a dataset: no clip may be lost or doubled.
pub fn table(bytes: &[u8]) {
    let Ok(table) = Table::parse(&TableText::decode(bytes).text) else { return };
    let mut dataset = Dataset::default();
    let clip = |class: &str, name: &str| (class.to_owned(), DatasetClip::new(ClipId::from(name), name.to_owned()));
    dataset.add(vec![clip("jazz", "a.wav"), clip("jazz", "b.wav"), clip("rock", "a.mp3"), clip("rock", "Ödland.wav")]);
    let clips = dataset.clips();
    dataset.apply(&table);
    assert_eq!(dataset.clips(), clips);
    dataset.warnings();
    dataset.job();
}

/// Messages, a line each: `[event, number of floats beside it]`, or a request. Whatever arrives, the page must be able to
/// show it.
pub fn messages(bytes: &[u8]) {
    let mut state = State::default();
    state.open("a.wav".to_owned());
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(request) = serde_json::from_slice::<Message<Request>>(line) {
            let json = serde_json::to_vec(&request).unwrap();
            serde_json::from_slice::<Message<Request>>(&json).unwrap();
        }
        let Ok((event, floats)) = serde_json::from_slice::<(Event, u16)>(line) else { continue };
        state.apply(event, Payload::Floats(vec![-1.0; floats.into()]));
        show(&state);
    }
}

fn show(state: &State) {
    const SIZE: f64 = 320.0;
    let theme = Theme::of(false);
    words::progress(state.progress, state.browser_decodes, &state.choice);
    let seconds = state.spectrogram.as_ref().map_or(1.0, |spectrogram| spectrogram::plotted_seconds(&spectrogram.info));
    if let Some(prediction) = &state.prediction {
        words::verdict(prediction);
        words::detail(prediction, state.previous.as_ref());
        bars::shapes(prediction, SIZE, theme);
        strip::legend(prediction, theme);
        strip::shapes(prediction, seconds, SIZE, SIZE, theme);
        strip::stretch_at(&strip::stretches(&prediction.windows), 0.5);
    }
    if let Some(spectrogram) = &state.spectrogram {
        let (info, values) = (&spectrogram.info, &spectrogram.values);
        spectrogram::figure(info, SIZE, SIZE, theme);
        assert_eq!(spectrogram::pixels(values, info, 8, 8).len(), 4 * 8 * 8);
        reading::read(values, info, reading::Position { time: 0.5, height: 0.5 });
    }
}
