//! Sample rate conversion by rubato's FFT resampler.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, ResamplerConstructionError, WindowFunction};

use super::{Clip, WavError};

/// Samples of a block at the lower rate, at least. The filter is as long as a block: with this it stops at the lower
/// rate's Nyquist frequency and passes what is below 98 % of it.
const SMALLEST_BLOCK: usize = 2048;

/// How often progress is told, about.
const REPORTS: usize = 50;

/// The clip at another sample rate, in Hz; itself where it has that rate. Every sound stays at its moment, and there are
/// `round(samples · sample_rate / clip.sample_rate)` samples.
///
/// # Errors
///
/// [`WavError::Unsupported`] where the resampler cannot be made for these rates.
pub fn resample(clip: Clip, sample_rate: u32) -> Result<Clip, WavError> {
    resample_with(clip, sample_rate, &mut |_| ())
}

/// As [`resample`], telling about 50 times how much is done, 0 to 1, and 1 at the end.
///
/// # Errors
///
/// Those of [`resample`].
pub fn resample_with(clip: Clip, sample_rate: u32, progress: &mut dyn FnMut(f32)) -> Result<Clip, WavError> {
    if clip.sample_rate == sample_rate {
        progress(1.0);
        return Ok(clip);
    }
    let samples = converted(&clip, sample_rate, progress).map_err(|reason| {
        WavError::Unsupported(format!("{} Hz cannot be brought to {sample_rate} Hz ({reason})", clip.sample_rate))
    })?;
    Ok(Clip { samples, sample_rate })
}

fn converted(clip: &Clip, sample_rate: u32, progress: &mut dyn FnMut(f32)) -> Result<Vec<f32>, String> {
    let mut resampler = resampler(clip.sample_rate, sample_rate).map_err(|error| error.to_string())?;
    let (block_in, block_out) = (resampler.input_frames_next(), resampler.output_frames_next());
    let length = (clip.samples.len() as f64 * f64::from(sample_rate) / f64::from(clip.sample_rate)).round() as usize;
    let delay = resampler.output_delay();
    let blocks = (delay + length).div_ceil(block_out);
    let mut out = Vec::new();
    out.try_reserve_exact(blocks * block_out).map_err(|error| error.to_string())?;
    let mut input = vec![0.0; block_in];
    let mut rest = clip.samples.chunks(block_in);
    for block in 0..blocks {
        // Past the clip's end: silence, until the filter has given all it holds.
        fill(&mut input, rest.next().unwrap_or_default());
        out.resize((block + 1) * block_out, 0.0);
        process(&mut resampler, &input, &mut out[block * block_out..])?;
        if block % blocks.div_ceil(REPORTS) == 0 {
            progress(block as f32 / blocks as f32);
        }
    }
    out.drain(..delay.min(out.len()));
    out.truncate(length);
    progress(1.0);
    Ok(out)
}

fn resampler(rate_in: u32, rate_out: u32) -> Result<Fft<f32>, ResamplerConstructionError> {
    let divisor = greatest_common_divisor(rate_in, rate_out).max(1);
    let (step_in, step_out) = ((rate_in / divisor) as usize, (rate_out / divisor) as usize);
    // An even number of steps: the delay is half an output block, and can be taken away exactly only where it is whole.
    let steps = SMALLEST_BLOCK.div_ceil(step_in.min(step_out).max(1)).next_multiple_of(2);
    let window = WindowFunction::BlackmanHarris2;
    Fft::new_custom(rate_in as usize, rate_out as usize, steps * step_in, 1, 1, window, FixedSync::Both)
}

/// One block; `input` and `output` are as long as the resampler wants them.
fn process(resampler: &mut Fft<f32>, input: &[f32], output: &mut [f32]) -> Result<(), String> {
    let (frames_in, frames_out) = (input.len(), output.len());
    let input = SequentialSlice::new(input, 1, frames_in).map_err(|error| error.to_string())?;
    let mut output = SequentialSlice::new_mut(output, 1, frames_out).map_err(|error| error.to_string())?;
    resampler.process_into_buffer(&input, &mut output, None).map(|_| ()).map_err(|error| error.to_string())
}

/// Copies a block that may be shorter and pads it with silence.
fn fill(input: &mut [f32], block: &[f32]) {
    let (sound, silence) = input.split_at_mut(block.len());
    sound.copy_from_slice(block);
    silence.fill(0.0);
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
            let resampler = resampler(rate, 22_050).unwrap();
            assert_eq!(resampler.fft_size_in() % 2, 0, "{rate} Hz");
            assert_eq!(resampler.output_delay() * 2, resampler.fft_size_out(), "{rate} Hz");
        }
    }
}
