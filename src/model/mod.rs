//! The networks, in layers that each know only those before them:
//!
//! 1. `spec`, `layers`, `windows`: what a network is described by, what each of them does, what its input is;
//! 2. `networks`: the architectures, one a file, and `blocks`, `norms`, `recurrent`, `dropout` and `keras` that they are
//!    built of;
//! 3. `registry`: the type that is any of them, and their list;
//! 4. `blueprint`, `weights`, `transfer`, `imagenet_weights`, `predict`: networks made, loaded and run;
//! 5. `frozen`: a network that is not trained, without batch norms of their own, on the CPU engine with kernels;
//! 6. `loaded`, `backbones`: a network with its card, and those that a head uses as feature extractors; `in_flight`: a
//!    recording's windows on a graphics processor.
//!
//! Every network takes a batch of windows `[batch, bands, frames]` and gives logits `[batch, classes]`.

pub(crate) mod backbones;
mod blocks;
pub mod blueprint;
mod convolution;
pub(crate) mod dropout;
mod ensemble;
mod frozen;
pub mod imagenet_weights;
pub(crate) mod in_flight;
mod keras;
#[cfg(feature = "cpu")]
mod kernel_weights;
mod layers;
pub(crate) mod loaded;
pub(crate) mod networks;
mod norms;
pub mod predict;
mod recurrent;
pub mod registry;
mod spec;
mod tensor_names;
pub(crate) mod transfer;
pub mod weights;
pub mod windows;

pub(crate) use backbones::Backbones;
pub use blueprint::Blueprint;
pub(crate) use ensemble::Ensemble;
pub use frozen::Frozen;
pub use layers::{Layers, Part};
pub(crate) use loaded::Loaded;
pub use registry::Network;
pub use spec::{Build, Dropouts, Shape};
pub use tensor_names::is_statistic;
