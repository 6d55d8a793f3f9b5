//! `resnet50-transfer`: ResNet-50 (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1), with new
//! last layers for spectrograms as pictures (Tesserolli 2024).

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};

use super::imagenet::{Classifier, Colours, TRANSFER, convolution, halving, mean_of_pixels, norm, pictures};
use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::model::convolution::convolve_relu_2d;
use crate::model::layers::Layers;
use crate::model::norms::{normalized, relu, take_over_2d};
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::{OptimiserKind, Recipe, Schedule};

/// This network in the registry.
pub(crate) const ENTRY: Entry<ResNet50> = Entry {
    id: "resnet50-transfer",
    summary: "ResNet-50, made for photographs, with new last layers, on the spectrogram as a picture; from ImageNet weights \
              or from scratch.",
    source: TRANSFER,
    reported: "67 % balanced with the output layer alone, 65 % with a dense layer before it, validation, on GTZAN's \
               pictures, random 80/10/10 by song.",
    paper_shape: Shape { bands: 224, frames: 224, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Pictures,
    min_frames: 1,
    preset: || preset(1e-3),
    init,
};

/// The document's training: Adam, 10 epochs. Ours, because it does not say: batches of 32, a constant rate.
pub(crate) fn preset(learning_rate: f64) -> Preset {
    Preset {
        front_end: &FrontEnd::IMAGE,
        recipe: Recipe {
            epochs: 10,
            batch: 32,
            windows_per_song: 1,
            optimiser: OptimiserKind::Adam,
            learning_rate,
            schedule: Schedule::Constant,
            weight_decay: 0.0,
            ..Recipe::default()
        },
    }
}

/// torchvision's and timm's mean and deviation of ImageNet's pixels.
const COLOURS: Colours = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

/// Channels inside the blocks of a stage, and how many blocks it has (the paper's table 1, 50 layers).
const STAGES: [(usize, usize); 4] = [(64, 3), (128, 4), (256, 6), (512, 3)];

/// A block's output is so many times wider than its inside.
const EXPANSION: usize = 4;

/// A convolution, four stages of residual blocks, the mean over the picture, and the last layers.
///
/// A block halves the picture in its 3×3 convolution, as torchvision's and timm's do ("version 1.5"), not in its first
/// one, as the paper has it. 25 557 032 parameters with 1000 classes. It pools over all of the picture, so that any size
/// works.
#[derive(Module, Debug)]
pub struct ResNet50 {
    conv1: Conv2d,
    bn1: BatchNorm,
    pool: MaxPool2d,
    layer1: Vec<Bottleneck>,
    layer2: Vec<Bottleneck>,
    layer3: Vec<Bottleneck>,
    layer4: Vec<Bottleneck>,
    fc: Classifier,
}

/// 1×1 to fewer channels, 3×3, 1×1 to more, added to the input.
#[derive(Module, Debug)]
struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    downsample: Option<Downsample>,
}

/// Brings a block's input to the shape of its output.
#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    bn: BatchNorm,
}

fn init(build: &Build, device: &Device) -> ResNet50 {
    let first = build.channels(64);
    let stage = |index: usize| {
        let (channels, blocks) = STAGES[index];
        let before = index.checked_sub(1).map_or(first, |before| build.channels(EXPANSION * STAGES[before].0));
        let [inside, outside] = [channels, EXPANSION * channels].map(|channels| build.channels(channels));
        let block = |block: usize| match block {
            0 => Bottleneck::new([before, inside, outside], if index == 0 { 1 } else { 2 }, true, device),
            _ => Bottleneck::new([outside, inside, outside], 1, false, device),
        };
        (0..blocks).map(block).collect()
    };
    ResNet50 {
        conv1: convolution([3, first], 7, 2, 3, 1, device),
        bn1: norm(first, device),
        pool: halving(),
        layer1: stage(0),
        layer2: stage(1),
        layer3: stage(2),
        layer4: stage(3),
        fc: Classifier::new(build.channels(EXPANSION * STAGES[3].0), build, device),
    }
}

impl Bottleneck {
    fn new([before, inside, outside]: [usize; 3], stride: usize, first: bool, device: &Device) -> Self {
        // The shortcut must have the shape of the block's output.
        let downsample =
            || Downsample { conv: convolution([before, outside], 1, stride, 0, 1, device), bn: norm(outside, device) };
        Self {
            conv1: convolution([before, inside], 1, 1, 0, 1, device),
            bn1: norm(inside, device),
            conv2: convolution([inside, inside], 3, stride, 1, 1, device),
            bn2: norm(inside, device),
            conv3: convolution([inside, outside], 1, 1, 0, 1, device),
            bn3: norm(outside, device),
            downsample: first.then(downsample),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inside = convolve_relu_2d(&self.conv1, Some(&self.bn1), x.clone());
        let inside = convolve_relu_2d(&self.conv2, Some(&self.bn2), inside);
        let outside = normalized(&self.bn3, self.conv3.forward(inside));
        let around = match &self.downsample {
            Some(Downsample { conv, bn }) => normalized(bn, conv.forward(x)),
            None => x,
        };
        relu(outside + around)
    }

    fn freeze_norms(&mut self) {
        take_over_2d(&mut self.conv1, &mut self.bn1);
        take_over_2d(&mut self.conv2, &mut self.bn2);
        take_over_2d(&mut self.conv3, &mut self.bn3);
        if let Some(Downsample { conv, bn }) = &mut self.downsample {
            take_over_2d(conv, bn);
        }
    }
}

impl Layers for ResNet50 {
    /// The mean over the picture of the last convolution's output, 2048 at full width; of a hidden layer, the layer's
    /// input.
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let x = pictures(windows, COLOURS); // [batch, 3, 224, 224]
        let x = convolve_relu_2d(&self.conv1, Some(&self.bn1), x); // [batch, 64, 112, 112]
        let x = self.pool.forward(x); // [batch, 64, 56, 56]
        let through = |x, stage: &[Bottleneck]| stage.iter().fold(x, |x, block| block.forward(x));
        let x = through(x, &self.layer1); // [batch, 256, 56, 56]
        let x = through(x, &self.layer2); // [batch, 512, 28, 28]
        let x = through(x, &self.layer3); // [batch, 1024, 14, 14]
        mean_of_pixels(through(x, &self.layer4)) // [batch, 2048]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.fc.forward(features)
    }

    fn freeze_norms(&mut self) {
        take_over_2d(&mut self.conv1, &mut self.bn1);
        let stages = [&mut self.layer1, &mut self.layer2, &mut self.layer3, &mut self.layer4];
        stages.into_iter().flatten().for_each(Bottleneck::freeze_norms);
    }
}

/// torchvision's and timm's name of a layer: `layer1.0.downsample.1.weight` of `layer1.0.downsample.bn.gamma`.
pub(crate) fn name_in_file(layer: &str) -> String {
    let name = |part| match part {
        "conv" => "0",
        "bn" => "1",
        "gamma" => "weight",
        "beta" => "bias",
        part => part,
    };
    layer.split('.').map(name).collect::<Vec<_>>().join(".")
}
