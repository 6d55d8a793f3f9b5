//! The conventions in which front ends differ besides numbers, named as in librosa.

use super::stft::db_from_power;

/// The frequency scale on which bands are equally wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelScale {
    /// Slaney's: linear up to 1000 Hz, logarithmic above (librosa's default, `htk=False`).
    Slaney,
    /// That of the Hidden Markov Model Toolkit: 2595 · log10(1 + f / 700 Hz) (`htk=True`).
    Htk,
}

/// The normalization of a band's triangular filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MelNorm {
    /// Every triangle has the area 1 over Hz (librosa's default, `norm="slaney"`).
    Slaney,
    /// Every triangle has the height 1 (`norm=None`).
    None,
}

/// The value of a Fourier bin that is summed into bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spectrum {
    /// The squared magnitude (librosa's default, `power=2.0`).
    Power,
    /// The magnitude (`power=1.0`).
    Magnitude,
}

impl Spectrum {
    /// Decibels over 1 of a mel value: 10 · log10 of a power, 20 · log10 of a magnitude, −100 at least.
    pub fn db(self, value: f32) -> f32 {
        match self {
            Self::Power => db_from_power(value),
            Self::Magnitude => db_from_power(value * value),
        }
    }
}

/// The padding that centred frames have beyond the ends of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Zeros (librosa's default since 0.10, `pad_mode="constant"`).
    Constant,
    /// The recording mirrored at its first and last sample, which are not repeated; mirrored again and again if it is
    /// shorter than half a frame (`pad_mode="reflect"`, librosa's default before 0.10; as `numpy.pad` defines it). A
    /// single sample is repeated, as by numpy. An empty recording is padded by zeros, which numpy refuses.
    Reflect,
}

/// How a segment's mel values are scaled for a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// Decibels, no lower than `top_db` below the segment's maximum, brought to 0 (its quietest) to 1 (its loudest).
    /// Silence is all 0.
    UnitRange,
    /// Decibels, no lower than `top_db` below the segment's maximum, less their mean and divided by their standard
    /// deviation (of the population), both over the segment. About −3 to 3; all 0 if all values are equal.
    Standardised,
    /// log10(1 + 10 000 · value), independent of the segment: 0 or more (MusiCNN's).
    LogCompressed,
}
