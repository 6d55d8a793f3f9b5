//! The whole network beside the plain sums that define it, in double precision.

use super::*;

/// Numbers of about a normal distribution of variance 1, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        let mut uniform = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        2.0 * (uniform() + uniform() + uniform())
    }

    fn many(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.next() * scale).collect()
    }

    fn norm(&mut self, channels: usize) -> BatchNorm {
        let variance = self.many(channels, 1.0).iter().map(|value| value.abs() + 0.5).collect();
        let [gamma, beta, mean] = [(), (), ()].map(|()| self.many(channels, 1.0));
        BatchNorm { gamma, beta, mean, variance, epsilon: 1e-3 }
    }

    fn convolution(&mut self, channels: usize, kernel: [usize; 2]) -> Convolution {
        let size = kernel[0] * kernel[1];
        let weights = self.many(channels * size, (size as f32).sqrt().recip());
        Convolution { weights, kernel, bias: self.many(channels, 1.0), norm: self.norm(channels) }
    }

    fn dense(&mut self, inputs: usize, outputs: usize) -> Dense {
        let weights = self.many(inputs * outputs, (inputs as f32).sqrt().recip());
        Dense { weights, bias: self.many(outputs, 1.0) }
    }

    fn weights(&mut self, [timbre, rhythm, middle, dense, classes]: [usize; 5]) -> MusicnnWeights {
        let front = 2 * timbre + 3 * rhythm;
        MusicnnWeights {
            input_norm: self.norm(1),
            timbres: [38, 67].map(|tall| self.convolution(timbre, [tall, 7])),
            rhythms: [128, 64, 32].map(|long| self.convolution(rhythm, [1, long])),
            middles: [front, middle, middle].map(|rows| self.convolution(middle, [rows, 7])),
            pooled_norm: self.norm(2 * (front + 3 * middle)),
            dense: self.dense(2 * (front + 3 * middle), dense),
            dense_norm: self.norm(dense),
            output: self.dense(dense, classes),
        }
    }
}

/// `[channel][frame]`.
type Plane = Vec<Vec<f64>>;

fn normalized(norm: &BatchNorm, channel: usize, value: f64) -> f64 {
    let [gamma, beta, mean, variance] =
        [&norm.gamma, &norm.beta, &norm.mean, &norm.variance].map(|values| f64::from(values[channel]));
    (value - mean) / (variance + norm.epsilon).sqrt() * gamma + beta
}

/// The largest over all positions of the norm of the ReLU of the sums, as the document has it.
fn convolved(convolution: &Convolution, input: &Plane) -> Plane {
    let [tall, long] = convolution.kernel;
    let frames = input[0].len();
    let of_channel = |(channel, kernel): (usize, &[f32])| {
        let at = |position: usize, t: usize| {
            let mut sum = f64::from(convolution.bias[channel]);
            for (row, weights) in kernel.chunks_exact(long).enumerate() {
                for (tap, weight) in weights.iter().enumerate() {
                    if let Some(frame) = (t + tap).checked_sub((long - 1) / 2).filter(|&frame| frame < frames) {
                        sum += f64::from(*weight) * input[position + row][frame];
                    }
                }
            }
            normalized(&convolution.norm, channel, sum.max(0.0))
        };
        let most = |t: usize| (0..=input.len() - tall).map(|position| at(position, t)).fold(f64::MIN, f64::max);
        (0..frames).map(most).collect()
    };
    convolution.weights.chunks_exact(tall * long).enumerate().map(of_channel).collect()
}

fn dense(dense: &Dense, inputs: &[f64]) -> Vec<f64> {
    let outputs = dense.bias.len();
    let sum = |output: usize| {
        let terms = inputs.iter().enumerate().map(|(at, x)| x * f64::from(dense.weights[at * outputs + output]));
        f64::from(dense.bias[output]) + terms.sum::<f64>()
    };
    (0..outputs).map(sum).collect()
}

