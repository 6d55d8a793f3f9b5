//! The fields of a recipe, fieldset by fieldset. Help texts say what a setting does, its unit and a usual value.

use super::{Binding, FormField, Input, KEEPS, OPTIMISERS, SCHEDULES, Setting};
use crate::recipe::range::{self, Range};
use crate::recipe::{Keep, OptimiserKind, Recipe, Schedule};

pub(super) const TRAINING: &[Setting] = &[
    whole(
        "train-epochs",
        "Epochs",
        "How often training goes through all clips. Too few and the network has not learned enough, too many and it \
         overfits: it knows these clips and nothing like them. Usually 20 to 200.",
        range::EPOCHS,
        |recipe| &mut recipe.epochs,
    ),
    whole(
        "train-batch",
        "Batch size",
        "Windows for every step. Larger batches make steadier steps and use more memory. Usually 16 to 64.",
        range::BATCH,
        |recipe| &mut recipe.batch,
    ),
    whole(
        "train-windows",
        "Windows per clip",
        "A network sees a window of a few seconds at a time. This many are cut from every clip in each epoch, at random \
         places. Usually 1 to 4.",
        range::WINDOWS_PER_SONG,
        |recipe| &mut recipe.windows_per_song,
    ),
    checkbox(
        "train-balanced",
        "Balance classes",
        "Draws clips of small classes more often, so that a large class does not dominate. No effect on tags.",
        |recipe| &mut recipe.balanced,
    ),
    real(
        "train-groups",
        "Balance artists",
        "Draws clips of artists with many clips less often, so that the network learns the class and not one artist. 0 \
         draws all clips equally often, 1 all artists; 0.5 did best here. No effect if the artists are not known.",
        range::SHARE,
        |recipe| &mut recipe.group_evenness,
    ),
];

pub(super) const OPTIMIZER: &[Setting] = &[
    Setting {
        field: FormField {
            id: "train-optimiser",
            label: "Optimizer",
            help: "How gradients change the weights. AdamW nearly always does well; the others are here because papers use \
                   them.",
            input: Input::Choice(|| options(&OPTIMISERS)),
            value: "",
        },
        binding: Binding::Optimiser(|recipe: &mut Recipe| -> &mut OptimiserKind { &mut recipe.optimiser }),
    },
    real(
        "train-rate",
        "Learning rate",
        "The size of a step. If it is too large the loss jumps about, if it is too small training is slow. Usually 0.0003 to \
         0.01.",
        range::LEARNING_RATE,
        |recipe| &mut recipe.learning_rate,
    ),
    Setting {
        field: FormField {
            id: "train-schedule",
            label: "Schedule",
            help: "How the learning rate changes: not at all (constant), up and then down to almost 0 (cosine), or whenever \
                   the loss stalls or the accuracy fluctuates (plateau). Cosine is usual.",
            input: Input::Choice(|| options(&SCHEDULES)),
            value: "",
        },
        binding: Binding::Schedule(|recipe: &mut Recipe| -> &mut Schedule { &mut recipe.schedule }),
    },
    real(
        "train-decay",
        "Weight decay",
        "Pulls all weights towards 0 in every step, which counters overfitting. Fewer clips need more of it. Usually 0.01 to \
         1.",
        range::WEIGHT_DECAY,
        |recipe| &mut recipe.weight_decay,
    ),
    real(
        "train-average",
        "Weight averaging (EMA)",
        "Uses an exponential moving average of the weights in place of the last ones. 0.99 averages over about 100 steps; 0 \
         is off.",
        range::PART,
        |recipe| &mut recipe.average_decay,
    ),
];

pub(super) const REGULARIZATION: &[Setting] = &[
    optional(
        "train-dropout-conv",
        "Dropout (convolutions)",
        "Share of the values that are set to 0 at random in every step, so that no part of the network relies on another. \
         Usually 0.1 to 0.5; empty is as in the network’s paper.",
        range::PART,
        |recipe| &mut recipe.dropout_convolution,
    ),
    optional(
        "train-dropout-dense",
        "Dropout (dense layers)",
        "The same for the dense layers at the end of the network. Usually 0.2 to 0.5; empty is as in the network’s paper.",
        range::PART,
        |recipe| &mut recipe.dropout_dense,
    ),
    real(
        "train-smoothing",
        "Label smoothing",
        "Spreads this share of every label over all classes, so that wrong labels do less harm. Usually 0 or 0.1.",
        range::PART,
        |recipe| &mut recipe.label_smoothing,
    ),
    checkbox(
        "train-penalty",
        "Weight penalty of the paper",
        "Adds the weight penalty of the network’s paper to the loss. No effect if the paper has none.",
        |recipe| &mut recipe.paper_penalty,
    ),
];

