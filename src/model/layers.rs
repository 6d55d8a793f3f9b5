//! What every network does, whichever its architecture: features from windows, and logits from features.

use burn::tensor::Tensor;

/// The two parts of every network: the layers that extract features, and the last ones, which classify them.
pub trait Layers {
    /// The input of the last dense layer (of the head, if that has several layers), before its dropout.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, bands, frames]`
    /// - output: `[batch, features]`
    fn features(&self, windows: Tensor<3>) -> Tensor<2>;

    /// Logits from features.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, features]`
    /// - output: `[batch, classes]`
    fn classify(&self, features: Tensor<2>) -> Tensor<2>;

    /// The output of the pooling over time, if more than the last layer follows it; otherwise the
    /// [`features`](Self::features).
    ///
    /// # Shapes
    ///
    /// - input: `[batch, bands, frames]`
    /// - output: `[batch, pooled]`
    fn pooled(&self, windows: Tensor<3>) -> Tensor<2> {
        self.features(windows)
    }

    /// [`features`](Self::features) from the output of [`pooled`](Self::pooled).
    ///
    /// # Shapes
    ///
    /// - input: `[batch, pooled]`
    /// - output: `[batch, features]`
    fn features_of_pooled(&self, pooled: Tensor<2>) -> Tensor<2> {
        pooled
    }

    /// Prepares the network for being computed often and never trained again: batch norms become part of the layers
    /// before them, or are simplified. The outputs differ by rounding alone.
    fn freeze_norms(&mut self) {}

    /// The weight penalty that the network's document adds to the loss, shape `[1]`; `None` if it states none.
    fn penalty(&self) -> Option<Tensor<1>> {
        None
    }
}

/// Which layers of a network run or are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All layers; the input is windows.
    #[default]
    Whole,
    /// The layers after the pooling over time; the input is `[batch, pooled, 1]`, computed before.
    Last,
    /// The last layers alone; the input is features `[batch, features, 1]`, computed before.
    Head,
}
