//! `toy`: a linear classifier on the mean of every band over time.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::model::blocks::mean_over_time;
use crate::model::layers::Layers;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::Recipe;

/// This network in the registry.
pub(crate) const ENTRY: Entry<Toy> = Entry {
    id: "toy",
    summary: "A linear layer on the mean of every band over time.",
    source: "This project",
    reported: "",
    paper_shape: Shape { bands: 128, frames: 39, classes: 10 },
    paper_structure: Structure::DOCUMENTED,
    input_kind: InputKind::Windows { overlap: true },
    min_frames: 1,
    preset: || Preset { front_end: &FrontEnd::GTZAN_LOGMEL, recipe: Recipe::default() },
    init,
};

/// One linear layer.
#[derive(Module, Debug)]
pub struct Toy {
    output: Linear,
}

fn init(build: &Build, device: &Device) -> Toy {
    Toy { output: LinearConfig::new(build.shape.bands, build.shape.classes).init(device) }
}

impl Layers for Toy {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        mean_over_time(windows) // [batch, bands]
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.output.forward(features)
    }
}
