//! The whole network: what ends each layer, pooling and dense layers around the convolutions.

use super::middle::{Middle, SUMMED};
use super::rhythm::{LONGEST, Rhythm, TimeSpectra};
use super::rows::{BANDS, MAX_FRAMES, PAD, Rows};
use super::timbre::{BandSpectra, TAPS, Timbre};
use super::vector::{LANES, Vector, largest};

/// Weights below this count as zeros. Weight decay leaves channels behind whose weights are about 1e-30, half of all in a
/// published MusiCNN: they change no sum, and products of two such numbers are subnormal, which processors take a
/// hundred times longer for.
const NEGLIGIBLE: f32 = 1e-18;

/// A batch norm with the statistics of its training; each vector has one value a channel.
#[derive(Debug, Clone, Default)]
pub struct BatchNorm {
    /// Learned factors.
    pub gamma: Vec<f32>,
    /// Learned summands.
    pub beta: Vec<f32>,
    /// Means.
    pub mean: Vec<f32>,
    /// Variances.
    pub variance: Vec<f32>,
    /// Added to the variances.
    pub epsilon: f64,
}

/// A convolution that keeps the number of frames, then ReLU and batch norm.
#[derive(Debug, Clone, Default)]
pub struct Convolution {
    /// `[channels, rows, frames]`, row-major.
    pub weights: Vec<f32>,
    /// Rows (bands, or channels of the layer before) and frames of a kernel.
    pub kernel: [usize; 2],
    /// One a channel.
    pub bias: Vec<f32>,
    /// After the ReLU.
    pub norm: BatchNorm,
}

/// A dense layer.
#[derive(Debug, Clone, Default)]
pub struct Dense {
    /// `[inputs, outputs]`, row-major.
    pub weights: Vec<f32>,
    /// One an output.
    pub bias: Vec<f32>,
}

/// Everything that MusiCNN has learned.
#[derive(Debug, Clone, Default)]
pub struct MusicnnWeights {
    /// Of the input, one channel.
    pub input_norm: BatchNorm,
    /// Kernels of 38 and of 67 bands.
    pub timbres: [Convolution; 2],
    /// Kernels of one band.
    pub rhythms: [Convolution; 3],
    /// The layers over time; the second and third are added to what they get.
    pub middles: [Convolution; 3],
    /// Of the pooled values.
    pub pooled_norm: BatchNorm,
    /// The hidden dense layer.
    pub dense: Dense,
    /// After its ReLU.
    pub dense_norm: BatchNorm,
    /// The output layer.
    pub output: Dense,
}

/// What the network computes of one window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outputs {
    /// The maximum and the mean over time of every channel, one after the other.
    pub pooled: Vec<f32>,
    /// The input of the output layer.
    pub features: Vec<f32>,
    /// The output layer's.
    pub logits: Vec<f32>,
}

/// MusiCNN with weights that do not change any more, packed for its kernels.
pub struct FrozenMusicnn {
    input_norm: [f32; 2],
    low: Timbre<59>,
    high: Timbre<30>,
    rhythm: Rhythm,
    /// Of the first layer's rows that depend on the window.
    front_end: Ending,
    /// Of the whole first layer.
    channels: Vec<Channel>,
    /// The layers over time.
    middles: Vec<(Middle, Ending)>,
    pooled_norm: Vec<[f32; 2]>,
    dense: Dense,
    dense_norm: Vec<[f32; 2]>,
    output: Dense,
}

/// A channel of the first layer.
enum Channel {
    /// The row that it is computed in.
    Row(usize),
    /// Its value in every frame, where all its weights count as zeros.
    Constant(f32),
}

/// Memory that a window needs while it is computed; one for every thread.
pub struct Scratch {
    window: Rows,
    front: Rows,
    middles: Vec<Rows>,
    band_spectra: BandSpectra,
    time_spectra: TimeSpectra,
}

/// What follows a layer's sums x: relu(sign · x + bias) · factor + summand.
struct Ending(Vec<EndOfChannel>);

