//! Networks whose weights do not change, as the CPU engine computes them: with [`kernels`](crate::kernels) of its own where
//! there are some for the architecture, otherwise with Burn. On other devices, and for training, always with Burn.

use burn::tensor::ExecutionError;

use super::layers::{Layers, Part};
use super::predict::{self, Output};
use super::registry::Network;

#[cfg(feature = "cpu")]
mod on_cpu {
    use std::fmt;
    use std::sync::Arc;

    use crate::kernels::{FrozenMusicnn, Outputs};
    use crate::model::Network;
    use crate::model::predict::is_cpu;

    /// The kernels of a network; clones share the weights.
    #[derive(Clone)]
    pub(super) struct Kernels(Arc<FrozenMusicnn>);

    impl fmt::Debug for Kernels {
        fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("Kernels")
        }
    }

    impl Kernels {
        /// Those of a network, if its architecture and its sizes have some, and the CPU holds it.
        pub(super) fn of(network: &Network) -> Option<Self> {
            let Network::Musicnn(musicnn) = network else { return None };
            is_cpu(&network.device())
                .then(|| FrozenMusicnn::new(&musicnn.weights()))
                .flatten()
                .map(|network| Self(Arc::new(network)))
        }

        /// The outputs for windows of one length, `[windows, bands, frames]`; `None` if they are not of sizes that
        /// the kernels are for.
        pub(super) fn run(&self, values: &[f32], bands: usize, frames: usize) -> Option<Vec<Outputs>> {
            let windows = values.chunks_exact((bands * frames).max(1));
            #[cfg(target_family = "wasm")]
            {
                let mut scratch = self.0.scratch();
                windows.map(|window| self.0.run(window, frames, &mut scratch)).collect()
            }
            #[cfg(not(target_family = "wasm"))]
            {
                use rayon::prelude::*;
                let windows: Vec<&[f32]> = windows.collect();
                let run = |scratch: &mut _, window: &&[f32]| self.0.run(window, frames, scratch);
                windows.par_iter().map_init(|| self.0.scratch(), run).collect()
            }
        }
    }
}

/// A network, and what computes it faster: layers without batch norms, and kernels.
#[derive(Debug, Clone)]
pub struct Frozen {
    network: Network,
    layers: Network,
    #[cfg(feature = "cpu")]
    kernels: Option<on_cpu::Kernels>,
}

impl Frozen {
    /// A network with these weights, which are packed for its kernels.
    pub fn new(network: Network) -> Self {
        let mut layers = network.clone();
        layers.freeze_norms();
        #[cfg(all(feature = "gpu", target_family = "wasm"))]
        let layers = super::convolution::pack(layers);
        Self {
            #[cfg(feature = "cpu")]
            kernels: on_cpu::Kernels::of(&network),
            network,
            layers,
        }
    }

    /// The network as Burn has it.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The layers that Burn computes it by.
    pub(crate) fn layers(&self) -> &Network {
        &self.layers
    }

    /// True if it is computed by kernels of its own.
    #[cfg(feature = "cpu")]
    pub fn has_kernels(&self) -> bool {
        self.kernels.is_some()
    }

    /// Features and logits of windows of one length, given as values `[windows, bands, frames]`. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub async fn outputs(&self, values: Vec<f32>, bands: usize, frames: usize) -> Result<Vec<Output>, ExecutionError> {
        #[cfg(feature = "cpu")]
        if let Some(found) = self.kernels.as_ref().and_then(|kernels| kernels.run(&values, bands, frames)) {
            return Ok(found
                .into_iter()
                .map(|found| Output { features: found.features, logits: found.logits })
                .collect());
        }
        predict::outputs(&self.layers, Part::Whole, values, bands, frames).await
    }

    /// As [`predict::inputs_of_part`].
    ///
    /// # Errors
    ///
    /// [`ExecutionError`] if the device was lost.
    pub(crate) async fn inputs_of_part(
        &self,
        part: Part,
        values: Vec<f32>,
        bands: usize,
        frames: usize,
    ) -> Result<Vec<Vec<f32>>, ExecutionError> {
        #[cfg(feature = "cpu")]
        if part != Part::Whole
            && let Some(found) = self.kernels.as_ref().and_then(|kernels| kernels.run(&values, bands, frames))
        {
            let row = |found: crate::kernels::Outputs| if part == Part::Last { found.pooled } else { found.features };
            return Ok(found.into_iter().map(row).collect());
        }
        predict::inputs_of_part(&self.layers, part, values, bands, frames).await
    }
}

#[cfg(all(test, feature = "cpu", not(target_family = "wasm")))]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use burn::tensor::Device;
    use pollster::block_on;
    use safetensors::SafeTensors;

    use super::*;
    use crate::kernels::tests::expected;
    use crate::model::weights;

    const BANDS: usize = 96;
    const FRAMES: usize = 187;

    /// The first frames of a patch of music, `[bands, frames]`.
    fn window(frames: usize) -> Vec<f32> {
        let file = SafeTensors::deserialize(include_bytes!("../../tests/data/musicnn/golden.safetensors")).unwrap();
        let patches = file.tensor("patches").unwrap(); // [patch, frame, band]
        let values: Vec<f32> = patches.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(values.len() % (BANDS * FRAMES), 0);
        (0..BANDS * frames).map(|index| values[index % frames * BANDS + index / frames]).collect()
    }

    #[test]
    fn tags_of_the_kernels_are_those_of_double_precision() {
        for which in ["msd", "mtt"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("model-weights/musicnn-{which}.safetensors"));
            let Ok(bytes) = std::fs::read(&path) else {
                // Not by `eprintln!`, which the test runner swallows.
                let _ =
                    writeln!(std::io::stderr(), "SKIPPED: {} is not there; run `cargo xtask weights`", path.display());
                continue;
            };
            let card = weights::embedded_card(&bytes).unwrap();
            let network = weights::from_bytes(bytes, &card, &Device::flex()).unwrap();
            let Network::Musicnn(musicnn) = &network else { panic!("{which} is no MusiCNN") };
            let (learned, frozen) = (musicnn.weights(), Frozen::new(network.clone()));
            for frames in [FRAMES, 60, 7] {
                let window = window(frames);
                let [_, _, logits] = expected(&learned, &window, frames);
                let sigmoid = |logit: f64| 1.0 / (1.0 + (-logit).exp());
                let difference = |outputs: Vec<Output>| {
                    let pairs = outputs[0].logits.iter().zip(&logits);
                    pairs.fold(0.0, |most: f64, (a, b)| most.max((sigmoid(f64::from(*a)) - sigmoid(*b)).abs()))
                };
                let of_kernels = difference(block_on(frozen.outputs(window.clone(), BANDS, frames)).unwrap());
                let of_burn = block_on(predict::outputs(&network, Part::Whole, window, BANDS, frames)).unwrap();
                println!("{which}, {frames} frames: kernels {of_kernels:.1e}, Burn {:.1e}", difference(of_burn));
                assert!(of_kernels < 1e-6, "{which}, {frames} frames: {of_kernels}");
            }
        }
    }
}
