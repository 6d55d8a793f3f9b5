//! `gtzan-cnn`: a small network that takes the spectrogram as a picture (Tesserolli, "Music Genre Classification",
//! 2024).

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::model::blocks::{Dense, dropout, max_pool2d, pooled};
use crate::model::convolution::convolve_relu_2d;
use crate::model::dropout::Dropout;
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{OptimiserKind, Recipe, Schedule};

/// This network in the registry.
pub(crate) const ENTRY: Entry<GtzanCnn> = Entry {
    id: "gtzan-cnn",
    summary: "Three convolutions with max pools on the spectrogram as a picture, one dense layer.",
    source: "Tesserolli, Music Genre Classification, INFO6147 Deep Learning with PyTorch, Fanshawe College, 2024",
    reported: "51 % balanced accuracy on the validation part of GTZAN's pictures, 80/10/10.",
    paper_shape: Shape { bands: 128, frames: 128, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Pictures,
    min_frames: 1,
    preset,
    init,
};

/// The document's training: Adam with a learning rate of 0.001, 30 epochs. It names no batch; ours is 32. A song is one
/// picture, so an epoch has one window of each song.
fn preset() -> Preset {
    Preset {
        front_end: &FrontEnd::IMAGE,
        recipe: Recipe {
            epochs: 30,
            batch: 32,
            windows_per_song: 1,
            optimiser: OptimiserKind::Adam,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            ..Recipe::default()
        },
    }
}

/// Channels of the convolutions; ours.
const CHANNELS: [usize; 3] = [16, 32, 64];

/// The document's pools.
const POOL: usize = 2;

/// Three times 3×3 convolution, ReLU and 2×2 max pool, and one dense layer. 187 146 parameters at our sizes.
///
/// Shapes: `[batch, 1, 128, 128]` → `[16, 64, 64]` → `[32, 32, 32]` → `[64, 16, 16]`, flattened 16 384 → 10. Ours,
/// because the document does not say: pictures of 128×128, grey instead of coloured, kernels padded so that the size
/// stays, the channels, and no dropout.
#[derive(Module, Debug)]
pub struct GtzanCnn {
    convolutions: Vec<Conv2d>,
    dropout: Dropout,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> GtzanCnn {
    let (mut channels, mut picture) = (1, [build.shape.bands, build.shape.frames]);
    let layer = |to: usize| {
        let from = std::mem::replace(&mut channels, build.channels(to));
        picture = picture.map(|length| pooled(length, POOL));
        let config = Conv2dConfig::new([from, channels], [3, 3]);
        config.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
    };
    let convolutions = CHANNELS.map(layer).to_vec();
    GtzanCnn {
        convolutions,
        dropout: dropout(build.dropouts.convolution, 0.0),
        dense: Dense::new(channels * picture[0] * picture[1], &[], build, 0.0, device),
    }
}

impl Layers for GtzanCnn {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let layer = |x: Tensor<4>, convolution: &Conv2d| {
            self.dropout.forward(max_pool2d(convolve_relu_2d(convolution, None, x), [POOL, POOL]))
        };
        let convolved = self.convolutions.iter().fold(windows.unsqueeze_dim(1), layer); // [batch, 64, 16, 16]
        self.dense.features(convolved.flatten(1, 3)) // [batch, 16384]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }
}
