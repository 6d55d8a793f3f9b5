//! The architectures, one a file.

pub mod deep_music_genre;
pub mod fcn_tagger;
pub mod fma;
pub mod fma_cnn1d_deep;
pub mod fma_cnn1d_shallow;
pub mod fma_cnn2d_deep;
pub mod fma_cnn2d_shallow;
pub mod fma_crnn;
pub mod fma_crnn_stacked;
pub mod fma_rnn;
pub mod gtzan_cnn;
pub mod head;
pub mod lens;
pub mod musicnn;
pub mod net1;
pub mod net2;
pub mod panorama;
pub mod parallel_cnn_rnn;
pub mod parallel_cnn_rnn_torch;
pub mod resnet50;
pub mod xception;