struct EndOfChannel {
    sign: f32,
    bias: f32,
    norm: [f32; 2],
    /// True if all its weights count as zeros.
    is_constant: bool,
}

impl FrozenMusicnn {
    /// The network of these weights; `None` if their sizes are not those that the kernels are made for: 96 bands, kernels of
    /// 38 and 67 bands by 7 frames, of up to 128 frames, and of 7 frames. The numbers of channels are free.
    pub fn new(weights: &MusicnnWeights) -> Option<Self> {
        let MusicnnWeights { input_norm, timbres: [low, high], rhythms, middles, .. } = weights;
        let fits = low.kernel == [Timbre::<59>::TALL, TAPS]
            && high.kernel == [Timbre::<30>::TALL, TAPS]
            && rhythms.iter().all(|rhythm| rhythm.kernel[0] == 1 && (1..=LONGEST).contains(&rhythm.kernel[1]));
        if !fits {
            return None;
        }
        let factors = input_norm.factors()?;
        let [input_norm] = factors.try_into().ok()?;
        let front = [low, high].into_iter().chain(rhythms);
        let mut channels = Vec::new();
        let mut endings = Vec::new();
        let mut turned = Vec::new();
        for convolution in front {
            let mut weights = Vec::new();
            for (kernel, end) in convolution.kernels().zip(convolution.ending(true)?.0) {
                if end.is_constant {
                    channels.push(Channel::Constant(end.of(0.0)));
                } else {
                    channels.push(Channel::Row(endings.len()));
                    weights.extend(kernel.iter().map(|&weight| end.sign * without_negligible(weight)));
                    endings.push(end);
                }
            }
            turned.push(weights);
        }
        let mut rows = channels.len();
        let mut packed = Vec::new();
        for middle in middles {
            if middle.kernel != [rows, TAPS] {
                return None;
            }
            let ending = middle.ending(false)?;
            if packed.is_empty() {
                packed.push((first_middle(middle, &ending, &channels, endings.len()), ending));
            } else {
                let weights: Vec<f32> = middle.weights.iter().copied().map(without_negligible).collect();
                packed.push((Middle::new(rows, &weights, (0..middle.channels()).collect()), ending));
            }
            rows = middle.channels();
        }
        let [first, second, third] = [0, 1, 2].map(|layer: usize| packed[layer].1.0.len());
        let pooled = 2 * (channels.len() + first + second + third);
        let (pooled_norm, dense_norm) = (weights.pooled_norm.factors()?, weights.dense_norm.factors()?);
        let fits = first == second
            && second == third
            && pooled_norm.len() == pooled
            && weights.dense.inputs() == Some(pooled)
            && weights.dense.bias.len() == dense_norm.len()
            && weights.output.inputs() == Some(dense_norm.len());
        let kernels: Vec<&[f32]> = turned[2..]
            .iter()
            .zip(rhythms)
            .flat_map(|(weights, rhythm)| weights.chunks_exact(rhythm.kernel[1]))
            .collect();
        fits.then(|| Self {
            input_norm,
            low: Timbre::new(&turned[0]),
            high: Timbre::new(&turned[1]),
            rhythm: Rhythm::new(&kernels),
            front_end: Ending(endings),
            channels,
            middles: packed,
            pooled_norm,
            dense: weights.dense.clone(),
            dense_norm,
            output: weights.output.clone(),
        })
    }

