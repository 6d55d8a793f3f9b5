//! A network that can be made: an entry of the registry, its sizes, its structure, its front end.

use burn::tensor::Device;

use super::ensemble::Ensemble;
use super::registry::{Entry, Network, UnknownNetwork, entry};
use super::spec::{Build, Dropouts, Shape};
use super::windows::{InputSpec, Windowing};
use crate::card::{Card, Structure};
use crate::dsp::FrontEnd;

/// A network before it has weights.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// Its entry in the registry.
    pub entry: &'static Entry,
    /// Its sizes, structure and dropout.
    pub build: Build,
    /// Turns samples into its input.
    pub front_end: &'static FrontEnd,
}

/// A card that describes no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlueprintError {
    /// The card names a network that does not exist.
    #[error(transparent)]
    Network(#[from] UnknownNetwork),
    /// The card names a front end that does not exist.
    #[error("the network's card names the front end '{0}', which this version does not have")]
    FrontEnd(String),
    /// A size out of range.
    #[error("the network's card says {what}; expected {expected}")]
    Size {
        /// The size, with its name.
        what: String,
        /// The range.
        expected: &'static str,
    },
}

/// The largest of any size on a card. A card may come from anywhere, and its sizes are used to allocate.
const LARGEST: usize = 1 << 14;

impl Blueprint {
    /// A network with fresh weights.
    pub fn init(&self, device: &Device) -> Network {
        let member = || (self.entry.init)(&self.build, device);
        // A single network is no ensemble of one: its tensors have no index in their names.
        match self.build.structure.members {
            1 => member(),
            members => Network::Ensemble(Ensemble::new((0..members).map(|_| member()).collect())),
        }
    }

    /// How windows of its input are cut from segments.
    pub fn windowing(&self) -> Windowing {
        Windowing::new(self.entry.input_kind, self.build.shape, self.front_end.scaling)
    }

    /// Its front end and windows.
    pub fn input_spec(&self) -> InputSpec {
        let (windowing, min_frames) = (self.windowing(), self.entry.min_frames);
        InputSpec { front_end: self.front_end, windowing, min_frames }
    }
}

impl Entry {
    /// The document's configuration.
    pub fn documented(&'static self) -> Blueprint {
        let build = Build { structure: self.paper_structure, ..Build::from(self.paper_shape) };
        Blueprint { entry: self, build, front_end: (self.preset)().front_end }
    }
}

impl Card {
    /// The network that this card describes.
    ///
    /// # Errors
    ///
    /// [`BlueprintError`] for a network, a front end or a size that does not exist.
    pub fn blueprint(&self) -> Result<Blueprint, BlueprintError> {
        let Structure { width, hidden, members, features } = self.structure;
        let size = |name: &str, found: usize, least: usize, expected| match found {
            found if (least..=LARGEST).contains(&found) => Ok(()),
            found => Err(BlueprintError::Size { what: format!("{name}: {found}"), expected }),
        };
        size("bands", self.bands, 1, "1 to 16384")?;
        size("frames", self.frames, 1, "1 to 16384")?;
        size("labels", self.labels.len(), 1, "1 to 16384")?;
        size("hidden", hidden, 0, "at most 16384")?;
        size("features", features, 0, "at most 16384")?;
        if !(1..=64).contains(&members) {
            return Err(BlueprintError::Size { what: format!("members: {members}"), expected: "1 to 64" });
        }
        if !(width > 0.0 && width <= 4.0) {
            return Err(BlueprintError::Size { what: format!("width: {width}"), expected: "above 0, at most 4" });
        }
        let front_end = FrontEnd::by_name(&self.front_end);
        Ok(Blueprint {
            entry: entry(&self.architecture)?,
            build: Build { shape: self.shape(), structure: self.structure, dropouts: Dropouts::default() },
            front_end: front_end.ok_or_else(|| BlueprintError::FrontEnd(self.front_end.clone()))?,
        })
    }

    /// The sizes of the network that this card describes: a head's input is the features of its backbones.
    pub fn shape(&self) -> Shape {
        let (bands, frames) = match self.structure.features {
            0 => (self.bands, self.frames),
            features => (features, 1),
        };
        Shape { bands, frames, classes: self.labels.len() }
    }
}
