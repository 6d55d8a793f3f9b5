//! Linear heads on precomputed features (multinomial logistic regression with an L2 penalty): a convex problem, solved to
//! its only optimum, so the same songs always give the same head.

pub(crate) mod audio_augmentation;
pub(crate) mod crossval;
pub(crate) mod examples;
mod lbfgs;

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use self::audio_augmentation::AudioAugmentation;
use self::lbfgs::minimise;
use super::embeddings::moments;
use crate::dataset::labelled_set::Song;
use crate::model::Network;
use crate::model::networks::head;
use crate::recipe::range::{self, Range};
use crate::recipe::{RecipeError, check_ranges};

/// The largest component of a gradient that counts as zero.
const TOLERANCE: f64 = 1e-7;
/// The settings of a linear head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeadRecipe {
    /// Factor of the sum of the squared weights (on standardised features, without the biases) in the loss.
    pub penalty: f64,
    /// True to give every class the same weight, however many songs it has. Without effect for tags.
    pub balanced: bool,
    /// Folds of the cross-validation that evaluates the head and finds its temperature.
    pub folds: usize,
    /// Seeds of the folds: one cross-validation each.
    pub fold_seeds: Vec<u64>,
    /// Altered copies of the songs that the head is trained on, too.
    #[serde(alias = "copies")]
    pub augmentation: AudioAugmentation,
}

impl Default for HeadRecipe {
    fn default() -> Self {
        Self {
            penalty: 0.3,
            balanced: true,
            folds: 5,
            fold_seeds: vec![1, 2, 3, 4, 5],
            augmentation: AudioAugmentation::default(),
        }
    }
}

impl HeadRecipe {
    /// Checks the ranges of all settings.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] names the first setting that is out of its range.
    pub(crate) fn check(&self) -> Result<(), RecipeError> {
        let of_head = [
            ("penalty", self.penalty, Range::within(0.0, 1e6)),
            ("folds", self.folds as f64, Range::within(2.0, 1000.0)),
            ("number of fold seeds", self.fold_seeds.len() as f64, Range::within(1.0, 1000.0)),
        ];
        let seeds = self.fold_seeds.iter().map(|&seed| ("seed of the folds", seed as f64, range::SEED));
        check_ranges(of_head.into_iter().chain(seeds).chain(self.augmentation.settings()))
    }
}

/// A song and its features.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    /// The song, without segments.
    pub song: Song,
    /// The features of its windows, `[windows][features]`: for training and for prediction.
    pub windows: Vec<Vec<f32>>,
    /// The features of its altered copies, one window each: for training alone.
    pub augmented: Vec<Vec<f32>>,
}

/// A linear head: standardises features, then weighs them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LinearProbe {
    labels: usize,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// `[features, labels]`.
    weight: Vec<f64>,
    bias: Vec<f64>,
    /// The loss at the optimum.
    pub loss: Loss,
}

/// What training minimises: the sum of both.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Loss {
    /// Weighted mean cross-entropy of the rows in nats; for tags the sum over the tags.
    pub entropy: f64,
    pub penalty: f64,
}

/// The training data: rows of standardised features with their targets and weights.
struct Rows<'a> {
    multi_label: bool,
    labels: usize,
    /// `[rows, features]`.
    features: Vec<f64>,
    targets: Vec<&'a [f32]>,
    /// One per row; they sum to 1.
    weights: Vec<f64>,
}

