//! Every network the program knows: the type that is any of them, and the list of their entries.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::ensemble::Ensemble;
use super::layers::{Layers, Part};
use super::networks::{self, for_each_network};
pub use super::spec::{InputKind, Preset};
use super::tensor_names::{is_statistic, named_shapes};

/// One network of the registry.
pub type Entry = super::spec::Entry<Network>;

/// Makes one type of all architectures, which does what each of them does, and the list of all their entries.
macro_rules! registry {
    ($($module:ident::$network:ident [$($entry:ident),+]),+ $(,)?) => {
        /// A network of any architecture.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "there are one or two networks at a time, never a list of them")]
        pub enum Network {
            $(
                #[doc = concat!("The architecture of `networks/", stringify!($module), ".rs`.")]
                $network(networks::$module::$network),
            )+
            /// Several networks of one architecture.
            Ensemble(Ensemble<Network>),
        }

        impl Layers for Network {
            fn features(&self, windows: Tensor<3>) -> Tensor<2> {
                match self {
                    $(Self::$network(network) => network.features(windows),)+
                    Self::Ensemble(networks) => networks.features(windows),
                }
            }

            fn classify(&self, features: Tensor<2>) -> Tensor<2> {
                match self {
                    $(Self::$network(network) => network.classify(features),)+
                    Self::Ensemble(networks) => networks.classify(features),
                }
            }

            fn pooled(&self, windows: Tensor<3>) -> Tensor<2> {
                match self {
                    $(Self::$network(network) => network.pooled(windows),)+
                    Self::Ensemble(networks) => networks.pooled(windows),
                }
            }

            fn features_of_pooled(&self, pooled: Tensor<2>) -> Tensor<2> {
                match self {
                    $(Self::$network(network) => network.features_of_pooled(pooled),)+
                    Self::Ensemble(networks) => networks.features_of_pooled(pooled),
                }
            }

            fn freeze_norms(&mut self) {
                match self {
                    $(Self::$network(network) => network.freeze_norms(),)+
                    Self::Ensemble(networks) => networks.freeze_norms(),
                }
            }

            fn penalty(&self) -> Option<Tensor<1>> {
                match self {
                    $(Self::$network(network) => network.penalty(),)+
                    Self::Ensemble(networks) => networks.penalty(),
                }
            }
        }

        /// All networks, in the order they are listed in.
        pub const ENTRIES: &[&Entry] = &[$($(
            &networks::$module::$entry.with_init(|build, device| {
                Network::$network((networks::$module::$entry.init)(build, device))
            })
        ),+),+];
    };
}
for_each_network!(registry);

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

    /// Features from the input of a part of it.
    pub(crate) fn features_of_part(&self, part: Part, input: Tensor<3>) -> Tensor<2> {
        match part {
            Part::Whole => self.features(input),
            Part::Last => self.features_of_pooled(input.squeeze_dim(2)),
            Part::Head => input.squeeze_dim(2),
        }
    }

    /// Logits from the input of a part of it.
    pub(crate) fn forward_part(&self, part: Part, input: Tensor<3>) -> Tensor<2> {
        self.classify(self.features_of_part(part, input))
    }

    /// The input `[batch, values]` of a part of it, computed from windows `[batch, bands, frames]`; `None` for
    /// [`Part::Whole`], whose input is the windows themselves.
    pub(crate) fn input_of_part(&self, part: Part, windows: Tensor<3>) -> Option<Tensor<2>> {
        match part {
            Part::Whole => None,
            Part::Last => Some(self.pooled(windows)),
            Part::Head => Some(self.features(windows)),
        }
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        // Every network has tensors, so the default is never used.
        self.devices().into_iter().next().unwrap_or_default()
    }

    /// Every stored tensor in the order of the layers, as name and shape: `("c1.weight", [256, 128, 4])`.
    pub fn layers(&self) -> Vec<(String, Vec<usize>)> {
        named_shapes(self)
    }

    /// How many values training changes: all but the running statistics of batch norms and the standardisation of a head.
    pub fn parameters(&self) -> usize {
        let trained = self.layers().into_iter().filter(|(name, _)| !is_statistic(name));
        trained.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

/// There is no network with this identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no network called '{found}'; the known ones are {}", known())]
pub struct UnknownNetwork {
    found: String,
}

/// The entry with this identifier.
///
/// # Errors
///
/// [`UnknownNetwork`], whose message lists the known ones.
pub fn entry(id: &str) -> Result<&'static Entry, UnknownNetwork> {
    ENTRIES.iter().copied().find(|entry| entry.id == id).ok_or_else(|| UnknownNetwork { found: id.to_owned() })
}

fn known() -> String {
    ENTRIES.iter().map(|entry| entry.id).collect::<Vec<_>>().join(", ")
}
