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

    use crate::kernels::{FrozenCnn, FrozenMusicnn, Outputs};
    use crate::model::Network;
    use crate::model::predict::is_cpu;

    /// The kernels of a network; clones share the weights.
    #[derive(Clone)]
    pub(super) enum Kernels {
        Musicnn(Arc<FrozenMusicnn>),
        Cnn(Arc<FrozenCnn>),
    }

    impl fmt::Debug for Kernels {
        fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            formatter.write_str("Kernels")
        }
    }

    impl Kernels {
        /// Those of a network, if its architecture and its sizes have some, and the CPU holds it. In `layers` the norms are
        /// taken over.
        pub(super) fn of(network: &Network, layers: &Network, [bands, frames]: [usize; 2]) -> Option<Self> {
            if !is_cpu(&network.device()) {
                return None;
            }
            let cnn = match (network, layers) {
                (Network::Musicnn(musicnn), _) => {
                    return FrozenMusicnn::new(&musicnn.weights()).map(|network| Self::Musicnn(Arc::new(network)));
                }
                (_, Network::Net1(net1)) => net1.weights(),
                (_, Network::Lens(lens)) => lens.weights(),
                (_, Network::Panorama(panorama)) => panorama.weights(),
                _ => return None,
            };
            FrozenCnn::new(&cnn, bands, frames).map(|network| Self::Cnn(Arc::new(network)))
        }

        /// The outputs for windows of one length, `[windows, bands, frames]`; `None` if they are not of sizes that
        /// the kernels are for.
        pub(super) fn run(&self, values: &[f32], bands: usize, frames: usize) -> Option<Vec<Outputs>> {
            let windows = values.chunks_exact((bands * frames).max(1));
            match self {
                Self::Musicnn(network) => {
                    outputs(windows, || network.scratch(), |window, scratch| network.run(window, frames, scratch))
                }
                Self::Cnn(network) => {
                    outputs(windows, Default::default, |window, scratch| network.run(window, frames, scratch))
                }
            }
        }
    }

    /// The outputs for all windows; in the browser one after the other.
    fn outputs<'a, Scratch>(
        windows: impl Iterator<Item = &'a [f32]>,
        scratch: impl Fn() -> Scratch + Sync + Send,
        run: impl Fn(&[f32], &mut Scratch) -> Option<Outputs> + Sync + Send,
    ) -> Option<Vec<Outputs>> {
        #[cfg(target_family = "wasm")]
        {
            let mut scratch = scratch();
            windows.map(|window| run(window, &mut scratch)).collect()
        }
        #[cfg(not(target_family = "wasm"))]
        {
            use rayon::prelude::*;
            let windows: Vec<&[f32]> = windows.collect();
            windows.par_iter().map_init(scratch, |scratch, window| run(window, scratch)).collect()
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
    /// A network with these weights, which are packed for its kernels. Its windows have so many bands and usually so many
    /// frames.
    #[cfg_attr(not(feature = "cpu"), allow(unused_variables, reason = "only kernels want to know"))]
    pub fn new(network: Network, window: [usize; 2]) -> Self {
        let mut layers = network.clone();
        layers.freeze_norms();
        #[cfg(all(feature = "gpu", target_family = "wasm"))]
        let layers = super::convolution::pack(layers);
        Self {
            #[cfg(feature = "cpu")]
            kernels: on_cpu::Kernels::of(&network, &layers, window),
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

    use burn::module::{Module, ModuleMapper, Param};
    use burn::tensor::{Device, Tensor};
    use pollster::block_on;
    use safetensors::SafeTensors;

    use super::*;
    use crate::kernels::tests::expected;
    use crate::model::norms::tests::Trained;
    use crate::model::registry::entry;
    use crate::model::{Blueprint, Build, Shape, weights};

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
            let (learned, frozen) = (musicnn.weights(), Frozen::new(network.clone(), [BANDS, FRAMES]));
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

    #[test]
    fn kernels_of_small_networks_answer_as_burn_does() {
        let device = Device::flex();
        device.seed(11);
        for (id, frames) in [("net1", [39, 17, 4]), ("lens", [39, 20, 9]), ("panorama", [150, 140, 150])] {
            let documented = entry(id).unwrap().documented();
            let shape = Shape { bands: 128, frames: frames[0], classes: 10 };
            let network = Blueprint { build: Build { shape, ..documented.build }, ..documented }.init(&device);
            let frozen = Frozen::new(network.map(&mut Trained), [128, frames[0]]);
            assert!(frozen.has_kernels(), "{id}");
            for frames in frames {
                let values: Vec<f32> = (0..3 * 128 * frames).map(|index| (index as f32 * 0.7).sin()).collect();
                let found = block_on(frozen.outputs(values.clone(), 128, frames)).unwrap();
                let of_burn = block_on(predict::outputs(frozen.network(), Part::Whole, values, 128, frames)).unwrap();
                assert_eq!(found.len(), 3);
                for (found, expected) in found.iter().zip(&of_burn) {
                    for (found, expected) in [(&found.features, &expected.features), (&found.logits, &expected.logits)]
                    {
                        let most = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                        let pairs = found.iter().zip(expected);
                        let difference = pairs.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
                        println!("{id}, {frames} frames: {:.1e}", difference / most);
                        assert_eq!(found.len(), expected.len());
                        assert!(difference < 1e-5 * most, "{id}, {frames} frames: {difference} of {most}");
                    }
                }
            }
            // Of another height: Burn's.
            assert!(frozen.kernels.as_ref().unwrap().run(&[0.0; 64 * 39], 64, 39).is_none());
        }
    }

    #[test]
    fn weights_that_are_no_numbers_are_left_to_burn() {
        let network = entry("net1").unwrap().documented().init(&Device::flex());
        struct Damaged;
        impl ModuleMapper for Damaged {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|weights| weights * f32::NAN)
            }
        }
        assert!(!Frozen::new(network.map(&mut Damaged), [256, 128]).has_kernels());
    }
}
