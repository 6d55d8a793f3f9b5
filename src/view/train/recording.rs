//! A clip that is being recorded with the microphone.

use crate::view::train::class::Class;

/// The longest clip that is recorded, in seconds.
// Half a minute is as long as the excerpts that the networks were trained on.
pub(crate) const LONGEST_SECONDS: f64 = 30.0;
/// Below this peak, −80 dB of full scale, a recording is silence: even the noise of a quiet room is louder.
const SILENCE: f32 = 1e-4;

/// A recording in progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The class that the clip is for.
    pub class: String,
    /// Its length so far; `None` until the microphone is ready.
    pub seconds: Option<f64>,
    /// The level, 0 to 1 of full scale.
    pub level: f32,
}

/// Why there is no recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRecorded {
    /// The user or the browser's settings refused access.
    Refused,
    /// There is no microphone.
    NoDevice,
    /// The browser cannot record, or not on a page without https.
    NotHere,
    /// The microphone gave no sound.
    Nothing,
    /// Another error, in the browser's words.
    Failed(String),
}

/// The length of the level meter, 0 to 1, for a level of −60 to 0 dB of full scale.
pub(crate) fn meter(level: f32) -> f64 {
    // The floor keeps the logarithm of silence finite.
    (1.0 + 20.0 * f64::from(level.max(1e-6)).log10() / 60.0).clamp(0.0, 1.0)
}

/// True if nothing can be heard in a recording, as from a microphone that is switched off.
pub(crate) fn is_silent(samples: &[f32]) -> bool {
    samples.iter().all(|sample| sample.abs() < SILENCE)
}

/// A file name for a new recording that no clip has.
pub(crate) fn free_name(classes: &[Class]) -> String {
    let taken = |name: &str| classes.iter().flat_map(|class| &class.clips).any(|clip| clip.name == name);
    let mut names = (1_u64..).map(|number| format!("recording {number}.wav"));
    names.find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::class::DatasetClip;

    #[test]
    fn recordings_are_counted_over_all_classes() {
        let class = |names: &[&str]| Class {
            name: "a".to_owned(),
            clips: names.iter().map(|name| DatasetClip::new((*name).to_owned(), (*name).to_owned())).collect(),
        };
        assert_eq!(free_name(&[]), "recording 1.wav");
        assert_eq!(free_name(&[class(&["recording 1.wav"]), class(&["x.wav", "recording 2.wav"])]), "recording 3.wav");
    }

    #[test]
    fn a_microphone_that_gives_nothing_records_silence() {
        assert!(is_silent(&[]) && is_silent(&[0.0, -1e-5]));
        assert!(!is_silent(&[0.0, -1e-3]));
    }

    #[test]
    fn the_meter_shows_decibels() {
        assert_eq!([meter(1.0), meter(0.0), meter(2.0)], [1.0, 0.0, 1.0]);
        assert!((meter(0.001) - 0.0).abs() < 1e-6 && (meter(0.1) - 2.0 / 3.0).abs() < 1e-6);
    }
}
