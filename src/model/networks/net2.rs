//! `net2`: the residual contrast to `net1` (the same paper, section 3.2).

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::{Device, Tensor};

use super::net1::{DUPLICATED, KERNEL_FRAMES, PAPER_SHAPE, preset};
use crate::card::Structure;
use crate::model::blocks::{max_over_time, mean_over_time};
use crate::model::convolution::convolve_relu_1d;
use crate::model::keras::as_keras;
use crate::model::layers::Layers;
use crate::model::norms::relu;
use crate::model::spec::{Build, Entry, InputKind, Preset};
use crate::recipe::Recipe;

/// This network in the registry.
pub(crate) const ENTRY: Entry<Net2> = Entry {
    id: "net2",
    summary: "Three convolutions over time, their outputs added, pooled by maximum and mean; three dense layers.",
    source: DUPLICATED,
    reported: "88.3 % on GTZAN, random 8/1/1 by song, mean of ten runs: the same artists on both sides.",
    paper_shape: PAPER_SHAPE,
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Windows { overlap: true },
    min_frames: KERNEL_FRAMES,
    preset: || {
        let Preset { front_end, recipe } = preset();
        Preset { front_end, recipe: Recipe { paper_penalty: false, ..recipe } }
    },
    init,
};

/// Three convolutions over time, their outputs added, pooled over all of it by maximum and mean, and three dense
/// layers. 857 322 parameters at the paper's sizes, drawn as in Keras, with which it was made. Any window of at least [`KERNEL_FRAMES`] frames works.
///
/// The paper names no dropout and no weight penalty for it, so it has neither of its own.
#[derive(Module, Debug)]
pub struct Net2 {
    c1: Conv1d,
    c2: Conv1d,
    c3: Conv1d,
    d1: Linear,
    d2: Linear,
    d3: Linear,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> Net2 {
    let [channels, dense, last] = [256, 128, 32].map(|channels| build.channels(channels));
    let same = || Conv1dConfig::new(channels, channels, KERNEL_FRAMES).with_padding(PaddingConfig1d::Same).init(device);
    as_keras(Net2 {
        c1: Conv1dConfig::new(build.shape.bands, channels, KERNEL_FRAMES).init(device),
        c2: same(),
        c3: same(),
        d1: LinearConfig::new(2 * channels, dense).init(device),
        d2: LinearConfig::new(dense, last).init(device),
        d3: LinearConfig::new(last, build.shape.classes).init(device),
    })
}

impl Layers for Net2 {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let c1 = convolve_relu_1d(&self.c1, None, windows); // [batch, 256, frames - 3]
        let c2 = convolve_relu_1d(&self.c2, None, c1.clone());
        let c3 = convolve_relu_1d(&self.c3, None, c2.clone());
        let sum = c1 + c2 + c3;
        let pooled = Tensor::cat(vec![max_over_time(sum.clone()), mean_over_time(sum)], 1); // [batch, 512]
        relu(self.d2.forward(relu(self.d1.forward(pooled))))
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.d3.forward(features)
    }
}