/// Trains a head. A song and each of its copies have the same weight, however many windows they have.
pub(crate) fn fit<'a>(
    examples: impl IntoIterator<Item = &'a Example>,
    multi_label: bool,
    recipe: &HeadRecipe,
) -> LinearProbe {
    let (mut rows, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for Example { song, windows, augmented } in examples {
        let own = windows.iter().map(|row| (row, 1.0 / windows.len() as f64));
        for (row, weight) in own.chain(augmented.iter().map(|row| (row, 1.0))) {
            rows.push(row.as_slice());
            targets.push(song.target.as_slice());
            weights.push(weight);
        }
    }
    let (mean, deviation) = moments(&rows, &weights);
    if recipe.balanced && !multi_label {
        balance(&mut weights, &targets);
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    // Standardised, so that one penalty suits features of any scale.
    let standardised = |row: &&[f32]| standardise(row, &mean, &deviation).collect::<Vec<f64>>();
    let features = rows.iter().flat_map(standardised).collect();
    let labels = targets.first().map_or(0, |target| target.len());
    let rows = Rows { multi_label, labels, features, targets, weights };
    // From zero: a convex problem has the same optimum from everywhere.
    let start = vec![0.0; (mean.len() + 1) * labels];
    let mut weight = minimise(start, TOLERANCE, |at| {
        let (loss, gradient) = rows.loss(at, recipe.penalty);
        (loss.entropy + loss.penalty, gradient)
    });
    let (loss, _) = rows.loss(&weight, recipe.penalty);
    let bias = weight.split_off(mean.len() * labels);
    LinearProbe { labels, mean, deviation, weight, bias, loss }
}

fn standardise(row: &[f32], mean: &[f64], deviation: &[f64]) -> impl Iterator<Item = f64> {
    row.iter().zip(mean).zip(deviation).map(|((&value, mean), deviation)| (f64::from(value) - mean) / deviation)
}

/// Scales the weights so that those of every class sum to 1.
fn balance(weights: &mut [f64], targets: &[&[f32]]) {
    let classes = targets.first().map_or(0, |target| target.len());
    let mut of_class = vec![0.0; classes];
    for (weight, target) in weights.iter().zip(targets) {
        of_class.iter_mut().zip(*target).for_each(|(sum, &share)| *sum += weight * f64::from(share));
    }
    for (weight, target) in weights.iter_mut().zip(targets) {
        let shares = target.iter().zip(&of_class).filter(|(share, _)| **share > 0.0);
        *weight *= shares.map(|(&share, sum)| f64::from(share) / sum).sum::<f64>();
    }
}

impl Rows<'_> {
    /// The loss of weights `[features + 1, labels]`, whose last row are the biases, and its gradient.
    fn loss(&self, at: &[f64], penalty: f64) -> (Loss, Vec<f64>) {
        let (labels, width) = (self.labels, at.len() / self.labels - 1);
        let (weight, bias) = at.split_at(width * labels);
        let mut gradient = vec![0.0; at.len()];
        let mut entropy = 0.0;
        let mut logits = vec![0.0; labels];
        for ((row, target), share) in self.features.chunks_exact(width).zip(&self.targets).zip(&self.weights) {
            logits.copy_from_slice(bias);
            for (value, weights) in row.iter().zip(weight.chunks_exact(labels)) {
                logits.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += value * weight);
            }
            // From here on the logits hold the gradient of the cross-entropy.
            entropy +=
                share * if self.multi_label { binary(&mut logits, target) } else { categorical(&mut logits, target) };
            logits.iter_mut().for_each(|logit| *logit *= share);
            let (of_weight, of_bias) = gradient.split_at_mut(width * labels);
            for (value, gradients) in row.iter().zip(of_weight.chunks_exact_mut(labels)) {
                gradients.iter_mut().zip(&logits).for_each(|(gradient, logit)| *gradient += value * logit);
            }
            of_bias.iter_mut().zip(&logits).for_each(|(gradient, logit)| *gradient += logit);
        }
        gradient.iter_mut().zip(weight).for_each(|(gradient, weight)| *gradient += 2.0 * penalty * weight);
        let squares: f64 = weight.iter().map(|weight| weight * weight).sum();
        (Loss { entropy, penalty: penalty * squares }, gradient)
    }
}

/// Softmax cross-entropy; its gradient replaces the logits.
fn categorical(logits: &mut [f64], target: &[f32]) -> f64 {
    // Without the largest logit the exponentials could overflow.
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let whole = largest + sum.ln();
    let mut entropy = 0.0;
    for (logit, &target) in logits.iter_mut().zip(target) {
        let log = *logit - whole;
        entropy -= f64::from(target) * log;
        *logit = log.exp() - f64::from(target);
    }
    entropy
}

/// Binary cross-entropies, summed over the labels; their gradients replace the logits.
fn binary(logits: &mut [f64], target: &[f32]) -> f64 {
    let mut entropy = 0.0;
    for (logit, &target) in logits.iter_mut().zip(target) {
        let target = f64::from(target);
        entropy += logit.max(0.0) - *logit * target + (-logit.abs()).exp().ln_1p();
        *logit = 1.0 / (1.0 + (-*logit).exp()) - target;
    }
    entropy
}

