//! `head`: classifies the features of other networks, which are not trained.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::card::Structure;
use crate::dsp::FrontEnd;
use crate::model::dropout::Dropout;
use crate::model::layers::Layers;
use crate::model::norms::relu;
use crate::model::spec::{Build, Entry, InputKind, Preset, Shape};
use crate::recipe::Recipe;

/// This network in the registry.
pub(crate) const ENTRY: Entry<Head> = Entry {
    id: "head",
    summary: "A linear layer, or one hidden layer before it, on the standardised features of other networks.",
    source: "Usual practice of transfer learning (features of a frozen network, a small classifier on top)",
    reported: "",
    paper_shape: Shape { bands: 500, frames: 1, classes: 10 },
    paper_structure: Structure { width: 1.0, hidden: 0, members: 1, features: 500 },
    input_kind: InputKind::Features,
    min_frames: 1,
    preset: || Preset {
        front_end: &FrontEnd::MUSICNN,
        recipe: Recipe { epochs: 200, batch: 32, windows_per_song: 1, weight_decay: 0.1, ..Recipe::default() },
    },
    init,
};

/// Standardisation of the features, an optional hidden layer, the output layer.
#[derive(Module, Debug)]
pub struct Head {
    input_mean: Param<Tensor<1>>,
    input_deviation: Param<Tensor<1>>,
    hidden: Option<Linear>,
    output: Linear,
    dropout: Dropout,
}

fn init(build: &Build, device: &Device) -> Head {
    let Shape { bands: features, classes, .. } = build.shape;
    let hidden = build.structure.hidden;
    // Computed from the training set, so the optimiser must not change them.
    let constant = |value: Tensor<1>| Param::from_tensor(value).set_require_grad(false);
    Head {
        input_mean: constant(Tensor::zeros([features], device)),
        input_deviation: constant(Tensor::ones([features], device)),
        hidden: (hidden > 0).then(|| LinearConfig::new(features, hidden).init(device)),
        output: LinearConfig::new(if hidden > 0 { hidden } else { features }, classes).init(device),
        dropout: Dropout::new(build.dropouts.dense.unwrap_or(0.0)),
    }
}

/// A head without a hidden layer, of this weight `[features, classes]` and bias `[classes]`; it standardises nothing yet.
// Only the command line trains linear probes.
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
pub(crate) fn linear(weight: Tensor<2>, bias: Tensor<1>) -> Head {
    let ([bands, classes], device) = (weight.dims(), weight.device());
    let mut head = init(&Build::from(Shape { bands, frames: 1, classes }), &device);
    head.output = Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) };
    head
}

impl Head {
    /// The head with this mean and deviation of every feature in its standardisation.
    pub(crate) fn standardising(mut self, mean: Tensor<1>, deviation: Tensor<1>) -> Self {
        self.input_mean = self.input_mean.map(|_| mean.set_require_grad(false));
        self.input_deviation = self.input_deviation.map(|_| deviation.set_require_grad(false));
        self
    }
}

impl Layers for Head {
    fn features(&self, windows: Tensor<3>) -> Tensor<2> {
        let features: Tensor<2> = windows.squeeze_dim(2);
        let standardised = (features - self.input_mean.val().unsqueeze()) / self.input_deviation.val().unsqueeze();
        match &self.hidden {
            Some(hidden) => relu(hidden.forward(self.dropout.forward(standardised))),
            None => standardised,
        }
    }

    fn classify(&self, features: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.dropout.forward(features))
    }
}