    /// Memory for one window at a time.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            window: Rows::new(BANDS),
            // The last row is 1 in every frame.
            front: Rows::new(self.front_end.0.len() + 1),
            middles: self.middles.iter().map(|(_, ending)| Rows::new(ending.0.len())).collect(),
            band_spectra: BandSpectra::new(),
            time_spectra: TimeSpectra::new(),
        }
    }

    /// Computes a window `[bands, frames]`, row-major, of 1 to [`MAX_FRAMES`] frames; `None` if it is not of
    /// [`BANDS`] bands and so many frames.
    pub fn run(&self, window: &[f32], frames: usize, scratch: &mut Scratch) -> Option<Outputs> {
        if !(1..=MAX_FRAMES).contains(&frames) || window.len() != BANDS * frames {
            return None;
        }
        let Scratch { window: input, front, middles, band_spectra, time_spectra } = scratch;
        let [factor, summand] = self.input_norm;
        for (row, values) in input.iter_mut().zip(window.chunks_exact(frames)) {
            for (to, value) in row[PAD..].iter_mut().zip(values) {
                *to = value * factor + summand;
            }
            row[PAD + frames..].fill(0.0);
        }
        band_spectra.take(input, frames);
        self.low.run(band_spectra, frames, front, 0);
        let rhythms = self.low.channels() + self.high.channels();
        self.high.run(band_spectra, frames, front, self.low.channels());
        self.rhythm.run(input, frames, time_spectra, front, rhythms);
        self.front_end.apply(front, frames, None);
        let ones = front.row_mut(self.front_end.0.len());
        ones[PAD..PAD + frames].fill(1.0);
        ones[PAD + frames..].fill(0.0);
        let mut before: &Rows = front;
        for (index, ((layer, ending), rows)) in self.middles.iter().zip(middles.iter_mut()).enumerate() {
            layer.run(before, frames, rows);
            ending.apply(rows, frames, (index > 0).then_some(before));
            before = rows;
        }
        let mut pooled = Vec::with_capacity(self.pooled_norm.len());
        for channel in &self.channels {
            pooled.extend(match *channel {
                Channel::Row(row) => largest_and_mean(&front.row(row)[PAD..PAD + frames]),
                Channel::Constant(value) => [value; 2],
            });
        }
        for row in middles.iter().flat_map(Rows::iter) {
            pooled.extend(largest_and_mean(&row[PAD..PAD + frames]));
        }
        let normalized: Vec<f32> =
            pooled.iter().zip(&self.pooled_norm).map(|(value, norm)| value * norm[0] + norm[1]).collect();
        let hidden = self.dense.run(&normalized);
        let features: Vec<f32> =
            hidden.iter().zip(&self.dense_norm).map(|(&value, norm)| relu(value) * norm[0] + norm[1]).collect();
        let logits = self.output.run(&features);
        Some(Outputs { pooled, features, logits })
    }
}

/// The first middle layer, from the first layer's channels, so many of which have a row. What all others add is one row of
/// ones with weights of its own: beyond the window they are zeros, as the rows are.
fn first_middle(convolution: &Convolution, ending: &Ending, channels: &[Channel], rows: usize) -> Middle {
    let (mut weights, mut targets) = (Vec::new(), Vec::new());
    let computed = convolution.kernels().zip(&ending.0).enumerate().filter(|(_, (_, end))| !end.is_constant);
    for (target, (kernel, _)) in computed {
        let mut of_ones = [0.0; TAPS];
        let mut of_rows = vec![0.0; rows * TAPS];
        for (channel, taps) in channels.iter().zip(kernel.chunks_exact(TAPS)) {
            match *channel {
                Channel::Row(row) => of_rows[row * TAPS..][..TAPS].copy_from_slice(taps),
                Channel::Constant(value) => {
                    for (sum, tap) in of_ones.iter_mut().zip(taps) {
                        *sum += f64::from(value) * f64::from(*tap);
                    }
                }
            }
        }
        weights.extend(of_rows.into_iter().chain(of_ones.map(|sum| sum as f32)).map(without_negligible));
        targets.push(target);
    }
    Middle::new(rows + 1, &weights, targets)
}

impl BatchNorm {
    /// Factor and summand of every channel; `None` if its vectors differ in length.
    fn factors(&self) -> Option<Vec<[f32; 2]>> {
        let Self { gamma, beta, mean, variance, epsilon } = self;
        let same = [beta, mean, variance].into_iter().all(|other| other.len() == gamma.len());
        let of_channel = |channel: usize| {
            let factor = f64::from(gamma[channel]) / (f64::from(variance[channel]) + epsilon).sqrt();
            [factor as f32, (f64::from(beta[channel]) - f64::from(mean[channel]) * factor) as f32]
        };
        same.then(|| (0..gamma.len()).map(of_channel).collect())
    }
}

