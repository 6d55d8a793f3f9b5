//! Small convolutional networks: convolutions with ReLU and max pool one after the other, what is pooled of their outputs,
//! and dense layers.

use super::convolution::{Buffers, CHANNELS, Direct, Geometry, Padding, Plane};
use super::musicnn::{Dense, Outputs};
use super::vector::LANES;
use super::winograd::Winograd;

/// A convolution with its bias, ReLU and max pool.
#[derive(Debug, Clone)]
pub struct CnnLayer {
    /// The layer before it, whose outputs it reads; 0 is the network's input, 1 the first layer.
    pub reads: usize,
    /// `[channels, inputs, rows, columns]`, row-major.
    pub weights: Vec<f32>,
    /// One a channel.
    pub bias: Vec<f32>,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps of the kernel, over rows and columns.
    pub stride: [usize; 2],
    /// Zeros before and after the rows, and before and after the columns.
    pub padding: [[usize; 2]; 2],
    /// Rows and columns of which the largest output is kept.
    pub pool: [usize; 2],
}

/// What the convolutions get of a window `[bands, frames]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Views {
    /// Bands as channels, frames as columns of one row.
    Bands,
    /// Two channels: the window less its mean, and less the mean of each band. Bands are rows, frames columns.
    Two,
}

/// How a channel's outputs become one feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The largest of them.
    Max,
}

/// Everything that a network has learned, and how it is built.
#[derive(Debug, Clone)]
pub struct CnnWeights {
    /// What the first layer gets.
    pub views: Views,
    /// In an order in which every layer follows the one that it reads.
    pub layers: Vec<CnnLayer>,
    /// Layers, 1 the first, and what is pooled of them.
    pub pooled: Vec<(usize, Pooling)>,
    /// With ReLU.
    pub hidden: Vec<Dense>,
    /// Its inputs are the features.
    pub output: Dense,
}

/// A network with weights that do not change any more, packed for its kernels.
pub struct FrozenCnn {
    views: Views,
    bands: usize,
    layers: Vec<Layer>,
    pooled: Vec<(usize, Pooling)>,
    hidden: Vec<Dense>,
    output: Dense,
}

struct Layer {
    reads: usize,
    channels: usize,
    geometry: Geometry,
    padding: [Padding; 2],
    kernels: Kernels,
}

enum Kernels {
    Direct(Direct),
    Winograd(Winograd),
}

/// Memory that a window needs while it is computed; one for every thread.
#[derive(Default)]
pub struct CnnScratch {
    /// Of these frames; the network's input is the first.
    frames: usize,
    planes: Vec<Plane>,
    views: Vec<f32>,
    buffers: Buffers,
}

/// Fewer columns than this do not fill the tiles of [`Winograd`].
const LEAST_COLUMNS: usize = 3;

impl FrozenCnn {
    /// The network of these weights for windows of so many bands, usually of so many frames; `None` if the kernels are not
    /// made for its sizes, or a weight is no number.
    pub fn new(weights: &CnnWeights, bands: usize, frames: usize) -> Option<Self> {
        let CnnWeights { views, layers, pooled, hidden, output } = weights;
        let mut network = Self {
            views: *views,
            bands,
            layers: Vec::new(),
            pooled: pooled.clone(),
            hidden: hidden.clone(),
            output: output.clone(),
        };
        // Only their sizes: a card may state any number of frames, and nothing is allocated by it.
        let mut sizes = vec![network.input_size(frames)];
        for (index, layer) in layers.iter().enumerate() {
            let &(input, inputs) = sizes.get(layer.reads)?;
            let channels = layer.bias.len();
            let [rows, columns] = layer.kernel;
            let is_finite = layer.weights.iter().chain(&layer.bias).all(|value| value.is_finite());
            let fits = channels.is_multiple_of(CHANNELS)
                && layer.weights.len() == channels * inputs * rows * columns
                && layer.reads <= index
                && [layer.kernel, layer.stride, layer.pool].as_flattened().iter().all(|&size| size > 0);
            if !fits || !is_finite {
                return None;
            }
            let geometry = Geometry { kernel: layer.kernel, stride: layer.stride, pool: layer.pool };
            let padding = layer.padding.map(|[before, after]| Padding { before, after });
            let size = geometry.pooled(input, padding);
            let is_tiled = layer.stride == [1, 1]
                && matches!(rows, 1 | 3)
                && matches!(columns, 3 | 4)
                && inputs.is_multiple_of(LANES)
                && size[1] * layer.pool[1] >= LEAST_COLUMNS;
            let kernels = if is_tiled {
                Kernels::Winograd(Winograd::new(geometry, inputs, &layer.weights, &layer.bias))
            } else {
                Kernels::Direct(Direct::new(geometry, inputs, &layer.weights, &layer.bias))
            };
            network.layers.push(Layer { reads: layer.reads, channels, geometry, padding, kernels });
            sizes.push((size, channels));
        }
        let features = |&(layer, _): &(usize, Pooling)| sizes.get(layer).map(|(_, channels)| *channels);
        let mut width: usize = pooled.iter().map(features).sum::<Option<usize>>()?;
        for dense in hidden.iter().chain([output]) {
            let is_finite = dense.weights.iter().chain(&dense.bias).all(|value| value.is_finite());
            if !is_finite || dense.inputs() != Some(width) {
                return None;
            }
            width = dense.bias.len();
        }
        network.is_consistent().then_some(network)
    }

