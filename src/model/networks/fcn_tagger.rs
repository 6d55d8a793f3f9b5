//! `fcn-tagger`: a fully convolutional network for tags (Flores Ruiz de Eguino, "Deep Music Genre", CS231n, 2017,
//! section 4, after Choi, Fazekas and Sandler, "Automatic Tagging Using Deep Convolutional Neural Networks", ISMIR
//! 2016: FCN-4).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::deep_music_genre::{FRAMES, SOURCE, preset};
use crate::card::Structure;
use crate::model::blocks::{Block2d, Dense, dropout};
use crate::model::keras::as_keras;
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind, Shape};

/// This network in the registry.
pub(crate) const ENTRY: Entry<FcnTagger> = Entry {
    id: "fcn-tagger",
    summary: "Four two-dimensional convolutions with batch norm and wide max pools, a score for each of many tags.",
    source: SOURCE,
    reported: "Better on MagnaTagATune's 50 tags than the at most 22 % of its one-dimensional network; by how much is \
               not in the text.",
    paper_shape: Shape { bands: 128, frames: FRAMES, classes: 50 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Windows { overlap: true },
    min_frames: 1,
    preset,
    init,
};

/// Channels and max pool, over bands and frames, of the four convolutions: FCN-4's pools, and an eighth of its 128,
/// 384, 768 and 2048 channels, which would be 6 billion multiplications a clip.
const LAYERS: [(usize, [usize; 2]); 4] = [(16, [2, 4]), (48, [4, 5]), (96, [3, 8]), (256, [1, 1])];

/// Four times 3×3 convolution, batch norm, ReLU and max pool, and a score for each tag. 283 394 parameters at the
/// document's sizes.
///
/// Shapes at the document's sizes: `[batch, 1, 128, 646]` → `[16, 64, 161]` → `[48, 16, 32]` → `[96, 5, 4]` → `[256]` →
/// 50; 109 million multiplications a clip. FCN-4's last pool, 4×8, leaves one value a channel of its 96 bands and 1366
/// frames; here the last pool takes whatever is left, so that windows of any length work. The scores are logits:
/// the sigmoid belongs to the loss and to the prediction. Ours: the channels, and no dropout unless it is requested,
/// because the document says that it hardly helped. Weights are drawn as in Keras, with which the document's networks
/// were made.
#[derive(Module, Debug)]
pub struct FcnTagger {
    convolutions: Vec<Block2d>,
    dense: Dense,
}

/// A network with fresh weights.
fn init(build: &Build, device: &Device) -> FcnTagger {
    let mut channels = 1;
    let block = |(to, pool)| {
        let from = std::mem::replace(&mut channels, build.channels(to));
        Block2d::new([from, channels], [1, 1], pool, dropout(build.dropouts.convolution, 0.0), device)
    };
    let convolutions = LAYERS.map(block).to_vec();
    as_keras(FcnTagger { convolutions, dense: Dense::new(channels, &[], build, 0.0, device) })
}

impl Layers for FcnTagger {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let convolved = self.convolutions.iter().fold(windows.unsqueeze_dim(1), |x: Tensor<4>, block| block.forward(x));
        let positions: Tensor<3> = convolved.flatten(2, 3); // [batch, 256, positions]
        self.dense.features(positions.max_dim(2).squeeze_dim(2)) // [batch, 256]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.dense.classify(features)
    }

    fn freeze_norms(&mut self) {
        self.convolutions.iter_mut().for_each(Block2d::freeze_norms);
    }
}
