//! `xception-transfer`: Xception (Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017,
//! figure 5), with new last layers for spectrograms as pictures (Tesserolli 2024).

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};

use super::imagenet::{Classifier, Colours, TRANSFER, convolution, halving, mean_of_pixels, norm, pictures};
use super::resnet50::preset;
use crate::card::Structure;
use crate::model::convolution::convolve_relu_2d;
use crate::model::layers::Layers;
use crate::model::norms::{normalized, relu, take_over_2d};
use crate::model::spec::{Build, Entry, InputKind, Shape};

/// This network in the registry.
pub(crate) const ENTRY: Entry<Xception> = Entry {
    id: "xception-transfer",
    summary: "Xception, made for photographs, with new last layers, on the spectrogram as a picture; from ImageNet weights or \
              from scratch.",
    source: TRANSFER,
    reported: "71 % balanced at a learning rate of 1e-3, 75 % at 1e-4 (73 % on test) with the output layer alone, 49 % \
               with a dense layer before it, validation, on GTZAN's pictures, random 80/10/10 by song.",
    paper_shape: Shape { bands: 299, frames: 299, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Pictures,
    // What the two convolutions without padding need.
    min_frames: 7,
    preset: || preset(1e-4),
    init,
};

/// timm's mean and deviation for its `legacy_xception` (its `default_cfg`): 0..1 to -1..1, not ImageNet's statistics.
const COLOURS: Colours = [(0.5, 0.5); 3];

/// Two convolutions, twelve blocks of separable ones with a way around each, two separable ones, the mean over the
/// picture, and the last layers.
///
/// As in timm; the convolutions have no bias, nor have they in the paper's figure and in Keras. 22 855 952 parameters
/// with 1000 classes. It pools over all of the picture, so that any size from 7×7 on works.
#[derive(Module, Debug)]
pub struct Xception {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    blocks: Vec<Block>,
    conv3: Separable,
    bn3: BatchNorm,
    conv4: Separable,
    bn4: BatchNorm,
    fc: Classifier,
}

/// Every channel for itself in 3×3, then all of them in 1×1, nothing between.
#[derive(Module, Debug)]
struct Separable {
    conv1: Conv2d,
    pointwise: Conv2d,
}

/// Separable convolutions, and a max pool if the picture is halved, added to the input or to a 1×1 convolution of it.
#[derive(Module, Debug)]
struct Block {
    rep: Vec<Unit>,
    pool: Option<MaxPool2d>,
    skip: Option<Conv2d>,
    skipbn: Option<BatchNorm>,
}

/// A separable convolution and its batch norm. All but the network's first have a ReLU before them.
#[derive(Module, Debug)]
struct Unit {
    conv: Separable,
    bn: BatchNorm,
}

fn init(build: &Build, device: &Device) -> Xception {
    let channels = |documented| build.channels(documented);
    let block = |documented: &[usize], halves| {
        let channels: Vec<usize> = documented.iter().map(|&documented| channels(documented)).collect();
        Block::new(&channels, halves, device)
    };
    let middle = (4..=11).map(|_| block(&[728; 4], false));
    let entry = [[64, 128, 128], [128, 256, 256], [256, 728, 728]].map(|channels| block(&channels, true));
    let exit = block(&[728, 728, 1024], true);
    Xception {
        conv1: convolution([3, channels(32)], 3, 2, 0, 1, device),
        bn1: norm(channels(32), device),
        conv2: convolution([channels(32), channels(64)], 3, 1, 0, 1, device),
        bn2: norm(channels(64), device),
        blocks: entry.into_iter().chain(middle).chain([exit]).collect(),
        conv3: Separable::new([channels(1024), channels(1536)], device),
        bn3: norm(channels(1536), device),
        conv4: Separable::new([channels(1536), channels(2048)], device),
        bn4: norm(channels(2048), device),
        fc: Classifier::new(channels(2048), build, device),
    }
}

impl Separable {
    fn new([before, after]: [usize; 2], device: &Device) -> Self {
        Self {
            conv1: convolution([before, before], 3, 1, 1, before, device),
            pointwise: convolution([before, after], 1, 1, 0, 1, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.pointwise.forward(self.conv1.forward(x))
    }
}

impl Block {
    /// `channels` are those of the input and after every convolution; `halves` is true if the block halves the picture.
    fn new(channels: &[usize], halves: bool, device: &Device) -> Self {
        let unit =
            |pair: &[usize]| Unit { conv: Separable::new([pair[0], pair[1]], device), bn: norm(pair[1], device) };
        let (before, after) = (channels[0], channels[channels.len() - 1]);
        Self {
            rep: channels.windows(2).map(unit).collect(),
            pool: halves.then(halving),
            skip: halves.then(|| convolution([before, after], 1, 2, 0, 1, device)),
            skipbn: halves.then(|| norm(after, device)),
        }
    }

    /// `first` for the network's first block, whose input has come through a ReLU.
    fn forward(&self, x: Tensor<4>, first: bool) -> Tensor<4> {
        let unit = |x: Tensor<4>, (index, unit): (usize, &Unit)| {
            let x = if first && index == 0 { x } else { relu(x) };
            normalized(&unit.bn, unit.conv.forward(x))
        };
        let inside = self.rep.iter().enumerate().fold(x.clone(), unit);
        let inside = match &self.pool {
            Some(pool) => pool.forward(inside),
            None => inside,
        };
        let around = match (&self.skip, &self.skipbn) {
            (Some(skip), Some(bn)) => normalized(bn, skip.forward(x)),
            _ => x,
        };
        inside + around
    }

    fn freeze_norms(&mut self) {
        self.rep.iter_mut().for_each(|unit| take_over_2d(&mut unit.conv.pointwise, &mut unit.bn));
        if let (Some(skip), Some(bn)) = (&mut self.skip, &mut self.skipbn) {
            take_over_2d(skip, bn);
        }
    }
}

impl Layers for Xception {
    /// The mean over the picture of the last convolution's output, 2048 at full width; of a hidden layer, the layer's
    /// input.
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let x = pictures(windows, COLOURS); // [batch, 3, 299, 299]
        let x = convolve_relu_2d(&self.conv1, Some(&self.bn1), x); // [batch, 32, 149, 149]
        let x = convolve_relu_2d(&self.conv2, Some(&self.bn2), x); // [batch, 64, 147, 147]
        let blocks = self.blocks.iter().enumerate();
        let x = blocks.fold(x, |x, (index, block)| block.forward(x, index == 0)); // [batch, 1024, 10, 10]
        let x = relu(normalized(&self.bn3, self.conv3.forward(x))); // [batch, 1536, 10, 10]
        let x = relu(normalized(&self.bn4, self.conv4.forward(x))); // [batch, 2048, 10, 10]
        mean_of_pixels(x) // [batch, 2048]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.fc.forward(features)
    }

    fn freeze_norms(&mut self) {
        take_over_2d(&mut self.conv1, &mut self.bn1);
        take_over_2d(&mut self.conv2, &mut self.bn2);
        self.blocks.iter_mut().for_each(Block::freeze_norms);
        take_over_2d(&mut self.conv3.pointwise, &mut self.bn3);
        take_over_2d(&mut self.conv4.pointwise, &mut self.bn4);
    }
}

/// timm's name of a layer: `block2.rep.4.pointwise.weight` of `blocks.1.rep.1.conv.pointwise.weight`.
///
/// timm counts the ReLU before every separable convolution as a layer of its block; the first block begins without.
pub(crate) fn name_in_file(layer: &str) -> String {
    let parts: Vec<&str> = layer.split('.').collect();
    let number = |part: &str| part.parse::<usize>().unwrap_or(0);
    let last = |name: &str| match name {
        "gamma" => "weight".to_owned(),
        "beta" => "bias".to_owned(),
        name => name.to_owned(),
    };
    match parts[..] {
        ["blocks", block, "rep", unit, kind, .., name] => {
            let first = 3 * number(unit) + usize::from(block != "0");
            let block = number(block) + 1;
            match kind {
                "conv" => format!("block{block}.rep.{first}.{}.{name}", parts[parts.len() - 2]),
                _ => format!("block{block}.rep.{}.{}", first + 1, last(name)),
            }
        }
        ["blocks", block, part, name] => format!("block{}.{part}.{}", number(block) + 1, last(name)),
        [ref path @ .., name] => {
            path.iter().map(|part| (*part).to_owned()).chain([last(name)]).collect::<Vec<_>>().join(".")
        }
        [] => String::new(),
    }
}
