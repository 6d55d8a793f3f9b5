//! A clip that is being recorded through the microphone.

use crate::view::train::class::Class;

/// The longest clip that is recorded, in seconds.
pub const LONGEST_SECONDS: f64 = 30.0;

/// Where a recording is.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The class that it goes into.
    pub class: String,
    /// How long it is; `None` until the microphone is there.
    pub seconds: Option<f64>,
    /// How loud it is, 0 to 1 of full scale.
    pub level: f32,
}

/// Why nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRecorded {
    /// The user, or the browser's settings, said no.
    Refused,
    /// There is no microphone.
    NoDevice,
    /// The browser has no way to record, or not on a page like this.
    NotHere,
    /// The microphone gave no sound.
    Nothing,
    /// Anything else, in the browser's words.
    Failed(String),
}

/// Where the level's bar ends that stands for full scale: it shows decibels, −60 to 0, as 0 to 1.
pub fn meter(level: f32) -> f64 {
    (1.0 + 20.0 * f64::from(level.max(1e-6)).log10() / 60.0).clamp(0.0, 1.0)
}

/// A name for a new recording's file that no clip has.
pub fn free_name(classes: &[Class]) -> String {
    let taken = |name: &str| classes.iter().flat_map(|class| &class.clips).any(|clip| clip.name == name);
    let mut names = (1_u64..).map(|number| format!("recording {number}.wav"));
    names.find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::train::class::Entry;

    #[test]
    fn recordings_are_counted_over_all_classes() {
        let class = |names: &[&str]| Class {
            name: "a".to_owned(),
            clips: names.iter().map(|name| Entry::new((*name).to_owned(), (*name).to_owned())).collect(),
        };
        assert_eq!(free_name(&[]), "recording 1.wav");
        assert_eq!(free_name(&[class(&["recording 1.wav"]), class(&["x.wav", "recording 2.wav"])]), "recording 3.wav");
    }

    #[test]
    fn the_meter_shows_decibels() {
        assert_eq!([meter(1.0), meter(0.0), meter(2.0)], [1.0, 0.0, 1.0]);
        assert!((meter(0.001) - 0.0).abs() < 1e-6 && (meter(0.1) - 2.0 / 3.0).abs() < 1e-6);
    }
}
