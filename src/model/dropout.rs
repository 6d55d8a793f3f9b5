//! Dropout (Srivastava et al. 2014), with masks drawn by the program and not by the device: the same seed gives the same
//! masks on every engine, and a resumed training run the masks that it would have had.

use std::cell::RefCell;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

thread_local! {
    // Not a field of the layer: layers are cloned for every step, and each clone would draw the same masks.
    static MASKS: RefCell<ChaCha8Rng> = RefCell::new(ChaCha8Rng::seed_from_u64(0));
}

/// Makes this thread draw the masks of this epoch of a training run from now on.
pub(crate) fn seed_masks(seed: u64, epoch: usize) {
    MASKS.with_borrow_mut(|masks| {
        *masks = ChaCha8Rng::seed_from_u64(seed);
        masks.set_stream(epoch as u64);
    });
}

/// Sets a share of the values to zero in training, and scales the others so that the expected sum stays.
#[derive(Module, Debug)]
pub(crate) struct Dropout {
    rate: f64,
}

impl Dropout {
    /// A layer of this rate, 0 to below 1.
    pub(crate) fn new(rate: f64) -> Self {
        Self { rate }
    }

    /// Returns the input on a device without gradients. Any shape, which stays.
    pub(crate) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        if self.rate <= 0.0 || !x.device().is_autodiff() {
            return x;
        }
        let mask = TensorData::new(mask(x.shape().num_elements(), self.rate), x.shape());
        let device = x.device();
        x * Tensor::from_data(mask, &device)
    }
}

fn mask(length: usize, rate: f64) -> Vec<f32> {
    let (kept, dropped) = ((1.0 / (1.0 - rate)) as f32, (rate * 2.0_f64.powi(32)) as u32);
    MASKS.with_borrow_mut(|masks| (0..length).map(|_| if masks.next_u32() < dropped { 0.0 } else { kept }).collect())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_share_is_dropped_and_the_sum_stays() {
        seed_masks(1, 1);
        let mask = mask(100_000, 0.2);
        let dropped = mask.iter().filter(|value| **value == 0.0).count();
        assert!((19_000..21_000).contains(&dropped), "{dropped}");
        let mean = mask.iter().sum::<f32>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn masks_are_those_of_their_seed_and_epoch() {
        let of = |seed, epoch| {
            seed_masks(seed, epoch);
            mask(64, 0.5)
        };
        assert_eq!(of(1, 2), of(1, 2));
        assert_ne!(of(1, 2), of(1, 3));
        assert_ne!(of(1, 2), of(2, 2));
    }

    #[test]
    fn nothing_is_dropped_without_gradients() {
        let (dropout, device) = (Dropout::new(0.5), Device::flex());
        let ones = |device: &Device| Tensor::<2>::ones([8, 8], device);
        let sum = |tensor: Tensor<2>| tensor.sum().into_scalar::<f32>();
        assert_eq!(sum(dropout.forward(ones(&device))), 64.0);
        assert_ne!(sum(dropout.forward(ones(&device.clone().autodiff())).inner()), 64.0);
        assert_eq!(sum(Dropout::new(0.0).forward(ones(&device.autodiff())).inner()), 64.0);
    }
}
