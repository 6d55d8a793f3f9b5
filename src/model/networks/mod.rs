//! The architectures, one a file, and what families of them share.
//!
//! None of them names another architecture's type, the enum of all networks, or the registry: they know
//! [`spec`](super::spec), [`layers`](super::layers) and the blocks that they are built of.

mod fma;
mod imagenet;

/// Passes every architecture to the macro `$then`: its file, its type, its entries in the registry.
///
/// To add a network, write its file and add its line here: the line declares the module and makes its variant of
/// [`Network`](super::registry::Network) and its [`ENTRIES`](super::registry::ENTRIES), in this order.
// Neither rustfmt nor `cargo fmt` sees a module that a macro declares: `cargo xtask test fmt` names these files to it.
macro_rules! for_each_network {
    ($then:ident) => {
        $then! {
            net1::Net1 [ENTRY],
            net2::Net2 [ENTRY],
            fma_cnn1d::FmaCnn1d [SHALLOW, DEEP],
            fma_cnn2d::FmaCnn2d [SHALLOW, DEEP],
            fma_rnn::FmaRnn [ENTRY],
            fma_crnn::FmaCrnn [ENTRY],
            fma_crnn_stacked::FmaCrnnStacked [ENTRY],
            gtzan_cnn::GtzanCnn [ENTRY],
            resnet50::ResNet50 [ENTRY],
            xception::Xception [ENTRY],
            deep_music_genre::DeepMusicGenre [ENTRY],
            fcn_tagger::FcnTagger [ENTRY],
            parallel_cnn_rnn::ParallelCnnRnn [ENTRY],
            parallel_cnn_rnn_torch::ParallelCnnRnnTorch [ENTRY],
            lens::Lens [ENTRY],
            panorama::Panorama [ENTRY],
            musicnn::Musicnn [MSD, MTT],
            head::Head [ENTRY],
        }
    };
}
pub(super) use for_each_network;

macro_rules! declare {
    ($($module:ident::$network:ident [$($entry:ident),+]),+ $(,)?) => { $(pub(crate) mod $module;)+ };
}
for_each_network!(declare);