/// Augmentation, setting by setting.
pub(crate) const AUGMENTATION: &[Setting] = &[
    real(
        "train-mixup",
        "Mixup",
        "Mixes two clips and their labels. The value is the parameter of the Beta distribution of their shares: 0 is off, \
         0.4 is usual.",
        range::MIXUP,
        |recipe| &mut recipe.augmentation.mixup,
    ),
    whole(
        "train-time-masks",
        "Time masking",
        "How many stretches of time are blanked out in every window (SpecAugment). 0 is off, 2 is usual.",
        range::MASKS,
        |recipe| &mut recipe.augmentation.time_masks,
    ),
    whole(
        "train-time-columns",
        "Widest time mask",
        "In columns of the spectrogram, each a few hundredths of a second. 6 is usual.",
        range::TIME_MASK_COLUMNS,
        |recipe| &mut recipe.augmentation.time_mask_columns,
    ),
    whole(
        "train-band-masks",
        "Frequency masking",
        "How many ranges of frequency are blanked out in every window (SpecAugment). 0 is off, 2 is usual.",
        range::MASKS,
        |recipe| &mut recipe.augmentation.band_masks,
    ),
    whole(
        "train-band-bands",
        "Widest frequency mask",
        "In bands of the spectrogram, each a narrow range of frequency. 8 to 16 are usual.",
        range::BAND_MASK_BANDS,
        |recipe| &mut recipe.augmentation.band_mask_bands,
    ),
    real(
        "train-noise",
        "Noise",
        "Standard deviation of noise that is added to the spectrogram; 1 is as strong as the music. Usually 0.05 to 0.1.",
        range::DEVIATION,
        |recipe| &mut recipe.augmentation.noise,
    ),
    real(
        "train-gain",
        "Gain",
        "Standard deviation of a random change of loudness, in the unit of the noise. Usually 0.25 to 0.5.",
        range::DEVIATION,
        |recipe| &mut recipe.augmentation.gain,
    ),
    real(
        "train-equaliser",
        "Equalizer",
        "Standard deviation of a random equalizer curve over the bands, in the unit of the noise. Usually 0.25 to 0.5.",
        range::DEVIATION,
        |recipe| &mut recipe.augmentation.equaliser,
    ),
    whole(
        "train-pitch",
        "Pitch shift",
        "The most that the music is moved up or down, in bands of the spectrogram. 0 is off, 1 or 2 are usual.",
        range::BAND_SHIFT,
        |recipe| &mut recipe.augmentation.band_shift,
    ),
    real(
        "train-stretch",
        "Time stretch",
        "The most that time is stretched or squeezed, as a share: 0.2 is from 0.8 to 1.2 times the length. 0 is off.",
        range::PART,
        |recipe| &mut recipe.augmentation.stretch,
    ),
];

pub(super) const VALIDATION: &[Setting] = &[
    whole(
        "train-every",
        "Validate every",
        "Epochs from one validation to the next. Validation takes time, so a long run need not do it after every epoch. 1 is \
         usual.",
        range::VALIDATE_EVERY,
        |recipe| &mut recipe.validate_every,
    ),
    whole(
        "train-patience",
        "Early stopping",
        "Stops after this many validations in a row without a better result. 0 is off.",
        range::PATIENCE,
        |recipe| &mut recipe.patience,
    ),
    Setting {
        field: FormField {
            id: "train-keep",
            label: "Keep",
            help: "Which epoch’s weights become the network. With few clips the best validation result is partly luck, and \
                   its figures look better than the network is.",
            input: Input::Choice(|| options(&KEEPS)),
            value: "",
        },
        binding: Binding::Keep(|recipe: &mut Recipe| -> &mut Keep { &mut recipe.keep }),
    },
    Setting {
        field: FormField {
            id: "train-seed",
            label: "Seed",
            help: "Starts all random numbers: the same seed and clips give the same network. Any whole number will do.",
            input: Input::Whole(range::SEED),
            value: "",
        },
        binding: Binding::Seed(|recipe: &mut Recipe| -> &mut u64 { &mut recipe.seed }),
    },
];

const fn whole(
    id: &'static str,
    label: &'static str,
    help: &'static str,
    range: Range,
    of: fn(&mut Recipe) -> &mut usize,
) -> Setting {
    Setting { field: FormField { id, label, help, input: Input::Whole(range), value: "" }, binding: Binding::Whole(of) }
}

const fn real(
    id: &'static str,
    label: &'static str,
    help: &'static str,
    range: Range,
    of: fn(&mut Recipe) -> &mut f64,
) -> Setting {
    Setting { field: FormField { id, label, help, input: Input::Real(range), value: "" }, binding: Binding::Real(of) }
}

const fn optional(
    id: &'static str,
    label: &'static str,
    help: &'static str,
    range: Range,
    of: fn(&mut Recipe) -> &mut Option<f64>,
) -> Setting {
    let input = Input::OptionalReal(range);
    Setting { field: FormField { id, label, help, input, value: "" }, binding: Binding::OptionalReal(of) }
}

const fn checkbox(
    id: &'static str,
    label: &'static str,
    help: &'static str,
    of: fn(&mut Recipe) -> &mut bool,
) -> Setting {
    Setting { field: FormField { id, label, help, input: Input::Checkbox, value: "" }, binding: Binding::Checkbox(of) }
}

fn options<Value>(choices: &[(&'static str, &'static str, Value)]) -> Vec<(&'static str, &'static str)> {
    choices.iter().map(|(value, text, _)| (*value, *text)).collect()
}
