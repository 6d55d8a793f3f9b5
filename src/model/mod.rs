//! The networks: what they are ([`registry`]), what they are made from ([`build`]), what they hear ([`windows`]), how
//! their weights are kept ([`weights`]), and what a loaded one says of a recording ([`loaded`]).
//!
//! One network, one file. Every network takes a batch of windows `[batch, bands, frames]` and gives logits
//! `[batch, classes]`; nothing outside knows which one it holds.

pub mod backbones;
mod blocks;
pub mod build;
pub mod dropout;
pub mod ensemble;
pub mod imagenet;
mod layers;
pub mod loaded;
pub mod networks;
pub mod predict;
mod recurrent;
pub mod registry;
mod spec;
mod tensor_names;
pub mod transfer;
pub mod weights;
pub mod windows;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use backbones::Backbones;
pub use build::Blueprint;
pub use ensemble::Ensemble;
pub use layers::{Layers, Part};
pub use loaded::Loaded;
pub use spec::{Build, Dropouts, Shape};
pub use tensor_names::is_statistic;
use tensor_names::named_shapes;

/// Makes one enum of all networks, which does what each of them does.
macro_rules! networks {
    ($($(#[$about:meta])* $variant:ident($network:ty)),+ $(,)?) => {
        /// Any network of the registry.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "there are one or two networks at a time, never a list of them")]
        pub enum Network {
            $($(#[$about])* $variant($network)),+
        }

        impl Layers for Network {
            fn features(&self, windows: Tensor<3>) -> Tensor<2> {
                match self { $(Self::$variant(network) => network.features(windows)),+ }
            }

            fn classify(&self, features: Tensor<2>) -> Tensor<2> {
                match self { $(Self::$variant(network) => network.classify(features)),+ }
            }

            fn pooled(&self, windows: Tensor<3>) -> Tensor<2> {
                match self { $(Self::$variant(network) => network.pooled(windows)),+ }
            }

            fn features_of_pooled(&self, pooled: Tensor<2>) -> Tensor<2> {
                match self { $(Self::$variant(network) => network.features_of_pooled(pooled)),+ }
            }

            fn penalty(&self) -> Option<Tensor<1>> {
                match self { $(Self::$variant(network) => network.penalty()),+ }
            }
        }
    };
}

networks! {
    /// Duplicated convolutional layers.
    Net1(networks::net1::Net1),
    /// Its residual contrast.
    Net2(networks::net2::Net2),
    /// This project's own.
    Lens(networks::lens::Lens),
    /// This project's own for long windows.
    Panorama(networks::panorama::Panorama),
    /// Four convolutions over time, of seven networks on FMA-small.
    FmaCnn1dShallow(networks::fma_cnn1d_shallow::FmaCnn1dShallow),
    /// Ten convolutions over time.
    FmaCnn1dDeep(networks::fma_cnn1d_deep::FmaCnn1dDeep),
    /// Four two-dimensional convolutions.
    FmaCnn2dShallow(networks::fma_cnn2d_shallow::FmaCnn2dShallow),
    /// Ten two-dimensional convolutions.
    FmaCnn2dDeep(networks::fma_cnn2d_deep::FmaCnn2dDeep),
    /// An LSTM.
    FmaRnn(networks::fma_rnn::FmaRnn),
    /// Convolutions and an LSTM.
    FmaCrnn(networks::fma_crnn::FmaCrnn),
    /// Convolutions and two LSTMs.
    FmaCrnnStacked(networks::fma_crnn_stacked::FmaCrnnStacked),
    /// Convolutions on pictures.
    GtzanCnn(networks::gtzan_cnn::GtzanCnn),
    /// Strided convolutions over time.
    DeepMusicGenre(networks::deep_music_genre::DeepMusicGenre),
    /// A fully convolutional network for tags.
    FcnTagger(networks::fcn_tagger::FcnTagger),
    /// Convolutions beside a GRU.
    ParallelCnnRnn(networks::parallel_cnn_rnn::ParallelCnnRnn),
    /// The same with a GRU of one unit.
    ParallelCnnRnnTorch(networks::parallel_cnn_rnn_torch::ParallelCnnRnnTorch),
    /// ResNet-50 with new last layers.
    ResNet50(networks::resnet50::ResNet50),
    /// Xception with new last layers.
    Xception(networks::xception::Xception),
    /// MusiCNN, of either set of tags.
    Musicnn(networks::musicnn::Musicnn),
    /// A head on the features of other networks.
    Head(networks::head::Head),
    /// Several of one kind.
    Ensemble(Ensemble),
}

impl Network {
    /// Logits of a batch of windows.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, bands, frames]`
    /// - output: `[batch, classes]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        self.classify(self.features(windows))
    }

    /// What it decides from, of what a part of it is run on.
    pub fn features_of_part(&self, part: Part, input: Tensor<3>) -> Tensor<2> {
        match part {
            Part::Whole => self.features(input),
            Part::Last => self.features_of_pooled(input.squeeze_dim(2)),
            Part::Head => input.squeeze_dim(2),
        }
    }

    /// Logits of what a part of it is run on.
    pub fn forward_part(&self, part: Part, input: Tensor<3>) -> Tensor<2> {
        self.classify(self.features_of_part(part, input))
    }

    /// What a part of it is run on, of windows `[batch, bands, frames]`: `[batch, values]`, or nothing where that is the
    /// windows themselves.
    pub fn input_of_part(&self, part: Part, windows: Tensor<3>) -> Option<Tensor<2>> {
        match part {
            Part::Whole => None,
            Part::Last => Some(self.pooled(windows)),
            Part::Head => Some(self.features(windows)),
        }
    }

    /// The device the weights are on.
    pub fn device(&self) -> Device {
        self.devices().into_iter().next().unwrap_or_default()
    }

    /// Every stored tensor in the order of the layers, as path and shape: `("c1.weight", [256, 128, 4])`.
    pub fn layers(&self) -> Vec<(String, Vec<usize>)> {
        named_shapes(self)
    }

    /// TrainingResult parameters: without the running statistics of batch norms and the standardisation of a head.
    pub fn parameters(&self) -> usize {
        let learned = self.layers().into_iter().filter(|(name, _)| !is_statistic(name));
        learned.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}
