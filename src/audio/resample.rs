//! Sample rate conversion by rubato's FFT resampler.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use super::error::AudioError;
use super::{Clip, error};

/// Samples of a block at the lower rate, at least. The filter is as long as a block: with this it stops at the lower
/// rate's Nyquist frequency and passes what is below 98 % of it.
const SMALLEST_BLOCK: usize = 2048;

/// The highest rate that is converted, in Hz; it bounds a block's memory.
const HIGHEST_RATE: u32 = 768_000;

/// Brings mono samples to another rate as they come. Every sound stays at its moment. However the samples are cut into
/// pushes, the output is the same to the bit: `round(samples · rate_out / rate_in)` samples in all.
pub struct Resampler(Mode);

enum Mode {
    Same,
    Convert(Box<Conversion>),
}

struct Conversion {
    fft: Fft<f32>,
    rates: (u32, u32),
    /// A block at the old rate, filled up to `filled`.
    input: Vec<f32>,
    filled: usize,
    /// A block at the new rate.
    output: Vec<f32>,
    /// Samples of the output that only the filter's delay put there, still to be dropped.
    delay_left: usize,
    pushed: u64,
    given: u64,
}

impl Resampler {
    /// A resampler from one rate to another, both in Hz and 1 to 768 000; between equal rates it passes samples through.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] where the resampler cannot be made for these rates.
    pub fn new(rate_in: u32, rate_out: u32) -> Result<Self, AudioError> {
        if rate_in == 0 || rate_out == 0 || rate_in.max(rate_out) > HIGHEST_RATE {
            let range = format!("rates of 1 to {HIGHEST_RATE} Hz are converted");
            return Err(error::unsupported(&format!("{rate_in} Hz cannot be brought to {rate_out} Hz: {range}")));
        }
        if rate_in == rate_out {
            return Ok(Self(Mode::Same));
        }
        let fft = fft(rate_in, rate_out).map_err(|error| failed((rate_in, rate_out), &error))?;
        Ok(Self(Mode::Convert(Box::new(Conversion {
            rates: (rate_in, rate_out),
            input: vec![0.0; fft.input_frames_next()],
            filled: 0,
            output: vec![0.0; fft.output_frames_next()],
            delay_left: fft.output_delay(),
            pushed: 0,
            given: 0,
            fft,
        }))))
    }

    /// Takes samples in and appends to `out` what is ready.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] where the resampler fails, which it has no reason to.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        match &mut self.0 {
            Mode::Same => out.extend_from_slice(samples),
            Mode::Convert(conversion) => conversion.push(samples, out)?,
        }
        Ok(())
    }

    /// Appends the rest to `out`. After it, the resampler is at its end: nothing is to be pushed any more.
    ///
    /// # Errors
    ///
    /// Those of [`Resampler::push`].
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        match &mut self.0 {
            Mode::Same => Ok(()),
            Mode::Convert(conversion) => conversion.finish(out),
        }
    }
}

impl Conversion {
    fn push(&mut self, mut samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        self.pushed += samples.len() as u64;
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.input.len() - self.filled));
            self.input[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            samples = later;
            if self.filled == self.input.len() {
                self.convert(u64::MAX, out)?;
            }
        }
        Ok(())
    }

    /// Silence follows, until the filter has given all it holds.
    fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let (rate_in, rate_out) = (u128::from(self.rates.0), u128::from(self.rates.1));
        let length = ((2 * u128::from(self.pushed) * rate_out + rate_in) / (2 * rate_in)) as u64;
        while self.given < length {
            self.input[self.filled..].fill(0.0);
            self.convert(length, out)?;
        }
        Ok(())
    }

    /// Converts the block and appends what it gives, up to `length` samples in all.
    fn convert(&mut self, length: u64, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let failed = |error: &dyn std::fmt::Display| failed(self.rates, error);
        let input = SequentialSlice::new(&self.input, 1, frames_in).map_err(|error| failed(&error))?;
        let mut output = SequentialSlice::new_mut(&mut self.output, 1, frames_out).map_err(|error| failed(&error))?;
        self.fft.process_into_buffer(&input, &mut output, None).map_err(|error| failed(&error))?;
        self.filled = 0;
        let dropped = self.delay_left.min(frames_out);
        self.delay_left -= dropped;
        let given = ((frames_out - dropped) as u64).min(length - self.given) as usize;
        out.extend_from_slice(&self.output[dropped..dropped + given]);
        self.given += given as u64;
        Ok(())
    }
}

/// The clip at another sample rate, in Hz; itself where it has that rate. As [`Resampler`], all at once.
///
/// # Errors
///
/// Those of [`Resampler::new`].
pub fn resample(clip: Clip, sample_rate: u32) -> Result<Clip, AudioError> {
    let mut resampler = Resampler::new(clip.sample_rate, sample_rate)?;
    if clip.sample_rate == sample_rate {
        return Ok(clip);
    }
    let mut samples = Vec::new();
    resampler.push(&clip.samples, &mut samples)?;
    resampler.finish(&mut samples)?;
    Ok(Clip { samples, sample_rate })
}

fn failed((rate_in, rate_out): (u32, u32), error: &dyn std::fmt::Display) -> AudioError {
    error::unsupported(&format!("{rate_in} Hz cannot be brought to {rate_out} Hz ({error})"))
}

fn fft(rate_in: u32, rate_out: u32) -> Result<Fft<f32>, rubato::ResamplerConstructionError> {
    let divisor = greatest_common_divisor(rate_in, rate_out).max(1);
    let (step_in, step_out) = ((rate_in / divisor) as usize, (rate_out / divisor) as usize);
    // An even number of steps: the delay is half an output block, and can be taken away exactly only where it is whole.
    let steps = SMALLEST_BLOCK.div_ceil(step_in.min(step_out).max(1)).next_multiple_of(2);
    let window = WindowFunction::BlackmanHarris2;
    Fft::new_custom(rate_in as usize, rate_out as usize, steps * step_in, 1, 1, window, FixedSync::Both)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_common_divisor_of_known_rates() {
        assert_eq!(greatest_common_divisor(44_100, 22_050), 22_050);
        assert_eq!(greatest_common_divisor(48_000, 22_050), 150);
        assert_eq!(greatest_common_divisor(44_101, 22_050), 1);
    }

    #[test]
    fn every_delay_is_half_an_even_block() {
        for rate in [8_000, 11_025, 16_000, 32_000, 44_100, 44_101, 48_000, 96_000, 191_999, 192_000] {
            let fft = fft(rate, 22_050).unwrap();
            assert_eq!(fft.fft_size_in() % 2, 0, "{rate} Hz");
            assert_eq!(fft.output_delay() * 2, fft.fft_size_out(), "{rate} Hz");
        }
    }
}
