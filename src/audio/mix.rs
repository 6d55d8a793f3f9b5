//! Mixes channels to mono, and counts samples that are not plausible.

/// Samples are clamped to this many times full scale, so that no power spectrum overflows. Files whose floats are on the
/// scale of 24-bit integers still fit.
const MAX_AMPLITUDE: f32 = 8_388_608.0;
/// A file whose samples exceed this many times full scale (12 dB) is on another scale or damaged. Lossy codecs and float
/// mixes stay below.
const IMPLAUSIBLE_AMPLITUDE: f32 = 4.0;

/// Averages the channels of each frame, and counts the samples that had to be replaced.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    /// Mono samples of the current block.
    pub mono: Vec<f32>,
    not_finite: u64,
    /// Largest magnitude of the finite samples, before they are clamped.
    loudest: f32,
}

impl Mixer {
    /// Appends the mean of every frame's channels. `interleaved` must hold whole frames.
    pub(super) fn push(&mut self, interleaved: &[f32], channels: usize) {
        self.mono.reserve(interleaved.len() / channels);
        for frame in interleaved.chunks_exact(channels) {
            let sum: f32 = frame.iter().map(|&sample| self.sanitize(sample)).sum();
            // The mean: the level must not depend on the number of channels.
            self.mono.push(sum / channels as f32);
        }
    }

    fn sanitize(&mut self, sample: f32) -> f32 {
        if !sample.is_finite() {
            self.not_finite += 1;
            // One NaN would spread to every value of the spectrum and of the network.
            return 0.0;
        }
        self.loudest = self.loudest.max(sample.abs());
        sample.clamp(-MAX_AMPLITUDE, MAX_AMPLITUDE)
    }

    /// Sentences for the user about all samples so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        let not_finite = match self.not_finite {
            0 => None,
            1 => Some("1 sample is not a finite number; it is replaced by silence.".to_owned()),
            count => Some(format!("{count} samples are not finite numbers; they are replaced by silence.")),
        };
        let loudest = (self.loudest > IMPLAUSIBLE_AMPLITUDE).then(|| {
            let times = self.loudest;
            let times = if times < 1e6 { format!("{times:.1}") } else { format!("{times:.1e}") };
            format!("The loudest sample is {times} times full scale; the file may be damaged or on another scale.")
        });
        not_finite.into_iter().chain(loudest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_floats_become_silence_and_huge_ones_are_clamped() {
        let mut mixer = Mixer::default();
        mixer.push(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -1.5], 1);
        assert_eq!(mixer.mono, [0.0, 0.0, 0.0, MAX_AMPLITUDE, -MAX_AMPLITUDE, -1.5]);
    }

    #[test]
    fn a_usual_recording_gives_no_warnings() {
        let mut mixer = Mixer::default();
        mixer.push(&[-1.0, 1.0, 0.5, 0.0], 2);
        assert_eq!((mixer.mono.as_slice(), mixer.warnings().len()), (&[0.0, 0.25][..], 0));
    }
}