impl Convolution {
    fn channels(&self) -> usize {
        self.bias.len()
    }

    /// What follows its sums; `None` if the sizes of its weights differ. With `is_largest` the sums are the largest over the
    /// bands, taken before the norm: if the norm's factor is negative, the smallest is wanted, which is the largest of the
    /// sums with their sign turned.
    fn ending(&self, is_largest: bool) -> Option<Ending> {
        let norms = self.norm.factors()?;
        let fits = norms.len() == self.channels()
            && !self.bias.is_empty()
            && self.weights.len() == self.channels() * self.kernel[0] * self.kernel[1];
        let of_channel = |((norm, &bias), kernel): (([f32; 2], &f32), &[f32])| {
            let sign = if is_largest && norm[0] < 0.0 { -1.0 } else { 1.0 };
            let is_constant = kernel.iter().all(|&weight| without_negligible(weight) == 0.0);
            EndOfChannel { sign, bias, norm, is_constant }
        };
        fits.then(|| Ending(norms.into_iter().zip(&self.bias).zip(self.kernels()).map(of_channel).collect()))
    }

    /// The weights of every channel.
    fn kernels(&self) -> impl Iterator<Item = &[f32]> {
        self.weights.chunks_exact((self.kernel[0] * self.kernel[1]).max(1))
    }
}

impl EndOfChannel {
    /// What becomes of a sum.
    #[inline(always)]
    fn of(&self, sum: f32) -> f32 {
        relu(self.sign * sum + self.bias) * self.norm[0] + self.norm[1]
    }
}

impl Ending {
    /// Ends a layer in place, and clears what lies behind its frames.
    fn apply(&self, rows: &mut Rows, frames: usize, residual: Option<&Rows>) {
        for (channel, (row, end)) in rows.iter_mut().zip(&self.0).enumerate() {
            let values = &mut row[PAD..PAD + frames];
            if end.is_constant {
                values.fill(end.of(0.0));
            } else {
                values.iter_mut().for_each(|value| *value = end.of(*value));
            }
            if let Some(residual) = residual {
                for (value, other) in values.iter_mut().zip(&residual.row(channel)[PAD..]) {
                    *value += other;
                }
            }
            row[PAD + frames..].fill(0.0);
        }
    }
}

impl Dense {
    /// `None` if its sizes differ.
    pub(super) fn inputs(&self) -> Option<usize> {
        let inputs = self.weights.len().checked_div(self.bias.len())?;
        (inputs * self.bias.len() == self.weights.len()).then_some(inputs)
    }

    pub(super) fn run(&self, inputs: &[f32]) -> Vec<f32> {
        let (outputs, mut sums) = (self.bias.len(), self.bias.clone());
        // Sums of sums, as in the middle layers.
        for (inputs, weights) in inputs.chunks(SUMMED).zip(self.weights.chunks(SUMMED * outputs)) {
            let mut parts = vec![0.0; outputs];
            for (input, weights) in inputs.iter().zip(weights.chunks_exact(outputs)) {
                for (part, weight) in parts.iter_mut().zip(weights) {
                    *part += input * weight;
                }
            }
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        sums
    }
}

/// As a comparison: `f32::max` is a call in WebAssembly, for its rules on NaN.
#[inline(always)]
fn relu(value: f32) -> f32 {
    if value > 0.0 { value } else { 0.0 }
}

/// A weight, or 0 if it counts as such.
fn without_negligible(weight: f32) -> f32 {
    if weight.abs() < NEGLIGIBLE { 0.0 } else { weight }
}

/// The maximum and the mean over time.
fn largest_and_mean(values: &[f32]) -> [f32; 2] {
    let (fours, rest) = values.as_chunks::<LANES>();
    let (mut most, mut sums) = (Vector::splat(f32::MIN), Vector::ZERO);
    for &four in fours {
        let four = Vector::new(four);
        (most, sums) = (most.fast_max(four), sums + four);
    }
    let sum = sums.to_array().iter().chain(rest).sum::<f32>();
    [largest(most.to_array().iter().chain(rest)), sum / values.len() as f32]
}