impl LinearProbe {
    /// Logits, `[labels]`, of a row of features.
    pub(crate) fn logits(&self, row: &[f32]) -> Vec<f32> {
        let mut logits = self.bias.clone();
        let standardised = standardise(row, &self.mean, &self.deviation);
        for (value, weights) in standardised.zip(self.weight.chunks_exact(self.labels)) {
            logits.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += value * weight);
        }
        logits.into_iter().map(|logit| logit as f32).collect()
    }

    /// The head with its logits divided by a temperature.
    pub(crate) fn cooled(mut self, temperature: f64) -> Self {
        self.weight.iter_mut().chain(&mut self.bias).for_each(|value| *value /= temperature);
        self
    }

    /// The Euclidean norm of the weights, without the biases.
    pub(crate) fn norm(&self) -> f64 {
        self.weight.iter().map(|weight| weight * weight).sum::<f64>().sqrt()
    }

    /// The head as a network of the registry, on a device.
    pub(crate) fn network(&self, device: &Device) -> Network {
        // Networks compute in single precision.
        let tensor = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let row = |values: &[f64]| Tensor::from_data(TensorData::new(tensor(values), [values.len()]), device);
        let weight = TensorData::new(tensor(&self.weight), [self.mean.len(), self.labels]);
        let (mean, deviation) = (row(&self.mean), row(&self.deviation));
        Network::Head(head::linear(Tensor::from_data(weight, device), row(&self.bias)).standardising(mean, deviation))
    }
}

