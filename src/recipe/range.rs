//! The values that settings take: the one place that a recipe file, the command line and the page's form are checked by.

use std::fmt;

/// The numbers that a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The smallest.
    pub min: f64,
    /// The largest, or what every number is below.
    pub max: f64,
    excludes_max: bool,
}

impl Range {
    pub(crate) const fn within(min: f64, max: f64) -> Self {
        Self { min, max, excludes_max: false }
    }

    pub(crate) const fn below(min: f64, max: f64) -> Self {
        Self { min, max, excludes_max: true }
    }

    /// False for NaN, too.
    pub(crate) fn contains(self, value: f64) -> bool {
        value >= self.min && if self.excludes_max { value < self.max } else { value <= self.max }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, max, excludes_max } = self;
        write!(formatter, "{min} to {}{max}", if *excludes_max { "below " } else { "" })
    }
}

/// A share of all, and a share that leaves something.
pub(crate) const SHARE: Range = Range::within(0.0, 1.0);
pub(crate) const PART: Range = Range::below(0.0, 1.0);

/// Up to 2^53 - 1: the page stores recipes as JSON, whose numbers hold no larger integers exactly.
pub(crate) const SEED: Range = Range::within(0.0, 9_007_199_254_740_991.0);
pub(crate) const EPOCHS: Range = Range::within(1.0, 10_000.0);
pub(crate) const BATCH: Range = Range::within(1.0, 1024.0);
pub(crate) const WINDOWS_PER_SONG: Range = Range::within(1.0, 256.0);
/// Adadelta's is 1; no optimiser learns at a hundred.
pub(crate) const LEARNING_RATE: Range = Range::within(0.0, 100.0);
pub(crate) const WEIGHT_DECAY: Range = Range::within(0.0, 100.0);
pub(crate) const VALIDATE_EVERY: Range = Range::within(1.0, 10_000.0);
pub(crate) const PATIENCE: Range = Range::within(0.0, 10_000.0);
/// The most members that a card may name.
pub(crate) const MEMBERS: Range = Range::within(0.0, 64.0);

/// The parameter of a Beta distribution: at a hundred, both shares are a half.
pub(crate) const MIXUP: Range = Range::within(0.0, 100.0);
pub(crate) const MASKS: Range = Range::within(0.0, 50.0);
pub(crate) const TIME_MASK_COLUMNS: Range = Range::within(0.0, 1000.0);
pub(crate) const BAND_MASK_BANDS: Range = Range::within(0.0, 256.0);
pub(crate) const BAND_SHIFT: Range = Range::within(0.0, 64.0);
/// Standard deviations of what is added to windows, whose values have one of about 1.
pub(crate) const DEVIATION: Range = Range::within(0.0, 100.0);
