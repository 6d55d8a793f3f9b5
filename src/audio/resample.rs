//! Sample rate conversion by rubato's FFT resampler.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use super::error::AudioError;
use super::{Clip, error};

/// Fewest samples of a block at the lower rate. The filter is as long as a block: with this length it passes everything
/// below 98 % of the lower rate's Nyquist frequency and stops everything above it.
const SMALLEST_BLOCK: usize = 2048;

/// In Hz. The limit bounds the memory of a block.
const MAX_RATE: u32 = 768_000;

/// Converts a stream of mono samples to another sample rate, without delay: every sound keeps its time. The output is
/// bit-identical however the samples are divided into pushes, and has `round(samples · rate_out / rate_in)` samples.
pub struct Resampler(Mode);

enum Mode {
    Same,
    Convert(Box<Conversion>),
}

struct Conversion {
    fft: Fft<f32>,
    rates: (u32, u32),
    /// A block at the input rate; its first `filled` samples are set.
    input: Vec<f32>,
    filled: usize,
    /// A block at the output rate.
    output: Vec<f32>,
    /// Samples of the output that are only the filter's delay and must still be dropped.
    delay_left: usize,
    pushed: u64,
    written: u64,
}

impl Resampler {
    /// A resampler between two rates in Hz, 1 to 768 000. If they are equal, samples pass through unchanged.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] if a rate is out of range.
    pub fn new(rate_in: u32, rate_out: u32) -> Result<Self, AudioError> {
        if rate_in == 0 || rate_out == 0 || rate_in.max(rate_out) > MAX_RATE {
            let range = format!("only rates of 1 to {MAX_RATE} Hz are supported");
            return Err(error::unsupported(&format!("{rate_in} Hz cannot be resampled to {rate_out} Hz: {range}")));
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
            written: 0,
            fft,
        }))))
    }

    /// Adds samples, and appends to `out` the output that is ready.
    ///
    /// # Errors
    ///
    /// [`AudioError::Unsupported`] if rubato fails, which it should not.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        match &mut self.0 {
            Mode::Same => out.extend_from_slice(samples),
            Mode::Convert(conversion) => conversion.push(samples, out)?,
        }
        Ok(())
    }

    /// Appends the rest of the output to `out`. Nothing may be pushed after it.
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
                // Without a limit: the length is only known at the end.
                self.convert(u64::MAX, out)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let (rate_in, rate_out) = (u128::from(self.rates.0), u128::from(self.rates.1));
        // round(pushed · rate_out / rate_in), in integers so that no length is off by one.
        let length = ((2 * u128::from(self.pushed) * rate_out + rate_in) / (2 * rate_in)) as u64;
        // Silence flushes what is still in the filter.
        while self.written < length {
            self.input[self.filled..].fill(0.0);
            self.convert(length, out)?;
        }
        Ok(())
    }

    /// Converts the block and appends the result, up to `length` samples of output in total.
    fn convert(&mut self, length: u64, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let (frames_in, frames_out) = (self.input.len(), self.output.len());
        let failed = |error: &dyn std::fmt::Display| failed(self.rates, error);
        let input = SequentialSlice::new(&self.input, 1, frames_in).map_err(|error| failed(&error))?;
        let mut output = SequentialSlice::new_mut(&mut self.output, 1, frames_out).map_err(|error| failed(&error))?;
        self.fft.process_into_buffer(&input, &mut output, None).map_err(|error| failed(&error))?;
        self.filled = 0;
        let dropped = self.delay_left.min(frames_out);
        self.delay_left -= dropped;
        let kept = ((frames_out - dropped) as u64).min(length - self.written) as usize;
        out.extend_from_slice(&self.output[dropped..dropped + kept]);
        self.written += kept as u64;
        Ok(())
    }
}

/// Converts a whole clip to another sample rate in Hz, as [`Resampler`] does; a clip of that rate is returned unchanged.
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
    error::unsupported(&format!("{rate_in} Hz cannot be resampled to {rate_out} Hz ({error})"))
}

fn fft(rate_in: u32, rate_out: u32) -> Result<Fft<f32>, rubato::ResamplerConstructionError> {
    let divisor = greatest_common_divisor(rate_in, rate_out).max(1);
    let (step_in, step_out) = ((rate_in / divisor) as usize, (rate_out / divisor) as usize);
    // An even number of steps: the delay is half an output block, and can only be removed exactly if it is whole.
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