/// The logits of every song's windows, `[songs][windows][labels]`, by the head of the songs in the other folds.
fn out_of_fold(examples: &[Example], fold_of: &[usize], multi_label: bool, recipe: &HeadRecipe) -> Vec<Vec<Vec<f32>>> {
    let folds = fold_of.iter().copied().max().map_or(0, |last| last + 1);
    let head = |fold: usize| {
        let others = examples.iter().zip(fold_of).filter(|(_, own)| **own != fold);
        fit(others.map(|(example, _)| example), multi_label, recipe)
    };
    let heads: Vec<LinearProbe> = (0..folds).map(head).collect();
    let logits = |(example, &fold): (&Example, &usize)| {
        example.windows.iter().map(|window| heads[fold].logits(window)).collect()
    };
    examples.iter().zip(fold_of).map(logits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::labelled_set::one_of;

    fn examples(targets: &[Vec<f32>]) -> Vec<Example> {
        let example = |(index, target): (usize, &Vec<f32>)| {
            let window = |window: usize| {
                let wobble = ((index * 13 + window * 7) as f32).sin();
                target.iter().map(|share| share + 0.8 * wobble).chain([wobble, 5.0]).collect()
            };
            let song = Song { name: index.to_string(), group: None, target: target.clone(), segments: Vec::new() };
            Example { song, windows: (0..1 + index % 3).map(window).collect(), augmented: vec![window(9)] }
        };
        targets.iter().enumerate().map(example).collect()
    }

    fn genres() -> Vec<Example> {
        // Three times as many of the first class as of the others.
        examples(&(0..50_usize).map(|song| one_of((song % 5).saturating_sub(2), 3)).collect::<Vec<_>>())
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let targets = [one_of(0, 3), vec![0.2, 0.3, 0.5]];
        let targets: Vec<&[f32]> = targets.iter().map(Vec::as_slice).collect();
        for multi_label in [false, true] {
            let (features, weights) = (vec![0.5, -1.0, 2.0, 0.3], vec![0.4, 0.6]);
            let rows = Rows { multi_label, labels: 3, features, targets: targets.clone(), weights };
            let at: Vec<f64> = (0..9).map(|index| (index as f64 * 0.7).sin()).collect();
            let total = |at: &[f64]| rows.loss(at, 0.1).0.entropy + rows.loss(at, 0.1).0.penalty;
            for (index, gradient) in rows.loss(&at, 0.1).1.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut moved = at.clone();
                    moved[index] += by;
                    total(&moved)
                };
                let found = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((found - gradient).abs() < 1e-7, "{index}: {found} and {gradient}");
            }
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        assert_eq!(HeadRecipe::default().check(), Ok(()));
        let of = |least_share| AudioAugmentation { least_share, ..AudioAugmentation::default() };
        let turned = AudioAugmentation { low_pass_hz: [7500.0, 3000.0], ..AudioAugmentation::default() };
        let many_knots = AudioAugmentation { curve_knots: usize::MAX, ..AudioAugmentation::default() };
        let bad = [
            HeadRecipe { folds: 1, ..HeadRecipe::default() },
            HeadRecipe { fold_seeds: Vec::new(), ..HeadRecipe::default() },
            HeadRecipe { penalty: -1.0, ..HeadRecipe::default() },
            HeadRecipe { augmentation: of(1.5), ..HeadRecipe::default() },
            HeadRecipe { augmentation: of(f64::NAN), ..HeadRecipe::default() },
            HeadRecipe { penalty: f64::INFINITY, ..HeadRecipe::default() },
            HeadRecipe { fold_seeds: vec![u64::MAX], ..HeadRecipe::default() },
            HeadRecipe { augmentation: turned, ..HeadRecipe::default() },
            HeadRecipe { augmentation: many_knots, ..HeadRecipe::default() },
        ];
        let messages = bad.map(|recipe| recipe.check().unwrap_err().to_string());
        assert_eq!(messages[0], "folds is 1; expected 2 to 1000");
        assert_eq!(messages[1], "number of fold seeds is 0; expected 1 to 1000");
        assert_eq!(messages[2], "penalty is -1; expected 0 to 1000000");
        assert_eq!(messages[3], "shortest share of a copy is 1.5; expected 0 to 1");
        assert_eq!(messages[4], "shortest share of a copy is NaN; expected 0 to 1");
        assert_eq!(messages[5], "penalty is inf; expected 0 to 1000000");
        assert!(messages[6].starts_with("seed of the folds is "), "{}", messages[6]);
        assert_eq!(messages[7], "highest cut-off frequency in Hz is 3000; expected 7500 to 200000");
        assert!(messages[8].starts_with("knots of the equaliser curve is "), "{}", messages[8]);
    }

    #[test]
    fn a_trained_head_and_its_network_agree() {
        let examples = genres();
        let head = fit(&examples, false, &HeadRecipe { penalty: 1e-3, ..HeadRecipe::default() });
        let network = head.network(&Device::flex());
        for Example { song, windows, .. } in &examples {
            for window in windows {
                let logits = head.logits(window);
                assert_eq!(crate::eval::metrics::argmax(&logits), song.label());
                let input = TensorData::new(window.clone(), [1, window.len(), 1]);
                let found = network.forward(Tensor::from_data(input, &Device::flex())).into_data();
                assert!(found.iter::<f32>().zip(&logits).all(|(a, b)| (a - b).abs() < 1e-4), "{found} and {logits:?}");
            }
        }
    }

    #[test]
    fn balanced_classes_have_equal_weights() {
        let targets = [one_of(0, 2), one_of(0, 2), one_of(1, 2), one_of(0, 2)];
        let targets: Vec<&[f32]> = targets.iter().map(Vec::as_slice).collect();
        let mut weights = vec![0.5, 0.5, 1.0, 2.0];
        balance(&mut weights, &targets);
        assert!((weights[2] - 1.0).abs() < 1e-12 && (weights[0] + weights[1] + weights[3] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn tags_are_trained_independently() {
        let targets: Vec<Vec<f32>> =
            (0..40).map(|song| (0..3).map(|tag| f32::from(u8::from((song >> tag) % 2 == 1))).collect()).collect();
        let examples = examples(&targets);
        let head = fit(&examples, true, &HeadRecipe { penalty: 1e-3, ..HeadRecipe::default() });
        for Example { song, windows, .. } in &examples {
            for (logit, target) in head.logits(&windows[0]).iter().zip(&song.target) {
                assert_eq!(*logit > 0.0, *target > 0.5);
            }
        }
    }

    #[test]
    fn a_song_is_predicted_by_a_head_that_was_not_trained_on_it() {
        let mut examples = genres();
        // The head of the other songs knows nothing of this song's new label.
        examples[7].song.target = one_of(2, 3);
        let recipe = HeadRecipe { penalty: 1e-3, balanced: false, ..HeadRecipe::default() };
        let fold_of: Vec<usize> = (0..examples.len()).map(|song| usize::from(song == 7)).collect();
        let logits = out_of_fold(&examples, &fold_of, false, &recipe);
        let alone = fit(examples.iter().enumerate().filter(|(song, _)| *song != 7).map(|(_, e)| e), false, &recipe);
        assert_eq!(logits[7][0], alone.logits(&examples[7].windows[0]));
        assert_eq!(logits.iter().map(Vec::len).sum::<usize>(), examples.iter().map(|e| e.windows.len()).sum::<usize>());
    }
}