    /// True if all layers that read one layer want the same zeros around it.
    fn is_consistent(&self) -> bool {
        self.layers.iter().all(|layer| self.padding_of(layer.reads) == layer.padding)
    }

    /// The zeros around a layer's outputs, for the layers that read them.
    fn padding_of(&self, layer: usize) -> [Padding; 2] {
        self.layers.iter().find(|next| next.reads == layer).map_or([Padding::default(); 2], |next| next.padding)
    }

    /// Rows and columns of the input, and its channels.
    fn input_size(&self, frames: usize) -> ([usize; 2], usize) {
        match self.views {
            Views::Bands => ([1, frames], self.bands),
            Views::Two => ([self.bands, frames], 2),
        }
    }

    /// Computes a window `[bands, frames]`, row-major; `None` if it has other bands, or too few frames for a layer.
    pub fn run(&self, window: &[f32], frames: usize, scratch: &mut CnnScratch) -> Option<Outputs> {
        if frames == 0 || window.len() != self.bands * frames {
            return None;
        }
        if scratch.frames != frames {
            (scratch.planes, scratch.frames) = (self.planes(frames), frames);
        }
        let CnnScratch { planes, views, buffers, .. } = scratch;
        if planes.iter().any(|plane| plane.size().contains(&0)) {
            return None;
        }
        match self.views {
            Views::Bands => planes[0].fill(window),
            Views::Two => {
                two_views(window, frames, views);
                planes[0].fill(views);
            }
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = planes.split_at_mut(index + 1);
            match &layer.kernels {
                Kernels::Direct(kernels) => kernels.run(&before[layer.reads], &mut after[0], buffers),
                Kernels::Winograd(kernels) => kernels.run(&before[layer.reads], &mut after[0], buffers),
            }
        }
        let pooled: Vec<f32> =
            self.pooled.iter().flat_map(|&(layer, pooling)| pooled(&planes[layer], pooling)).collect();
        let hidden = |values: Vec<f32>, layer: &Dense| {
            layer.run(&values).into_iter().map(|value| if value > 0.0 { value } else { 0.0 }).collect()
        };
        let features = self.hidden.iter().fold(pooled.clone(), hidden);
        let logits = self.output.run(&features);
        Some(Outputs { pooled, features, logits })
    }

    fn planes(&self, frames: usize) -> Vec<Plane> {
        let (size, channels) = self.input_size(frames);
        let mut planes = vec![Plane::new(size, channels, self.padding_of(0))];
        for (index, layer) in self.layers.iter().enumerate() {
            let size = layer.geometry.pooled(planes[layer.reads].size(), layer.padding);
            planes.push(Plane::new(size, layer.channels, self.padding_of(index + 1)));
        }
        planes
    }
}

/// The two views of a window, `[2, bands, frames]`.
fn two_views(window: &[f32], frames: usize, views: &mut Vec<f32>) {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let means: Vec<f32> = window.chunks_exact(frames).map(mean).collect();
    let level = mean(&means);
    views.clear();
    views.extend(window.iter().map(|value| value - level));
    let without = |(band, mean): (&[f32], f32)| band.iter().map(move |value| value - mean).collect::<Vec<_>>();
    views.extend(window.chunks_exact(frames).zip(means).flat_map(without));
}

/// One value a channel.
fn pooled(plane: &Plane, pooling: Pooling) -> Vec<f32> {
    let [rows, columns] = plane.size();
    let mut found = plane.row(0)[..plane.channels].to_vec();
    let places = (0..rows).flat_map(|row| plane.row(row).chunks_exact(plane.channels)).skip(1);
    for values in places {
        for (found, &value) in found.iter_mut().zip(values) {
            *found = match pooling {
                Pooling::Mean => *found + value,
                Pooling::Max if value > *found => value,
                Pooling::Max => *found,
            };
        }
    }
    if pooling == Pooling::Mean {
        found.iter_mut().for_each(|value| *value /= (rows * columns) as f32);
    }
    found
}