/// What [`Outputs`] holds of a window.
pub(crate) fn expected(weights: &MusicnnWeights, window: &[f32], frames: usize) -> [Vec<f64>; 3] {
    let value = |&value: &f32| normalized(&weights.input_norm, 0, f64::from(value));
    let input: Plane = window.chunks_exact(frames).map(|row| row.iter().map(value).collect()).collect();
    let front: Plane =
        weights.timbres.iter().chain(&weights.rhythms).flat_map(|layer| convolved(layer, &input)).collect();
    let mut planes = vec![front];
    for (index, layer) in weights.middles.iter().enumerate() {
        let mut next = convolved(layer, &planes[index]);
        if index > 0 {
            for (row, before) in next.iter_mut().zip(&planes[index]) {
                row.iter_mut().zip(before).for_each(|(value, before)| *value += before);
            }
        }
        planes.push(next);
    }
    let of_row =
        |row: &Vec<f64>| [row.iter().copied().fold(f64::MIN, f64::max), row.iter().sum::<f64>() / frames as f64];
    let pooled: Vec<f64> = planes.iter().flatten().flat_map(of_row).collect();
    let norm = |norm: &BatchNorm, values: &[f64]| -> Vec<f64> {
        values.iter().enumerate().map(|(channel, &value)| normalized(norm, channel, value)).collect()
    };
    let hidden: Vec<f64> =
        dense(&weights.dense, &norm(&weights.pooled_norm, &pooled)).iter().map(|value| value.max(0.0)).collect();
    let features = norm(&weights.dense_norm, &hidden);
    let logits = dense(&weights.output, &features);
    [pooled, features, logits]
}

/// The largest difference, as a share of the largest value.
fn difference(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    found.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((f64::from(*a) - b).abs())) / largest
}

/// Computes windows of several lengths and compares them with their definition.
fn check(weights: &MusicnnWeights, random: &mut Random) {
    let network = FrozenMusicnn::new(weights).unwrap();
    let mut scratch = network.scratch();
    // A longer window before a shorter one must leave nothing behind.
    for frames in [192, 187, 33, 32, 7, 1] {
        let window = random.many(BANDS * frames, 1.0);
        let found = network.run(&window, frames, &mut scratch).unwrap();
        let [pooled, features, logits] = expected(weights, &window, frames);
        let differences = [
            difference(&found.pooled, &pooled),
            difference(&found.features, &features),
            difference(&found.logits, &logits),
        ];
        assert!(differences.iter().all(|difference| *difference < 2e-6), "{frames}: {differences:?}");
    }
}

#[test]
fn windows_of_any_length_are_computed_as_the_sums_that_define_the_network() {
    // Numbers of channels that fill no pair and no tile, and such that do.
    for channels in [[3, 5, 6, 7, 4], [4, 2, 8, 12, 3]] {
        let mut random = Random(88_172_645_463_325_252);
        let weights = random.weights(channels);
        check(&weights, &mut random);
    }
}

#[test]
fn channels_whose_weights_have_decayed_are_constants() {
    // Every other channel, and whole layers.
    for step in [2, 1] {
        let mut random = Random(88_172_645_463_325_252);
        let mut weights = random.weights([5, 3, 6, 7, 4]);
        let MusicnnWeights { timbres: [low, high], rhythms, middles, .. } = &mut weights;
        let [first, second, _] = middles;
        for convolution in [low, high, first, second].into_iter().chain(rhythms) {
            let size = convolution.kernel[0] * convolution.kernel[1];
            let decayed = convolution.weights.chunks_mut(size).step_by(step).flatten();
            decayed.for_each(|weight| *weight *= 1e-30);
        }
        check(&weights, &mut random);
        // Computed sums would differ in the mean's rounding, and take a hundred times longer.
        let network = FrozenMusicnn::new(&weights).unwrap();
        let found = network.run(&random.many(BANDS * 187, 1.0), 187, &mut network.scratch()).unwrap();
        let is_constant = |channel: usize| found.pooled[2 * channel] == found.pooled[2 * channel + 1];
        assert!((0..5).step_by(step).all(is_constant), "every {step}th: {:?}", &found.pooled[..10]);
    }
}

#[test]
fn other_sizes_are_refused() {
    let weights = Random(1).weights([2, 1, 4, 5, 3]);
    let network = FrozenMusicnn::new(&weights).unwrap();
    let mut scratch = network.scratch();
    for (length, frames) in [(0, 0), (BANDS * 193, 193), (BANDS * 10 - 1, 10), (80 * 10, 10)] {
        assert_eq!(network.run(&vec![0.0; length], frames, &mut scratch), None, "{length}, {frames}");
    }
    let changes: [fn(&mut MusicnnWeights); 9] = [
        |weights| weights.timbres[0].kernel = [37, 7],
        |weights| weights.timbres[1].kernel = [67, 6],
        |weights| weights.rhythms[0].kernel = [2, 64],
        |weights| weights.rhythms[2].kernel = [1, 0],
        |weights| weights.middles[1].kernel = [4, 5],
        |weights| {
            weights.middles[2].weights.pop();
        },
        |weights| {
            weights.input_norm.beta.pop();
        },
        |weights| {
            weights.dense.bias.pop();
        },
        |weights| {
            weights.output.weights.pop();
        },
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut other = weights.clone();
        change(&mut other);
        assert!(FrozenMusicnn::new(&other).is_none(), "change {index}");
    }
}
